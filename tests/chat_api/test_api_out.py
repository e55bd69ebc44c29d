"""What leaves the service as text: CSV cells, plain values, chart options. No database."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_api import charts
from chat_api.charts import ChartSpec
from chat_api.csv_export import cell, to_csv
from chat_api.memory import Memory
from chat_api.plan import ColumnInfo, Measure, Plan
from chat_api.values import at_zone, number, plain, shown, signed
from tests.chat_api.attack_corpus import attacks
from tests.conftest import SHARED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("-12.5", "-12.5"),
        (-12.5, "-12.5"),
        (-3, "-3"),
        ("a-b", "a-b"),
        (None, ""),
        (True, "true"),
        (["a", "b"], "a b"),
    ],
)
def test_a_cell_cannot_begin_a_formula_and_a_negative_number_stays_one(value: Any, expected: str) -> None:
    assert cell(value) == expected


@settings(deadline=None)
@given(st.lists(st.lists(st.text() | st.floats(allow_nan=False) | st.none(), min_size=2, max_size=2), max_size=8))
def test_csv_reads_back_and_holds_no_formula(rows: list[list[Any]]) -> None:
    plain_rows = [[plain(value) for value in row] for row in rows]
    read = list(csv.reader(io.StringIO(to_csv(["a", "b"], plain_rows), newline="")))
    assert len(read) == len(rows) + 1
    for row in read:
        for text in row:
            starts = text.lstrip()[:1]
            if starts in "=+@＝＋－＠" and starts:
                pytest.fail(text)
            if starts == "-":
                float(text)


def test_csv_attacks_are_inert(shared: object) -> None:
    payloads = [attack.payload for attack in attacks(SHARED, "UI-CSV")]
    assert payloads
    for payload in payloads:
        assert cell(payload) == f"'{payload}"


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.decimals()
        | st.text()
        | st.dates()
        | st.datetimes(timezones=st.just(UTC)),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_whatever_comes_out_is_strict_json(value: Any) -> None:
    json.dumps(plain(value), allow_nan=False).encode()


def test_plain_values() -> None:
    assert plain(math.nan) is None
    assert plain(math.inf) is None
    assert plain(Decimal("12")) == 12
    assert plain(Decimal("NaN")) is None
    assert plain(date(2026, 11, 20)) == "2026-11-20"
    assert plain(datetime(2026, 11, 20, 21, tzinfo=UTC)) == "2026-11-20T21:00:00Z"


def test_values_as_people_read_them() -> None:
    assert at_zone(datetime(2026, 11, 20, 21, tzinfo=UTC)) == "20 Nov 2026, 16:00 New York"
    assert at_zone(datetime(2026, 11, 20, 21, tzinfo=UTC), "Asia/Kolkata") == "21 Nov 2026, 02:30 India"
    assert shown("2026-11-20T21:00:00Z", None, "America/New_York") == "20 Nov 2026, 16:00 New York"
    assert shown(None) == "–"
    assert number(3.21e12, "USD") == "$3.21 T"
    assert number(-1.5, "percent") == "−1.50 %"
    assert number(-0.018, "percent") == "−0.018 %"
    assert number(-0.0001, "percent") == "0.000 %"
    assert number(0, "percent") == "0.00 %"
    assert signed(0.5, "percent") == "+0.50 %"
    assert number(1234567, "shares") == "1,234,567"


COLUMNS = (
    ColumnInfo(name="session", label="session", role="dimension"),
    ColumnInfo(name="symbol", label="ticker", role="dimension"),
    ColumnInfo(name="close", label="close", unit="USD"),
)
SERIES = Plan(kind="series", entity="company", values=(Measure(metric="bar.close"),), bucket="session")
TOP = Plan(kind="top_n", entity="company", values=(Measure(metric="bar.close"),))


def test_a_series_is_a_line_for_each_company() -> None:
    rows = [["2026-11-19", "A", 1.0], ["2026-11-19", "B", 2.0], ["2026-11-20", "B", 4.0]]
    spec = charts.choose(SERIES, COLUMNS, rows)
    assert spec == ChartSpec(kind="line", x="session", y=("close",), series="symbol", unit="USD")
    drawn = charts.options(spec, COLUMNS, rows)
    assert drawn["xAxis"]["data"] == ["2026-11-19", "2026-11-20"]
    assert [(line["name"], line["data"]) for line in drawn["series"]] == [("A", [1.0, None]), ("B", [2.0, 4.0])]


def test_names_are_bars_and_a_single_row_or_too_many_are_none() -> None:
    columns = COLUMNS[1:]
    rows = [["A", 1.0], ["B", None], ["C", 3.0]]
    spec = charts.choose(TOP, columns, rows)
    assert spec == ChartSpec(kind="bar", x="symbol", y=("close",), unit="USD")
    assert charts.options(spec, columns, rows)["series"][0]["data"] == [1.0, None, 3.0]
    assert charts.choose(TOP, columns, rows[:1]) is None
    assert charts.choose(TOP, columns, [[str(n), 1.0] for n in range(41)]) is None
    assert charts.choose(TOP, columns, [["A", "x"], ["B", "y"]]) is None
    assert charts.choose(TOP.model_copy(update={"chart": False}), columns, rows) is None


def _keys(options: Any) -> set[str]:
    if isinstance(options, dict):
        return set(options) | {key for value in options.values() for key in _keys(value)}
    if isinstance(options, list):
        return {key for value in options for key in _keys(value)}
    return set()


HOSTILE = (
    st.sampled_from([a.payload for c in ("UI-", "DATA-") for a in attacks(SHARED, c)] if SHARED.exists() else [":x"])
    | st.text()
)


@settings(deadline=None)
@given(label=HOSTILE, unit=HOSTILE, names=st.lists(HOSTILE, min_size=2, max_size=6), split=st.booleans())
def test_no_text_from_outside_becomes_a_key_of_the_options(
    label: str, unit: str, names: list[str], split: bool
) -> None:
    """The chart element runs what stands under a key with a colon; so all keys are known, whatever the data say."""
    known = _keys(
        charts.options(ChartSpec(kind="line", x="session", y=("close",), series="symbol"), COLUMNS, [["1", "A", 1.0]])
    )
    known |= _keys(charts.options(ChartSpec(kind="bar", x="symbol", y=("close",)), COLUMNS, [["1", "A", 1.0]]))
    columns = (
        ColumnInfo(name="session", label=label, role="dimension"),
        ColumnInfo(name="symbol", label=label, role="dimension"),
        ColumnInfo(name="close", label=label, unit=unit),
    )
    rows = [["2026-11-20", name, 1.5] for name in names]
    for spec in (
        ChartSpec(kind="line", x="session", y=("close",), series="symbol" if split else None, unit=unit),
        ChartSpec(kind="bar", x="symbol", y=("close",), unit=unit),
    ):
        keys = _keys(charts.options(spec, columns, rows))
        assert keys <= known
    assert not any(key.startswith(":") or "formatter" in key.lower() for key in known)


def test_memory_forgets_the_oldest() -> None:
    kept: Memory[str] = Memory(2)
    for key in "abc":
        kept.put(key, key)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (None, "b", "c")
    heavy: Memory[str] = Memory(10, len, 5)
    heavy.put("a", "xxx")
    heavy.put("b", "xxx")
    assert (heavy.get("a"), heavy.get("b"), len(heavy)) == (None, "xxx", 1)
