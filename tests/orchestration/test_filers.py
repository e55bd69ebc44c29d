"""Which ticker and name a filer has on which day, from mappings of several days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake import delta
from lake.contracts import table
from lake.home import Home
from lake.settings import load_settings
from orchestration.steps import files, tickers
from orchestration.work import Work
from scrapers.filers import BEGIN, day_of_mapping, filers, mapped_filers

RECEIVED = date(2026, 11, 20)
OLD, NEW = date(2021, 12, 30), date(2025, 2, 28)


def mapped(*rows: tuple[date, str, int, str]) -> pl.DataFrame:
    known = table("silver.mapped_tickers")
    told = [
        {
            "origin": f"{taken:%Y%m%d}" * 8,
            "symbol": symbol,
            "cik": cik,
            "name": name,
            "taken_on": taken,
            "place": place,
            "observed_at": datetime(2026, 11, 20, tzinfo=UTC),
            "_run_id": "run",
        }
        for place, (taken, symbol, cik, name) in enumerate(rows)
    ]
    return known.conform(pl.DataFrame(told).with_columns(exchange=None, _payload_sha256=None))


def spans(frame: pl.DataFrame, cik: int) -> list[tuple[date, date | None, str, str]]:
    return frame.filter(pl.col("cik") == cik).select("valid_from", "valid_to", "symbol", "name").rows()


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("sec_cik_ticker_mappings_2021-12-30.csv", OLD),
        ("company_tickers_20250228.json", NEW),
        ("sec_company_tickers_akshat_2024.json", date(2024, 12, 31)),
        ("company_tickers_2026.json", RECEIVED),
        ("mapping-2021-13-30.csv", date(2021, 12, 31)),
        ("company_tickers.json", RECEIVED),
    ],
)
def test_a_mapping_is_of_the_day_that_its_file_is_named_for(name: str, day: date) -> None:
    assert day_of_mapping(name, RECEIVED) == day


def test_the_mapping_of_the_time_holds_and_the_newest_where_there_is_none() -> None:
    found = mapped_filers(
        mapped(
            (OLD, "FB", 1, "Facebook"),
            (NEW, "META", 1, "Meta"),
            (OLD, "GONE", 2, "Gone"),
            (NEW, "CAME", 3, "Came"),
            (OLD, "SAME", 4, "Same"),
            (NEW, "SAME", 4, "Same"),
        )
    )
    table("gold.filers").schema.validate(found)
    # Before the first mapping the newest holds, as on days whose mapping lacks the filer.
    assert spans(found, 1) == [(BEGIN, OLD, "META", "Meta"), (OLD, NEW, "FB", "Facebook"), (NEW, None, "META", "Meta")]
    assert spans(found, 2) == [(BEGIN, None, "GONE", "Gone")]
    assert spans(found, 3) == [(BEGIN, None, "CAME", "Came")]
    assert spans(found, 4) == [(BEGIN, None, "SAME", "Same")]


def test_of_several_tickers_the_home_s_own_then_common_shares_then_the_file_s_order() -> None:
    rows = mapped((NEW, "BAC-PB", 1, "Bank"), (NEW, "BAC", 1, "Bank"), (NEW, "GOOGL", 2, "A"), (NEW, "GOOG", 2, "A"))
    assert mapped_filers(rows).select("cik", "symbol").rows() == [(1, "BAC"), (2, "GOOGL")]
    assert mapped_filers(rows, ["GOOG", "ZZZ"]).select("cik", "symbol").rows() == [(1, "BAC"), (2, "GOOG")]


def test_a_company_s_own_description_names_it_and_stands_in_for_a_mapping() -> None:
    companies = pl.DataFrame(
        [
            ("META", 1, "Meta Platforms, Inc."),
            ("GOOGL", 5, "Alphabet Inc."),
            ("GOOG", 5, "Alphabet Inc. C"),
            ("NOCIK", None, "Nobody"),
        ],
        schema={"symbol": pl.String, "cik": pl.Int64, "name": pl.String},
        orient="row",
    ).with_columns(observed_at=datetime(2026, 11, 21, tzinfo=UTC), _run_id=pl.lit("own"), _payload_sha256=None)
    found = filers(mapped((OLD, "FB", 1, "Facebook"), (NEW, "META", 1, "Meta"), (OLD, "GONE", 2, "Gone")), companies)
    table("gold.filers").schema.validate(found)
    own = "Meta Platforms, Inc."
    assert spans(found, 1) == [(BEGIN, OLD, "META", own), (OLD, NEW, "FB", "Facebook"), (NEW, None, "META", own)]
    assert spans(found, 2) == [(BEGIN, None, "GONE", "Gone")]
    assert spans(found, 5) == [(BEGIN, None, "GOOG", "Alphabet Inc. C")]
    assert found.filter(pl.col("cik") == 5).select("taken_on", "_run_id").rows() == [(None, "own")]
    assert found["cik"].n_unique() == 3


def test_the_four_mappings_of_different_dates_become_filers(shared: Path, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", world="real")
    home = Home.open(settings)
    work = Work(home, settings, "run", RECEIVED, RECEIVED)
    folder = shared / "data" / "fundamentals"
    paths = [*folder.glob("sec_cik_ticker_mappings_*.csv"), *folder.glob("sec_company_tickers_*")]
    assert len(paths) == 4
    files.keep(work, [files.RawFile(path, "sec_tickers", path.as_uri()) for path in paths])
    mappings, newest = list(tickers.settle_mappings(work))
    assert mappings.account is not None
    assert mappings.account.rows_in == 13_178 + 9_713 + 9_538 + 10_365
    assert newest.account is not None
    assert newest.account.rows_in == mappings.account.rows_in
    assert tickers.gold_filers(work).problem is None
    known = table("gold.filers")
    rows = delta.read(home, known)
    known.schema.validate(rows)
    # A filer's spans follow each other without a gap.
    ordered = rows.sort("cik", "valid_from")
    following = ordered.with_columns(next=pl.col("valid_from").shift(-1).over("cik"))
    assert following.filter(pl.col("valid_to").ne_missing(pl.col("next"))).is_empty()
    assert ordered.group_by("cik").agg(pl.col("valid_from").min())["valid_from"].unique().to_list() == [BEGIN]
    on = {
        day: rows.filter(pl.col("valid_from") <= day, pl.col("valid_to").is_null() | (pl.col("valid_to") > day))
        for day in (date(2017, 1, 1), date(2022, 6, 1))
    }
    assert on[date(2022, 6, 1)].filter(pl.col("cik") == 1_326_801)["symbol"].to_list() == ["FB"]
    assert on[date(2017, 1, 1)].filter(pl.col("cik") == 1_326_801)["symbol"].to_list() == ["META"]
    for frame in on.values():
        assert frame["cik"].is_unique().all()
