"""`tidemark documents`: the most visited filings of a day, or the seconds in which one was visited, from the lake itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lake import delta
from lake.contracts import table
from lake.delta import Slice

if TYPE_CHECKING:
    from lake.home import Home


class NotLoaded(LookupError):
    """The lake has no visits of the day; the text says which days it has."""


class Wanted(NamedTuple):
    """Which filings, of all of a day's.

    Attributes:
        series: v1 or v2; by default the newer of those that the day is loaded of.
        cik: of this filer alone.
        accession: this one alone.
        top: how many rows.
    """

    cik: int | None = None
    accession: str | None = None
    top: int = 20
    series: str | None = None

    @property
    def condition(self) -> pl.Expr:
        """The filings as rows of silver and gold have them."""
        found = pl.lit(True)
        if self.cik is not None:
            found = found & (pl.col("cik") == self.cik)
        if self.accession is not None:
            found = found & (pl.col("accession") == self.accession)
        return found


def most_visited(home: Home, day: date, wanted: Wanted) -> pl.DataFrame:
    """The day's filings by visits: series, cik, symbol, name, accession, form, visits_all, visits_human, visitors.

    Raises:
        NotLoaded: when gold has nothing of the day.
    """
    known = table("gold.visits_documents")
    rows = delta.scan(home, known, _slice(home, day, wanted)).filter(wanted.condition)
    found = rows.sort("visits_all", "cik", "accession", descending=[True, False, False]).head(wanted.top)
    return _named(home, day, found.collect()).select(
        "series", "cik", "symbol", "name", "accession", "form", "visits_all", "visits_human", "visitors"
    )


def by_second(home: Home, day: date, wanted: Wanted) -> pl.DataFrame:
    """Requests for the day's filings by second, from silver: series, second_of_day, …, requests; repeats among them.

    Not a table of its own: it would be as large as silver, and what is asked of it is a filing or a filer.

    Raises:
        NotLoaded: when silver has nothing of the day.
    """
    rows = delta.scan(home, table("silver.edgar_requests"), _slice(home, day, wanted))
    key = ("series", "second_of_day", "cik", "accession")
    counted = rows.filter(wanted.condition & (pl.col("accession") != "")).group_by(key).agg(requests=pl.len())
    found = counted.sort("requests", *key, descending=[True, False, False, False, False]).head(wanted.top).collect()
    return _named(home, day, found.sort(key)).select(
        "series", "second_of_day", "cik", "symbol", "name", "accession", "form", "requests"
    )


def _slice(home: Home, day: date, wanted: Wanted) -> Slice:
    """The day in one series: counts of the two are of different things, and are not ranked together."""
    loaded = delta.scan(home, table("gold.visitors_day")).select("series", "log_date").unique().collect()
    there = loaded.filter(pl.col("log_date") == day)["series"].sort().to_list()
    if not there:
        days = loaded["log_date"].unique().sort().to_list()
        have = f"from {days[0]} to {days[-1]}, {len(days)} days" if days else "none at all"
        raise NotLoaded(f"no visits of {day} are loaded; there are {have}")
    if wanted.series is not None and wanted.series not in there:
        raise NotLoaded(f"no visits of {day} are loaded in the series {wanted.series}, but in {', '.join(there)}")
    return Slice({"series": wanted.series or there[-1], "log_date": day})


def _named(home: Home, day: date, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the filer's ticker and name of the day, and the filing's form."""
    holds = (pl.col("valid_from") <= day) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > day))
    filers = delta.scan(home, table("gold.filers")).filter(holds & pl.col("cik").is_in(rows["cik"].unique().to_list()))
    forms = delta.scan(home, table("gold.filings")).filter(
        pl.col("accession").is_in(rows["accession"].unique().to_list())
    )
    return rows.join(
        filers.select("cik", "symbol", "name").collect(), on="cik", how="left", maintain_order="left"
    ).join(forms.select("accession", "form").collect(), on="accession", how="left", maintain_order="left")
