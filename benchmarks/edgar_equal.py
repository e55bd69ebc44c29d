"""What a contender made of an EDGAR log, as numbers that are equal where the rows are, in whatever order they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Numbers = dict[str, tuple[int, ...]]

_WHOLE = "CAST({0} AS BIGINT)"
_INSTANT = "epoch_us({0})"
COLUMNS: dict[str, dict[str, str]] = {
    "silver": {
        **dict.fromkeys(("second_of_day", "cik", "repeat_no", "status", "size_bytes"), _WHOLE),
        **dict.fromkeys(("accession", "document", "ip", "zone", "is_index", "is_crawler", "file_date"), "{0}"),
        "requested_at": _INSTANT,
    },
    # Each writes bytes that are no text in its own way.
    "quarantine": {"rules": "{0}", "row": "CASE WHEN rules <> 'line_is_utf8' THEN \"row\" END"},
    "visits_second": {
        **dict.fromkeys(("second_of_day", "cik", "visits_all", "visits_human"), _WHOLE),
        "second": _INSTANT,
    },
    "visits_total_second": {
        **dict.fromkeys(("second_of_day", "visits_all", "visits_human"), _WHOLE),
        "second": _INSTANT,
    },
    "visits_documents": {
        "accession": "{0}",
        **dict.fromkeys(("cik", "visits_all", "visits_human", "visitors"), _WHOLE),
    },
    "visitors_minute": dict.fromkeys(("minute_of_day", "visitors", "visitors_human"), _WHOLE),
    "visitors_day": {
        **dict.fromkeys(
            ("visits_all", "visits_human", "companies", "visitors", "visitors_human", "documents_a_minute"), _WHOLE
        ),
        "counts_repeats": "{0}",
    },
}


def numbers(out: Path, columns_of: Mapping[str, Mapping[str, str]] = COLUMNS) -> Numbers:
    """By table: how many rows, and the sum of the rows' hashes; provenance and `line_hash` apart.

    Args:
        out: the folder of a contender, with a home in it or with files named for the tables.
        columns_of: table → column → how it is compared, as SQL.
    """
    import duckdb

    found: Numbers = {}
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, columns in columns_of.items():
            texts = ", ".join(kind.format(f'"{column}"') for column, kind in columns.items())
            relation = _in_home(con, out, name) if (out / "home").exists() else f"read_parquet('{out}/{name}*.parquet')"
            (row,) = con.execute(f"SELECT count(*), sum(CAST(hash({texts}) AS HUGEINT)) FROM {relation}").fetchall()
            found[name] = tuple(int(number) for number in row)
    return found


def refused(out: Path) -> dict[str, int]:
    """How many lines were quarantined, by their rules."""
    import duckdb

    with duckdb.connect() as con:
        relation = (
            _in_home(con, out, "quarantine") if (out / "home").exists() else f"read_parquet('{out}/quarantine.parquet')"
        )
        return dict(con.execute(f"SELECT rules, count(*) FROM {relation} GROUP BY rules").fetchall())


def _in_home(con: duckdb.DuckDBPyConnection, out: Path, name: str) -> str:
    """A table of the contender's home, as what a query may name."""
    from deltalake import DeltaTable

    from lake import delta
    from lake.contracts import table
    from lake.home import Home
    from lake.settings import load_settings

    home = Home.open(load_settings(home=out / "home"), create=False)
    requests = table("silver.edgar_requests")
    if name == "quarantine":
        con.register(name, delta.read_quarantine(home, requests).select("rules", "row").to_arrow())
        return name
    known = requests if name == "silver" else table(f"gold.{name}")
    return f"read_parquet({DeltaTable(home.lake.table(known).uri).file_uris()!r})"
