"""EDGAR's access logs as the SEC publishes them: a day's CSV and a README in a zip, in the form of its time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from lake.market_calendar import NEW_YORK
from scrapers.sandbox.world import noise
from scrapers.sandbox.world.noise import Ints
from scrapers.sandbox.world.visits import DATA, INDEX, PERSON, TEXT, Visits, series_of, visits, year_filed

# The column was called `_time` at first.
_UNDERSCORE_UNTIL = date(2020, 12, 31)
_PREFIXES = ("0001193125", "0000950123", "0001104659", "0000899243", "0001437749", "0001209191", "0001213900")
_CODES = (
    ((200.0, 0.648), (301.0, 0.31), (403.0, 0.0145), (429.0, 0.0143), (404.0, 0.0056), (304.0, 0.0048),
     (0.0, 0.0024), (503.0, 0.0003), (206.0, 0.0001)),
    ((200.0, 0.92), (404.0, 0.02), (304.0, 0.045), (206.0, 0.01), (0.0, 0.003), (403.0, 0.002)),
)  # fmt: skip
_MOVED_FROM = 2016  # when plain addresses began to be sent on to secure ones

README = """Simulated EDGAR log file.

This file has the form of the access logs that the SEC publishes for EDGAR. Every line in it is simulated.

First form (2003-01-01 to 2017-06-30): ip, date, time, zone, cik, accession, extention, code, size, idx, norefer,
noagent, find, crawler, browser. Second form (from 2020-05-19): time and uri_path.
"""


def write_log(path: Path, seed: int, per_sector: int, day: date, rows: int) -> None:
    """Write a day's zip.

    Raises:
        ValueError: for a day that has no log.
    """
    series = series_of(day)
    if series is None:
        raise ValueError(f"there is no log of {day}")
    frame_of: Callable[[int, date, Visits], pl.DataFrame] = _first_form if series == "v1" else _second_form
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(_entry(f"log{day:%Y%m%d}.csv", day), "w", force_zip64=True) as file:
            for number, piece in enumerate(visits(seed, per_sector, day, rows)):
                _write_csv(file, frame_of(seed, day, piece), header=number == 0)
        archive.writestr(_entry("README.txt", day), README)


def _entry(name: str, day: date) -> zipfile.ZipInfo:
    """An archive's entry with a time of its own, so that the same day gives the same bytes."""
    entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 23, 59, 58))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _write_csv(file: IO[bytes], frame: pl.DataFrame, header: bool) -> None:
    frame.write_csv(file, include_header=header, quote_style="never")


