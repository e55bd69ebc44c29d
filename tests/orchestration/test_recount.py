"""Visits counted anew by the assets, from silver alone, and what the commands show of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import Settings, load_settings
from orchestration import cli
from orchestration.definitions import build_defs
from orchestration.documents import NotLoaded, Wanted, by_second, most_visited
from orchestration.importing import import_steps
from orchestration.load import Ran, runner
from orchestration.recount import days_to_count, make_steps
from orchestration.steps.files import RawFile, keep
from orchestration.steps.visits import counted_alike
from orchestration.work import Work
from scrapers.filers import filers

HEADER = "ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser"
FILING, OTHER = "0000320193-16-000070", "0000789019-16-000001"
FIRST, SECOND = date(2017, 1, 31), date(2017, 2, 1)


def line(day: date, clock: str, cik: int, accession: str, ip: str = "1.2.3.abc") -> str:
    return f"{ip},{day},{clock},0.0,{cik}.0,{accession},.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,"


def write_log(folder: Path, day: date) -> RawFile:
    """A request that comes twice to the letter, one more in its minute, and one of another address."""
    path = folder / f"log{day:%Y%m%d}.csv"
    again = line(day, "00:00:01", 320193, FILING)
    others = [line(day, "00:00:30", 789019, OTHER), line(day, "09:00:00", 320193, FILING, "9.9.9.xyz")]
    path.write_text("\n".join([HEADER, again, again, *others, ""]))
    return RawFile(path, "edgar_log_v1", path.as_uri(), day)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Settings]:
    """A home with two days' logs, counted by the usual definition."""
    folder = tmp_path_factory.mktemp("recount")
    settings = load_settings(home=folder / "home", world="real")
    home = Home.open(settings)
    home.lake.claim(home.world)
    work = Work(home, settings, "import", FIRST, SECOND)
    logs = [write_log(folder, day) for day in (FIRST, SECOND)]
    keep(work, logs)
    for raw in logs:
        raw.path.unlink()
    steps = [step for step in import_steps(logs, work) if step.job == "attention"]
    with runner(home) as run:
        for step in steps:
            run(step)
    return home, settings


def recount(home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, all_days: bool = False) -> list[Ran]:
    """The steps of the command, but for the marts."""
    monkeypatch.setenv("TIDEMARK_VISITS_REPEATS", settings.visits_repeats)
    monkeypatch.setenv("TIDEMARK_VISITS_DOCUMENTS_A_MINUTE", str(settings.visits_documents_a_minute))
    work = Work(home, settings, "recount", date.min, date.max)
    steps = make_steps(build_defs({"home": str(home.root)}), days_to_count(work, all_days=all_days))
    with runner(home) as run:
        return [run(step) for step in steps if not step.marts]


def days(home: Home) -> list[tuple[object, ...]]:
    columns = ("log_date", "visits_all", "visits_human", "visitors", "visitors_human", "counts_repeats")
    return delta.read(home, table("gold.visitors_day")).sort("log_date").select(columns).rows()


def test_a_changed_definition_is_told_and_counted_anew(
    loaded: tuple[Home, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = loaded
    assert days(home) == [(day, 4, 4, 2, 2, True) for day in (FIRST, SECOND)]
    assert recount(home, settings, monkeypatch) == []
    changed = settings.model_copy(update={"visits_repeats": "once", "visits_documents_a_minute": 1})
    work = Work(home, changed, "run", FIRST, SECOND)
    told = counted_alike(work)
    assert not told.passed
    assert told.facts["days_counted_otherwise"] == 2
    files = table("bronze.files")
    before = {known: delta.version(home, table(known)) for known in ("silver.edgar_requests", files.id)}
    one, two, gold = recount(home, changed, monkeypatch)
    # Two months, and then what is made whole of all days.
    for ran in (one, two):
        assert ran.facts["gold.visitors_day"]["visits_repeats"] == "once"
        assert "silver.edgar_requests" not in ran.facts
    assert "gold.visits_day" in gold.facts
    assert {known: delta.version(home, table(known)) for known in before} == before
    # Without the repeat there are two documents in the first minute: one too many.
    assert days(home) == [(day, 3, 1, 2, 1, False) for day in (FIRST, SECOND)]
    assert delta.read(home, table("gold.visits_day"))["visits_all"].sum() == 6
    assert counted_alike(work).passed
    assert days_to_count(work, all_days=False) == []
    assert days_to_count(replace(work, first=SECOND), all_days=True) == [SECOND]
    recount(home, settings, monkeypatch)
    assert days(home) == [(day, 4, 4, 2, 2, True) for day in (FIRST, SECOND)]


def test_the_most_visited_filings_and_their_seconds(loaded: tuple[Home, Settings]) -> None:
    home, _ = loaded
    found = most_visited(home, FIRST, Wanted()).select("cik", "accession", "visits_all", "visitors").rows()
    assert found == [(320193, FILING, 3, 2), (789019, OTHER, 1, 1)]
    seconds = by_second(home, FIRST, Wanted(accession=FILING)).select("second_of_day", "requests").rows()
    assert seconds == [(1, 2), (32_400, 1)]
    assert most_visited(home, FIRST, Wanted(cik=789019))["accession"].to_list() == [OTHER]
    with pytest.raises(NotLoaded, match=r"no visits of 2017-02-02 .* from 2017-01-31 to 2017-02-01, 2 days"):
        most_visited(home, date(2017, 2, 2), Wanted())


def test_a_date_in_both_series_is_ranked_in_one_of_them(tmp_path: Path) -> None:
    home = Home.open(load_settings(home=tmp_path / "home", world="real"))
    home.lake.claim(home.world)
    facts = {"log_date": FIRST, "observed_at": datetime(2026, 1, 1, tzinfo=UTC), "_run_id": "run", "visitors": 1}
    for name, extra in (("gold.visitors_day", {}), ("gold.visits_documents", {"cik": 320193, "accession": FILING})):
        known = table(name)
        empty = known.schema.create_empty()
        counts = [
            {"series": series, "visits_all": visits, **facts, **extra} for series, visits in (("v1", 9), ("v2", 2))
        ]
        rows = [{column: row.get(column) for column in empty.columns} for row in counts]
        delta.append(home, known, pl.DataFrame(rows, schema=empty.schema))
    # A filing is named as its company describes itself, where no mapping has it, as the marts name it.
    described = pl.DataFrame({"symbol": ["AAPL"], "cik": [320193], "name": ["Apple Inc."]}).with_columns(
        observed_at=facts["observed_at"], _run_id=pl.lit("run"), _payload_sha256=None
    )
    delta.append(home, table("gold.filers"), filers(table("silver.mapped_tickers").schema.create_empty(), described))
    columns = ("series", "visits_all", "symbol", "name")
    newest = [("v2", 2, "AAPL", "Apple Inc.")]
    assert most_visited(home, FIRST, Wanted()).select(columns).rows() == newest
    assert most_visited(home, FIRST, Wanted(series="v1")).select(columns).rows() == [("v1", 9, *newest[0][2:])]
    with pytest.raises(NotLoaded, match="in the series v3, but in v1, v2"):
        most_visited(home, FIRST, Wanted(series="v3"))


def test_the_command_tells_programs_too(loaded: tuple[Home, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(loaded[0].root))
    done = CliRunner().invoke(cli.app, ["documents", "--date", "2017-01-31", "--json"])
    told = json.loads(done.output)
    assert told["simulated"] is False
    assert [row["accession"] for row in told["documents"]] == [FILING, OTHER]
