"""Quarantine by rule: counted, sampled, and counted again only where it has changed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import delta, quarantine
from lake.contracts import Quarantined, table
from lake.home import Home
from lake.settings import load_settings

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
QUOTES, POSTS = table("silver.quotes"), table("silver.posts")


def refused(rules: list[str], where: delta.Slice) -> pl.DataFrame:
    rows = [(where.label, rule, f"row {n}", AT + timedelta(minutes=n), "run", None) for n, rule in enumerate(rules)]
    return pl.DataFrame(rows, schema=Quarantined.create_empty().schema, orient="row")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(load_settings(home=tmp_path / "home"))


def test_rules_are_counted_with_their_newest_rows(home: Home) -> None:
    where = delta.Slice({"tick": AT})
    delta.replace_quarantine(home, QUOTES, refused(["price_missing"] * 5 + ["not_found"], where), where)
    found = quarantine.by_rule(home, [QUOTES, POSTS])
    assert found.select("table_name", "rule", "rows").rows() == [
        ("silver.quotes", "not_found", 1),
        ("silver.quotes", "price_missing", 5),
    ]
    newest = found.filter(pl.col("rule") == "price_missing").row(0, named=True)
    assert json.loads(newest["samples"]) == ["row 4", "row 3", "row 2"]
    assert (newest["first_observed_at"], newest["last_observed_at"]) == (AT, AT + timedelta(minutes=4))


def test_what_has_not_changed_is_taken_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    where = delta.Slice({"tick": AT})
    delta.replace_quarantine(home, QUOTES, refused(["a", "b"], where), where)
    before = quarantine.by_rule(home, [QUOTES])
    delta.replace_quarantine(home, POSTS, refused(["c"], where), where)
    read: list[str] = []
    plain = delta.read_quarantine

    def watched(of: Home, known: object) -> pl.DataFrame:
        read.append(known.id)  # type: ignore[attr-defined]
        return plain(of, known)  # type: ignore[arg-type]

    monkeypatch.setattr(delta, "read_quarantine", watched)
    after = quarantine.by_rule(home, [QUOTES, POSTS], before)
    assert read == ["silver.posts"]
    assert after["rule"].to_list() == ["c", "a", "b"]


def test_a_rule_that_refuses_nothing_any_more_is_gone(home: Home) -> None:
    where = delta.Slice({"tick": AT})
    delta.replace_quarantine(home, QUOTES, refused(["a"], where), where)
    before = quarantine.by_rule(home, [QUOTES])
    delta.replace_quarantine(home, QUOTES, refused([], where), where)
    assert quarantine.by_rule(home, [QUOTES], before).is_empty()


def test_a_row_refused_by_two_loads_of_its_day_counts_once(home: Home) -> None:
    month = delta.Slice(between=("session", date(2026, 11, 1), date(2026, 12, 1)))
    day = delta.Slice(between=("session", date(2026, 11, 20), date(2026, 11, 21)))
    twice = refused(["a"], month)
    delta.replace_quarantine(home, QUOTES, pl.concat([twice, twice]), month)
    delta.replace_quarantine(home, QUOTES, refused(["a"], day), day)
    found = quarantine.by_rule(home, [QUOTES]).row(0, named=True)
    assert found["rows"] == 2, "equal rows of one load are two"
    assert json.loads(found["samples"]) == ["row 0"]
