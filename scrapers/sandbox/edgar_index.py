"""SEC's index of a quarter's filings, of those that the sandbox's logs are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from scrapers.sandbox.edgar_log import filings
from scrapers.sandbox.world import noise
from scrapers.sandbox.world.filers import filers
from scrapers.sandbox.world.visits import DOCUMENTS, year_filed

_FORMS = ("8-K", "4", "10-Q", "10-K", "SC 13G/A", "DEF 14A", "424B2", "S-8", "13F-HR", "4/A")
_HEAD = """Description:           Master Index of EDGAR Dissemination Feed (simulated)
Last Data Received:    {last:%B %d, %Y}
Comments:              simulated

CIK|Company Name|Form Type|Date Filed|Filename
--------------------------------------------------------------------------------
"""


def master_index(seed: int, per_sector: int, quarter: tuple[int, int], today: date, names: Mapping[int, str]) -> bytes:
    """The index of a quarter as it is on a day: filings of the days before it.

    Args:
        seed: of the world.
        per_sector: how many companies of each sector the world has.
        quarter: year, and 1 to 4.
        today: the day in New York.
        names: of filers by their key; others are called by it.
    """
    year, number = quarter
    known = filers(seed, per_sector, date(year, 12, 31)).ciks
    # The filings of the year that any day's log since then can be about.
    numbers = np.arange(DOCUMENTS)
    of_year = np.zeros(DOCUMENTS, dtype=bool)
    for logged in range(year, today.year + 1):
        of_year |= year_filed(logged, numbers) == year
    document = np.tile(numbers[of_year], len(known))
    cik = np.repeat(known, int(of_year.sum()))
    frame = filings(seed, cik, document, np.full(len(cik), year))
    # By the accession: a filing of two filers is one, of one form and day.
    number_of = frame["accession"].str.replace_all("-", "").cast(pl.Int64).to_numpy()
    bits = noise.bits(noise.key(seed, "filed"), number_of)
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    after = pl.Series("after", (bits % np.uint64(days)).astype(np.int64))
    listed = (
        frame.with_columns(after)
        .with_columns(
            (pl.lit(date(year, 1, 1)) + pl.duration(days="after")).alias("on"),
            pl.Series(_FORMS).gather(((bits >> np.uint64(32)) % np.uint64(len(_FORMS))).astype(np.int64)).alias("form"),
            pl.col("cik").replace_strict(names, default=None, return_dtype=pl.String).alias("name"),
        )
        .filter(pl.col("on").dt.quarter() == number, pl.col("on") < today)
    )
    name = pl.coalesce("name", pl.format("SIMULATED FILER {}", "cik"))
    path = pl.format("edgar/data/{}/{}.txt", "cik", "accession")
    line = pl.concat_str("cik", name, "form", pl.col("on").dt.to_string("%Y-%m-%d"), path, separator="|")
    lines = listed.sort("cik", "form", "accession").select(line.alias("line"))["line"].to_list()
    last = min(today, date(year, 12, 31))
    return (_HEAD.format(last=last) + "".join(f"{text}\n" for text in lines)).encode("latin-1")