def _base(seed: int, day: date, piece: Visits) -> pl.DataFrame:
    """What both forms tell: time, filer, accession and document."""
    filed = year_filed(day.year, piece.document)
    frame = filings(seed, piece.cik, piece.document, filed).with_columns(
        pl.Series("second", piece.second),
        pl.Series("agent", piece.agent),
        pl.Series("kind", piece.kind),
        pl.Series("draw", piece.draw),
    )
    clock = [(pl.col("second") // 3600), (pl.col("second") // 60 % 60), (pl.col("second") % 60)]
    return frame.with_columns(
        pl.concat_str([part.cast(pl.String).str.zfill(2) for part in clock], separator=":").alias("time"),
        _document(day).alias("document"),
    )


def filings(seed: int, cik: Ints, document: Ints, filed: Ints) -> pl.DataFrame:
    """Filings by their filer, their number with it and the year they were filed in: `cik`, `filed`, `sequence`, `accession`."""
    bits = noise.bits(noise.key(seed, "filings"), cik * 64 + document)
    frame = pl.DataFrame(
        {
            "cik": cik,
            "filed": filed,
            "sequence": (bits >> np.uint64(20)).astype(np.int64) % 200_000 + 1,
            "own": document % 3 == 0,
        }
    )
    agent = pl.Series(_PREFIXES).gather((bits % np.uint64(len(_PREFIXES))).astype(np.int64))
    accession = pl.concat_str(
        pl.when("own").then(pl.col("cik").cast(pl.String).str.zfill(10)).otherwise(agent),
        pl.lit("-"),
        (pl.col("filed") % 100).cast(pl.String).str.zfill(2),
        pl.lit("-"),
        pl.col("sequence").cast(pl.String).str.zfill(6),
    )
    return frame.with_columns(accession.alias("accession")).drop("own")


def _document(day: date) -> pl.Expr:
    """The file asked for; a bare ending means that it is named for the accession."""
    draw, kind = pl.col("draw"), pl.col("kind")
    stamp = pl.concat_str(pl.col("filed").cast(pl.String), pl.lit("0630"))
    body = pl.concat_str(pl.lit("d"), pl.col("sequence").cast(pl.String), pl.lit("d10k.htm"))
    data = (
        pl.when(draw < 0.35).then(pl.lit("primary_doc.xml"))
        .when(draw < 0.6).then(pl.concat_str(pl.lit("co-"), stamp, pl.lit(".xml")))
        .when(draw < 0.75).then(pl.lit("R1.htm"))
        .when(draw < 0.9).then(pl.lit(".hdr.sgml"))
        .otherwise(pl.lit("Financial_Report.xlsx"))
    )  # fmt: skip
    person = (
        pl.when(draw < 0.3).then(pl.lit("-index.htm"))
        .when(draw < 0.42).then(pl.lit("xslF345X03/doc4.xml"))
        .when(draw < 0.5).then(pl.lit("ex991.htm"))
        .otherwise(body)
    )  # fmt: skip
    index = pl.when(draw < 0.03).then(pl.lit("-index.html")).otherwise(pl.lit("-index.htm"))
    structured = pl.lit(".txt") if day.year < 2009 else data
    return (
        pl.when(kind == INDEX).then(index)
        .when(kind == TEXT).then(pl.lit(".txt"))
        .when(kind == DATA).then(structured)
        .otherwise(person)
    )  # fmt: skip


def _first_form(seed: int, day: date, piece: Visits) -> pl.DataFrame:
    frame = _base(seed, day, piece)
    codes = _CODES[0 if day.year >= _MOVED_FROM else 1]
    edges = np.cumsum([share for _, share in codes])
    spin = piece.draw * 7919 % 1.0  # a second number from the first one
    code = np.array([number for number, _ in codes])[np.minimum(np.searchsorted(edges, spin), len(codes) - 1)]
    short = np.isin(code, (301.0, 403.0, 404.0, 429.0, 503.0))
    size = np.where(short, 590 + spin * 90, np.exp(8.3 + 3.4 * (piece.draw * 104_729 % 1.0)))
    size[np.isin(code, (304.0, 0.0))] = 0.0
    index = frame["document"].str.starts_with("-index")
    find = np.where(spin < 0.955, 10.0, np.where(spin < 0.99, 7.0, np.where(spin < 0.995, 9.0, 1.0)))
    named_crawler = (piece.kind != PERSON) & (piece.agent % 6 == 0) & (day.year < _MOVED_FROM)
    return frame.select(
        _addresses(seed, day, piece).alias("ip"),
        pl.lit(day.isoformat()).alias("date"),
        "time",
        pl.lit(500.0 if day.year < 2007 else 0.0).alias("zone"),
        pl.col("cik").cast(pl.Float64),
        "accession",
        pl.col("document").alias("extention"),
        pl.Series("code", code),
        pl.Series("size", np.floor(size)),
        index.cast(pl.Float64).alias("idx"),
        pl.lit(0.0).alias("norefer"),
        pl.Series("noagent", (piece.agent % 58 == 7).astype(np.float64)),
        pl.Series("find", find),
        pl.Series("crawler", (named_crawler | (code == 404.0)).astype(np.float64)),
        _browser(day, piece).alias("browser"),
    )


def _addresses(seed: int, day: date, piece: Visits) -> pl.Series:
    """Addresses whose last part is three letters, one for each digit."""
    count = int(piece.agent.max(initial=0)) + 1
    drawn = noise.bits(noise.key(seed, "addresses", day.isocalendar()[:2]), np.arange(count))
    parts = [(int(n) >> 3) % 223 + 1 for n in drawn], [(int(n) >> 13) % 256 for n in drawn], [
        (int(n) >> 23) % 256 for n in drawn
    ]  # fmt: skip
    ends = ["".join(chr(97 + int(digit)) for digit in f"{(int(n) >> 33) % 256:03d}") for n in drawn]
    names = [f"{a}.{b}.{c}.{end}" for a, b, c, end in zip(*parts, ends, strict=True)]
    return pl.Series(names, dtype=pl.String).gather(piece.agent)


def _browser(day: date, piece: Visits) -> pl.Series:
    """What the browser seemed to be; the later logs no longer say."""
    if day.year > 2012:
        return pl.Series([""], dtype=pl.String).gather(np.zeros(len(piece.agent), dtype=np.int64))
    names = pl.Series(["win", "mie", "fox", "mac", "lin", ""], dtype=pl.String)
    return names.gather(np.where(piece.kind == PERSON, piece.agent % 5, 5))


def _second_form(seed: int, day: date, piece: Visits) -> pl.DataFrame:
    frame = _base(seed, day, piece)
    folder = pl.concat_str(
        pl.lit("/Archives/edgar/data/"),
        pl.col("cik").cast(pl.String),
        pl.lit("/"),
        pl.col("accession").str.replace_all("-", ""),
    )
    bare = pl.col("document").str.contains(r"^[-.]")
    file = pl.when(bare).then(pl.concat_str("accession", "document")).otherwise(pl.col("document"))
    path = (
        # Lists of a filer's filings, and pages that are about no filing at all.
        pl.when(pl.col("draw") < 0.004).then(pl.concat_str(pl.lit("/Archives/edgar/data/"), pl.col("cik").cast(pl.String), pl.lit("/")))
        .when(pl.col("draw") > 0.998).then(pl.lit("/cgi-bin/browse-edgar?action=getcurrent"))
        .otherwise(pl.concat_str(folder, pl.lit("/"), file))
    )  # fmt: skip
    if day <= _UNDERSCORE_UNTIL:
        offset = datetime.combine(day, time(12), NEW_YORK).strftime("%z")
        stamp = pl.concat_str(pl.lit(f"{day.isoformat()}T"), pl.col("time"), pl.lit(f".000{offset}")).alias("_time")
    else:
        stamp = pl.concat_str(pl.lit(f"{day.isoformat()} "), pl.col("time")).alias("time")
    return frame.select(stamp, path.alias("uri_path"))
