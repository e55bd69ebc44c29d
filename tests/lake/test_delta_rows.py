"""Slices, idempotent commits, quarantine and row accounting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake import delta
from lake.contracts import table
from lake.delta import Commit, Slice
from lake.home import Home
from lake.partitions import Partition, hot_partitions, inventory, partitions
from lake.rows import Refusal, RowAccount, RowsLost, settle, write_settled
from lake.settings import load_settings

QUOTES = table("silver.quotes")
SESSION = date(2026, 11, 20)
COLUMNS = {"symbol", "tick", "session", "price", "observed_at", "_run_id", "_payload_sha256"}
TICKS = [datetime(2026, 11, 20, 14, 30, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(14)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home"))


def quotes(prices: dict[str, float], tick: datetime = TICKS[0], observed: datetime = TICKS[-1]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": list(prices),
            "tick": [tick] * len(prices),
            "session": [SESSION] * len(prices),
            "price": list(prices.values()),
            "observed_at": [observed] * len(prices),
            "_run_id": ["run"] * len(prices),
            "_payload_sha256": ["0" * 64] * len(prices),
        },
        schema_overrides={"price": pl.Float64, "symbol": pl.String},
    )


def slice_of(tick: datetime) -> Slice:
    return Slice({"session": SESSION, "tick": tick})


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_tick_leaves_the_other_ticks_of_its_session_alone(home: Home, order: tuple[int, int]) -> None:
    for n in order:
        rows = quotes({"A": 1.0 + n, "B": 2.0 + n}, TICKS[n])
        write_settled(home, QUOTES, settle(QUOTES, rows, 2), slice_of(TICKS[n]))
    found = delta.read(home, QUOTES).sort("tick", "symbol")
    assert found["price"].to_list() == [1.0, 2.0, 2.0, 3.0]


def test_a_repeated_load_changes_nothing(home: Home) -> None:
    rows = quotes({"A": 1.0, "B": -2.0})
    for _ in range(2):
        write_settled(home, QUOTES, settle(QUOTES, rows, 2), slice_of(TICKS[0]))
    assert delta.read(home, QUOTES)["symbol"].to_list() == ["A"]
    assert delta.read_quarantine(home, QUOTES)["rules"].to_list() == ["price.min_exclusive"]


def test_an_empty_load_empties_its_slice_alone(home: Home) -> None:
    for tick in TICKS[:2]:
        write_settled(home, QUOTES, settle(QUOTES, quotes({"A": 1.0}, tick), 1), slice_of(tick))
    write_settled(home, QUOTES, settle(QUOTES, quotes({}), 0), slice_of(TICKS[0]))
    assert delta.read(home, QUOTES)["tick"].to_list() == [TICKS[1]]


def test_rows_outside_the_slice_are_refused(home: Home) -> None:
    good = settle(QUOTES, quotes({"A": 1.0}, TICKS[0]), 1).good
    with pytest.raises(ValueError, match=r"silver.quotes: 1 of 1 rows lie outside the slice"):
        delta.replace_slice(home, QUOTES, good, slice_of(TICKS[1]))


def test_a_commit_happens_once(home: Home) -> None:
    good = settle(QUOTES, quotes({"A": 1.0}), 1).good
    assert delta.append(home, QUOTES, good, Commit("crawl", 1)).rows == 1
    assert delta.append(home, QUOTES, good, Commit("crawl", 1)).rows == 0
    assert delta.append(home, QUOTES, good, Commit("crawl", 2)).rows == 1
    assert delta.count(home, QUOTES) == 2


def test_the_latest_observation_wins_and_the_others_are_duplicates() -> None:
    early, late = quotes({"A": 1.0}, observed=TICKS[1]), quotes({"A": 2.0}, observed=TICKS[2])
    settled = settle(QUOTES, pl.concat([late, early, late]), 3)
    assert settled.good["price"].to_list() == [2.0]
    assert settled.account == RowAccount(rows_in=3, rows_out=1, duplicates=2, quarantined=0)


def test_contradictions_of_one_instant_are_quarantined() -> None:
    settled = settle(QUOTES, pl.concat([quotes({"A": 1.0}), quotes({"A": 2.0}), quotes({"B": 3.0})]), 3)
    assert settled.good["symbol"].to_list() == ["B"]
    assert settled.quarantined["rules"].to_list() == ["primary_key", "primary_key"]


def test_lost_rows_are_noticed() -> None:
    with pytest.raises(RowsLost, match="3 rows in, but 1 out"):
        settle(QUOTES, quotes({"A": 1.0}), 3)


row = st.tuples(
    st.sampled_from(["A", "B", "C", "not a symbol"]),
    st.one_of(st.none(), st.floats(-5, 5), st.just(float("nan"))),
    st.sampled_from(TICKS[:3]),
)


@given(st.lists(row, max_size=30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_rows_in_are_rows_out_plus_duplicates_plus_quarantined(
    rows: list[tuple[str, float, datetime]], broken: int
) -> None:
    frames = [quotes({symbol: price}, observed=at) for symbol, price, at in rows]
    frame = pl.concat(frames) if frames else quotes({})
    refusals = [Refusal("truncated_json", "{") for _ in range(broken)]
    settled = settle(QUOTES, frame, len(rows) + broken, refusals)
    account = settled.account
    assert account.rows_in == account.rows_out + account.duplicates + account.quarantined == len(rows) + broken
    assert settled.good.height == account.rows_out
    assert settled.good.select(QUOTES.key).is_duplicated().sum() == 0
    assert set(settled.quarantined["rules"]) - {""} == set(settled.quarantined["rules"])


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from("ABC"), st.floats(1, 9), max_size=3)), max_size=6
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_replacing_slices_in_any_order_keeps_the_last_of_each(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, dict[str, float]]]
) -> None:
    home = Home.open(load_settings(home=tmp_path_factory.mktemp("slices") / "home"))
    expected: dict[int, dict[str, float]] = {}
    for n, prices in writes:
        good = settle(QUOTES, quotes(prices, TICKS[n]), len(prices)).good
        delta.replace_slice(home, QUOTES, good, slice_of(TICKS[n]))
        expected[n] = prices
    found = delta.read(home, QUOTES)
    kept = {(tick, symbol): price for tick, symbol, price in found.select("tick", "symbol", "price").iter_rows()}
    assert kept == {(TICKS[n], s): p for n, prices in expected.items() for s, p in prices.items()}


def test_a_partition_s_fingerprint_changes_exactly_when_it_is_rewritten(home: Home) -> None:
    assert partitions(home, QUOTES) == {}
    good = settle(QUOTES, quotes({"A": 1.0}), 1).good
    delta.replace_slice(home, QUOTES, good, slice_of(TICKS[0]))
    before = partitions(home, QUOTES)
    assert partitions(home, QUOTES) == before
    delta.replace_slice(home, QUOTES, good, slice_of(TICKS[0]))
    after = partitions(home, QUOTES)
    assert list(before) == list(after) == ["session=2026-11-20"]
    assert before != after


def test_the_inventory_counts_rows_and_refusals(home: Home) -> None:
    write_settled(home, QUOTES, settle(QUOTES, quotes({"A": 1.0, "B": -1.0}), 2), slice_of(TICKS[0]))
    line = inventory(home, (QUOTES,)).row(0, named=True)
    assert (line["rows"], line["quarantined_rows"]) == (1, 1)
    assert line["first_time"] == line["last_time"] == TICKS[0]


def test_the_inventory_reads_no_rows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for tick in TICKS:
        write_settled(home, QUOTES, settle(QUOTES, quotes({"A": 1.0, "B": -1.0}, tick), 2), slice_of(tick))
    monkeypatch.setattr(delta, "scan", lambda *_: pytest.fail("a table was read"))
    line = inventory(home, (QUOTES,)).row(0, named=True)
    assert (line["rows"], line["quarantined_rows"]) == (len(TICKS), len(TICKS))
    assert (line["first_time"], line["last_time"]) == (min(TICKS), max(TICKS))


def test_the_quarantine_of_one_slice(home: Home) -> None:
    for tick, price in zip(TICKS, (-1.0, -2.0), strict=False):
        write_settled(home, QUOTES, settle(QUOTES, quotes({"B": price}, tick), 1), slice_of(tick))
    mine = delta.read_quarantine(home, QUOTES, slice_of(TICKS[0]))
    assert mine["slice"].to_list() == [slice_of(TICKS[0]).label]
    assert delta.read_quarantine(home, QUOTES).height == 2


def test_the_hot_period_is_counted_from_the_newest_day_of_each_series() -> None:
    seconds = table("gold.visits_second")
    days = {
        "v1": [date(2017, 1, 1), date(2016, 1, 1)],
        "v2": [date(2026, 11, 20), date(2026, 11, 14), date(2026, 11, 13)],
    }
    slices = [Slice({"series": series, "log_date": day}) for series, found in days.items() for day in found]
    found = {where.label: Partition(where, "") for where in slices}
    kept = [part.where.equals["log_date"] for part in hot_partitions(seconds, found).values()]
    assert kept == [date(2017, 1, 1), date(2026, 11, 20), date(2026, 11, 14)]
    assert hot_partitions(table("gold.quotes"), found) == found
    only = hot_partitions(seconds, found, 1)
    assert [part.where.equals["log_date"] for part in only.values()] == [date(2017, 1, 1), date(2026, 11, 20)]


def test_a_table_of_an_earlier_version_gains_its_contract_s_new_columns(home: Home) -> None:
    old = type("QuoteOld", (dy.Schema,), {n: c for n, c in QUOTES.schema.columns().items() if n not in {"bid", "open"}})
    before = replace(QUOTES, schema=old)
    first, second = slice_of(TICKS[0]), slice_of(TICKS[1])
    rows = quotes({"AAPL": 1.0}).with_columns(
        [pl.lit(None, kind).alias(name) for name, kind in old.create_empty().schema.items() if name not in COLUMNS]
    )
    delta.replace_slice(home, before, rows, first)
    assert delta.read(home, QUOTES)["bid"].to_list() == [None], "read before anything is written anew"
    newer = quotes({"AAPL": 2.0}, TICKS[1]).with_columns(
        [pl.lit(None, kind).alias(n) for n, kind in QUOTES.schema.create_empty().schema.items() if n not in COLUMNS]
    )
    delta.replace_slice(home, QUOTES, newer.with_columns(bid=pl.lit(1.5), open=pl.lit(1.4)), second)
    found = delta.read(home, QUOTES).sort("tick")
    assert found.select("price", "bid", "open").rows() == [(1.0, None, None), (2.0, 1.5, 1.4)]
    assert found.columns == list(QUOTES.columns)
    delta.replace_slice(home, QUOTES, newer, second)
    assert delta.read(home, QUOTES, first)["price"].to_list() == [1.0]
