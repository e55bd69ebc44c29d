"""Contracts: every table documented, and the written documentation true."""

from __future__ import annotations

import pytest

from lake import table_docs
from lake.contracts import TABLES, table
from lake.delta import arrow_schema


def test_written_documentation_is_true() -> None:
    assert table_docs.TARGET.read_text(encoding="utf-8") == table_docs.render(), "run python -m lake.table_docs"


@pytest.mark.parametrize("table_id", sorted(TABLES))
def test_every_column_says_what_it_means(table_id: str) -> None:
    known = table(table_id)
    assert known.description
    silent = [name for name in known.columns if not (known.meaning(name) or known.unit(name))]
    assert silent == []


@pytest.mark.parametrize("table_id", [t.id for t in TABLES.values() if t.layer != "bronze" and t.group != "operations"])
def test_every_settled_table_says_when_it_was_known_and_where_from(table_id: str) -> None:
    assert table(table_id).provenance == ("observed_at", "_run_id", "_payload_sha256")
    assert table(table_id).key


def test_an_unknown_table_is_named_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"gold\.quote'; there are .*gold\.quotes"):
        table("gold.quote")


def test_instants_are_stored_in_utc_microseconds() -> None:
    kinds = {str(f.type) for t in TABLES.values() for f in arrow_schema(t) if str(f.type).startswith("timestamp")}
    assert kinds == {"timestamp[us, tz=UTC]"}
