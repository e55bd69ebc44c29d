"""Imported files from bronze to gold: each its own slice of silver, brought again as the user says now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.clock import Clock
from lake.contracts import DISPUTED, table
from lake.home import Home
from lake.settings import load_settings
from orchestration import running
from orchestration.importing import ImportBusy, NothingToImport, alone, import_files, import_steps
from orchestration.recognising import NOTHING_SAID, Said, recognise
from orchestration.steps import bars, files, indices, listings
from orchestration.steps.imports import FILE_CHECKS
from orchestration.work import Outcome, Work

SESSION = date(2026, 11, 20)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
LINES = [
    "2021-01-04,10,10,10,10,9.5,1,0,0",
    "2021-01-05,10,10,10,10,9.5,1,0,0",
    "2021-01-06,10,10,10,10,10,1,0.5,0",
    "2021-01-07,10,x,10,10,10,1,0,0",
]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    settings = load_settings(home=tmp_path / "home", world="real", now="2026-11-21T12:00:00Z!")
    home = Home.open(settings)
    return Work(home, settings, "run", SESSION, SESSION, clock=Clock.from_settings(settings))


def bring(work: Work, run: str, path: Path, said: Said = NOTHING_SAID) -> Work:
    """Keep a file as a run of its own."""
    mine = replace(work, run_id=run)
    raw, _ = recognise(path, said, work.settings, mine.clock.now())
    files.keep(mine, [raw])
    return mine


def settle(work: Work) -> dict[str, Outcome]:
    made = [*bars.settle_bars(work), *bars.gold_bars(work)]
    return {outcome.table.id: outcome for outcome in made}


def rows(work: Work, name: str) -> pl.DataFrame:
    return delta.read(work.home, table(name))


@pytest.fixture
def daily(tmp_path: Path) -> Path:
    path = tmp_path / "AAA.csv"
    path.write_text(HEADER + "\n".join(LINES))
    return path


def test_a_file_goes_to_gold_with_its_actions_and_its_account(work: Work, daily: Path) -> None:
    made = settle(bring(work, "one", daily))
    account = made["silver.bars_daily"].account
    assert account is not None
    assert tuple(account) == (4, 3, 0, 1)
    assert rows(work, "gold.bars_daily").sort("session")["adj_close"].to_list() == pytest.approx([9.5, 9.5, 10])
    assert rows(work, "gold.corporate_actions").select("symbol", "kind", "amount").rows() == [("AAA", "dividend", 0.5)]
    refused = delta.read_quarantine(work.home, table("silver.bars_daily"))
    assert refused.select("rules", "row").rows() == [("high_is_not_a_number", LINES[3])]
    assert {finding.check for finding in made["silver.bars_daily"].findings} == set(FILE_CHECKS)
    assert all(finding.passed for finding in made["silver.bars_daily"].findings)


def test_settled_again_nothing_is_written_and_nothing_changes(work: Work, daily: Path) -> None:
    mine = bring(work, "one", daily)
    first = settle(mine)["silver.bars_daily"]
    before = rows(work, "silver.bars_daily")
    again = settle(mine)["silver.bars_daily"]
    assert delta.version(work.home, table("silver.bars_daily")) == first.written.version
    assert again.account == first.account
    assert rows(work, "silver.bars_daily").equals(before)


def test_brought_again_with_another_symbol_the_file_speaks_of_that_one_alone(work: Work, daily: Path) -> None:
    settle(bring(work, "one", daily))
    settle(bring(work, "two", daily, Said("BBB")))
    for name in ("silver.bars_daily", "silver.corporate_actions", "gold.bars_daily", "gold.corporate_actions"):
        assert set(rows(work, name)["symbol"]) == {"BBB"}, name
    kept = rows(work, "bronze.files")
    assert kept.select("symbol", "_run_id").rows() == [("BBB", "two")]


def test_a_file_said_to_be_an_index_s_is_no_company_s_any_more(work: Work, daily: Path) -> None:
    settle(bring(work, "one", daily))
    raw, _ = recognise(daily, Said("^GSPC"), work.settings, work.clock.now())
    assert files.kinds_before(work, [raw]) == {"bars_daily"}
    mine = bring(work, "two", daily, Said("^GSPC"))
    settle(mine)
    list(indices.settle_indices(mine))
    assert set(rows(work, "silver.index_bars_daily")["symbol"]) == {"^GSPC"}
    for name in ("silver.bars_daily", "silver.corporate_actions", "gold.bars_daily", "gold.corporate_actions"):
        assert rows(work, name).is_empty(), name
    assert delta.read_quarantine(work.home, table("silver.bars_daily")).is_empty()


def test_a_log_brought_again_under_its_right_name_is_that_day_s(work: Work, tmp_path: Path) -> None:
    wrong, right = tmp_path / "log20170312.csv", tmp_path / "log20170311.csv"
    wrong.write_text("ip,date,time,zone,cik,accession,extention,code\n1.2.3.abc,2017-03-11,00:00:01,0.0,5.0,,x,200.0\n")
    bring(work, "one", wrong)
    right.write_bytes(wrong.read_bytes())
    raw, _ = recognise(right, NOTHING_SAID, work.settings, work.clock.now())
    before = files.days_before(work, [raw])
    assert [(file.kind, file.log_date) for file in before] == [("edgar_log_v1", date(2017, 3, 12))]
    steps = [step.name for step in import_steps([raw, *before], work)]
    assert steps[:2] == ["log of 2017-03-11", "log of 2017-03-12"]
    bring(work, "two", right)
    kept = rows(work, "bronze.files").select("log_date", "file_name", "_run_id").rows()
    assert kept == [(date(2017, 3, 11), right.name, "two")]
    assert files.days_before(work, [raw]) == []


def test_files_of_a_home_of_an_earlier_version_are_read(work: Work, daily: Path) -> None:
    mine = bring(work, "one", daily)
    known = table("bronze.files")
    old = rows(work, known.id).with_columns(pl.lit("bars_daily_csv").alias("kind"))
    delta.replace_slice(work.home, known, old, delta.EVERYTHING)
    settle(mine)
    assert set(rows(work, "gold.bars_daily")["symbol"]) == {"AAA"}
    bring(work, "two", daily)
    assert rows(work, known.id)["_run_id"].to_list() == ["one"]


def test_the_user_s_word_on_the_basis_goes_before_the_shape_s(work: Work, daily: Path) -> None:
    settle(bring(work, "one", daily, Said(basis="raw")))
    assert set(rows(work, "gold.bars_daily")["basis"].cast(pl.String)) == {"raw"}
    bring(work, "two", daily, Said(basis="raw"))
    assert rows(work, "bronze.files")["_run_id"].to_list() == ["one"]


def test_what_gives_way_and_what_contradicts_is_counted_in_gold(work: Work, daily: Path, tmp_path: Path) -> None:
    settle(bring(work, "one", daily))
    other = tmp_path / "AAA_other.csv"
    other.write_text(HEADER + "\n".join(["2021-01-04,10,10,10,10,9.5,1,0,0", "2021-01-05,11,11,11,11,9.5,1,0,0"]))
    made = settle(bring(work, "two", other))["gold.bars_daily"]
    assert {name: made.facts[name] for name in ("taken", "superseded")} == {"taken": 3, "superseded": 1}
    assert made.facts["refused_contradicts_newer_origin"] == 1
    findings = {finding.check: finding for finding in made.findings}
    assert findings["basis_as_declared"].passed
    assert not findings["origins_agree"].passed
    assert findings["origins_agree"].bearable
    assert findings["origins_join"].passed
    refused = delta.read_quarantine(work.home, DISPUTED)
    assert refused["rules"].to_list() == ["contradicts_newer_origin"]
    assert '"close": 1' in refused["row"].item()


def test_shifted_dates_fail_a_check_and_reach_nothing(work: Work, tmp_path: Path) -> None:
    path = tmp_path / "AAA.csv"
    days = [f"2021-0{1 + n // 28}-{1 + n % 28:02}" for n in range(56)]
    path.write_text(HEADER + "\n".join(f"{day},10,10,10,10,9.5,1,0,0" for day in days))
    made = settle(bring(work, "one", path))["silver.bars_daily"]
    findings = {finding.check: finding for finding in made.findings}
    assert not findings["dates_are_sessions"].passed
    assert not findings["dates_are_sessions"].bearable
    assert rows(work, "silver.bars_daily").is_empty()


def test_a_file_that_the_mapping_does_not_know_any_more_is_refused_by_name(
    work: Work, daily: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scrapers.imports import recognise as recognising

    mine = bring(work, "one", daily)
    monkeypatch.setattr(recognising, "SHAPES", ())
    account = settle(mine)["silver.bars_daily"].account
    assert account is not None
    assert tuple(account) == (1, 0, 0, 1)
    refused = delta.read_quarantine(work.home, table("silver.bars_daily"))
    assert refused["rules"].to_list() == ["not_recognised"]
    assert "AAA.csv: expected" in refused["row"].item()


def test_an_index_s_file_goes_beside_its_charts(work: Work, tmp_path: Path) -> None:
    day, minute = tmp_path / "NIFTY_days.csv", tmp_path / "NIFTY_2024.csv"
    day.write_text("Index Name,Date,Open,High,Low,Close\nNIFTY 50,01-Apr-24,22455,22529.95,22427.75,22462\n")
    minute.write_text("Instrument,Date,Time,Open,High,Low,Close\nNIFTY,20240401,09:15,22455,22460,22450,22452\n")
    bring(work, "one", day)
    mine = bring(work, "one", minute)
    list(indices.settle_indices(mine))
    list(indices.gold_indices(replace(mine, first=date(2024, 4, 1), last=date(2024, 4, 1))))
    assert rows(work, "gold.index_bars_daily").select("symbol", "close", "name").rows() == [
        ("^NSEI", 22462.0, "NIFTY 50")
    ]
    assert rows(work, "gold.index_bars_minute").select("symbol", "close").rows() == [("^NSEI", 22452.0)]


def test_the_newest_list_of_a_day_is_gold_s(work: Work, tmp_path: Path) -> None:
    header = "commit_time,exchange_file,symbol,name,lastsale,marketCap,country,ipoyear,industry,sector\n"
    for run, hour, sale in (("one", 20, 1), ("two", 16, 2)):
        path = tmp_path / f"{run}.csv"
        path.write_text(f"{header}2021-02-01T{hour}:00:00+00:00,nasdaq,AAPL,Apple,${sale},5,,,,\n")
        mine = bring(work, run, path)
    account = listings.settle_listings(mine).account
    outcome = listings.gold_listings(mine)
    assert account is not None
    assert tuple(account) == (2, 2, 0, 0)
    assert rows(work, "gold.listings").select("symbol", "last_sale").rows() == [("AAPL", 1.0)]
    assert outcome.facts == {"taken": 1, "superseded": 1}


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [("yahoo", "AAA.csv", HEADER), ("sec", "t.csv", "CIK,Ticker,Name,Exchange\n1,A,B,C\n")],
)
def test_a_source_that_is_off_takes_no_files(tmp_path: Path, source: str, name: str, text: str) -> None:
    settings = load_settings(home=tmp_path / "home", world="real", **{f"source_{source}": "off"})
    (tmp_path / name).write_text(text)
    home = Home.open(settings)
    with pytest.raises(NothingToImport, match=f"TIDEMARK_SOURCE_{source.upper()} is off: set it to files or live"):
        import_files(home, settings, [tmp_path / name])
    assert delta.count(home, table("bronze.files")) == 0


@pytest.fixture
def busy(work: Work) -> Iterator[Work]:
    lock = running.take(work.home, "import")
    yield work
    lock.release()


def test_one_import_at_a_time(busy: Work) -> None:
    with pytest.raises(ImportBusy, match="another import is at work"), alone(busy.home):
        raise AssertionError("two at once")
