"""A log that turned out to be another day's: nothing of the wrong day stays, whatever its lines were taken for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from orchestration.importing import import_steps
from orchestration.load import runner
from orchestration.steps.files import RawFile, days_before, keep
from orchestration.work import Work

V1 = "ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser\n"
LINE = "1.2.3.abc,{day},00:00:01,0.0,320193.0,0000320193-17-000009,.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,\n"
SILVER, TABLES = (
    table("silver.edgar_requests"),
    ("gold.visits_second", "gold.visitors_day", "gold.visits_day", "gold.log_days"),
)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    settings = load_settings(home=tmp_path / "home", world="real")
    home = Home.open(settings)
    home.lake.claim(home.world)
    return Work(home, settings, "import", date(2017, 1, 1), date(2017, 1, 1))


def bring(work: Work, files: list[RawFile]) -> None:
    changed = days_before(work, files)
    keep(work, files)
    with runner(work.home) as run:
        for step in import_steps([*files, *changed], work):
            if step.job == "attention":
                run(step)


def days(work: Work, name: str) -> list[date]:
    return delta.read(work.home, table(name))["log_date"].unique().sort().to_list()


def test_a_log_brought_again_as_another_day_s_leaves_nothing_of_the_first(work: Work, tmp_path: Path) -> None:
    wrong, right = date(2017, 3, 12), date(2017, 3, 13)
    path = tmp_path / "log.csv"
    # Of each day one line is good, and the others are refused as of another day.
    path.write_text(V1 + "".join(LINE.format(day=day) for day in (wrong, right, right)))
    for day, refused in ((wrong, 2), (right, 1)):
        bring(work, [RawFile(path, "edgar_log_v1", "x", day)])
        for name in (SILVER.id, *TABLES):
            assert days(work, name) == [day], name
        quarantine = delta.read_quarantine(work.home, SILVER)
        assert quarantine["slice"].to_list() == [f"log_date={day},series=v1"] * refused
