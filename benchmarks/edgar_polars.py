"""An EDGAR log to silver, its quarantine and gold's counts in Polars, as one who knows it would write it.

Lazily and streamed, so that memory stays bounded. Lines are read whole and split, since the CSV reader either stops at a
line with too many fields or drops what is too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from benchmarks.edgar_log import DAY, FIELDS
from lake.rows import RowAccount

if TYPE_CHECKING:
    from benchmarks.edgar_work import Job

ROBOT = 25


def _lines(job: Job) -> pl.LazyFrame:
    return pl.scan_csv(
        job.csv,
        has_header=False,
        skip_rows=1,
        separator="\x01",
        quote_char=None,
        encoding="utf8-lossy",
        schema={"line": pl.String},
        missing_columns="insert",
    ).with_columns(line_hash=pl.col("line").hash())


def _number(name: str, kind: type[pl.Int32 | pl.Int64]) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64, strict=False)
    return pl.when(number.abs() < 1e18).then(number).cast(kind, strict=False)


def _typed(lines: pl.LazyFrame) -> pl.LazyFrame:
    part = pl.col("time").str
    second = (
        part.slice(0, 2).cast(pl.Int32, strict=False) * 3600
        + part.slice(3, 2).cast(pl.Int32, strict=False) * 60
        + part.slice(6, 2).cast(pl.Int32, strict=False)
    )
    split = lines.with_columns(
        pl.col("line").str.split_exact(",", len(FIELDS) - 1).struct.rename_fields([*FIELDS]).alias("fields"),
        commas=pl.col("line").str.count_matches(",", literal=True),
    ).unnest("fields")
    read = split.with_columns(
        log_date=pl.col("date").str.to_date("%Y-%m-%d", strict=False),
        second_of_day=pl.when(part.contains(r"^\d{2}:[0-5]\d:[0-5]\d$")).then(second),
        number=_number("cik", pl.Int64),
        document=pl.when(pl.col("extention").str.head(1).is_in(["-", "."]))
        .then(pl.col("accession") + pl.col("extention"))
        .otherwise("extention"),
        zone_read=pl.col("zone").cast(pl.Float64, strict=False),
        status=_number("code", pl.Int32),
        size_bytes=_number("size", pl.Int64),
        is_index=pl.col("idx").cast(pl.Float64, strict=False) == 1,
        is_crawler=pl.col("crawler").cast(pl.Float64, strict=False) == 1,
    )

    def was_read(value: str, text: str) -> pl.Expr:
        return pl.col(value).is_not_null() | (pl.col(text) == "")

    status = pl.col("status")
    first = {
        "line_is_utf8": ~pl.col("line").str.contains("\ufffd", literal=True),
        "line_has_closed_quotes": ~pl.col("line").str.contains('"', literal=True),
        "line_has_every_field": pl.col("commas") == len(FIELDS) - 1,
    }
    rules = {
        "status_is_read": was_read("status", "code"),
        "size_is_read": was_read("size_bytes", "size"),
        "flags_are_read": was_read("is_index", "idx") & was_read("is_crawler", "crawler"),
        "zone_is_read": was_read("zone_read", "zone"),
        "accession_is_read": (pl.col("accession") == "") | pl.col("accession").str.contains(r"^\d{10}-\d{2}-\d{6}$"),
        "cik_is_positive": pl.col("number") > 0,
        "second_is_within_the_day": pl.col("second_of_day") < 86_400,
        "status_is_http_or_zero": status.is_null() | (status == 0) | ((status >= 100) & (status < 600)),
        "logged_on_the_file_s_day": pl.col("log_date") == DAY,
    }
    sure = {name: rule.fill_null(False) for name, rule in (first | rules).items()}
    named = [pl.when(~sure[name]).then(pl.lit(name)) for name in rules]
    chosen = pl.concat_str(named, separator=",", ignore_nulls=True)
    for name in reversed(first):
        chosen = pl.when(~sure[name]).then(pl.lit(name)).otherwise(chosen)
    return read.with_columns(good=pl.all_horizontal(*sure.values()), rules=chosen)


def _requests(typed: pl.LazyFrame, job: Job, repeat_no: pl.Expr) -> pl.LazyFrame:
    return typed.select(
        "second_of_day",
        cik="number",
        line_hash="line_hash",
        repeat_no=repeat_no.cast(pl.Int32),
        requested_at=_instant(job),
        file_date=pl.lit(DAY),
        accession="accession",
        document="document",
        ip="ip",
        zone="zone_read",
        status="status",
        size_bytes="size_bytes",
        is_index="is_index",
        is_crawler="is_crawler",
        **job.provenance,
    )


def _instant(job: Job) -> pl.Expr:
    seconds = pl.col("second_of_day").cast(pl.Int64) + job.midnight
    return (seconds * 1_000_000).cast(pl.Datetime("us", "UTC"))


def _gold(requests: pl.LazyFrame, job: Job) -> dict[str, pl.LazyFrame]:
    minute = pl.col("second_of_day") // 60
    alone = (pl.col("status") == 200) & ~pl.col("is_crawler") & ~pl.col("is_index")
    addresses = (
        requests.filter(pl.col("ip") != "")
        .group_by(minute_of_day=minute, ip="ip")
        .agg(documents=(~pl.col("is_index")).sum(), human=alone.any())
        .select("minute_of_day", "ip", robot=pl.col("documents") > ROBOT, human="human")
        .with_columns(human=pl.col("human") & ~pl.col("robot"))
        .collect(engine="streaming")
        .lazy()
    )
    judged = (
        requests.select("second_of_day", "cik", "accession", "ip", alone=alone, minute_of_day=minute)
        .join(addresses.filter("robot").select("minute_of_day", "ip", "robot"), on=["minute_of_day", "ip"], how="left")
        .with_columns(human=(pl.col("alone") & pl.col("robot").is_null()).cast(pl.Int64))
    )
    seconds = judged.group_by("second_of_day", "cik").agg(
        visits_all=pl.len().cast(pl.Int64), visits_human=pl.sum("human")
    )
    seconds = seconds.collect(engine="streaming").lazy()
    of_filings = judged.filter(pl.col("accession") != "").group_by("cik", "accession", "ip")
    people = addresses.group_by("ip").agg(pl.any("human"))
    tables = {
        "visits_second": seconds.with_columns(second=_instant(job)),
        "visits_total_second": seconds.group_by("second_of_day")
        .agg(pl.sum("visits_all", "visits_human"))
        .with_columns(second=_instant(job)),
        "visits_documents": of_filings.agg(visits=pl.len().cast(pl.Int64), human=pl.sum("human"))
        .group_by("cik", "accession")
        .agg(
            visits_all=pl.sum("visits"),
            visits_human=pl.sum("human"),
            visitors=(pl.col("ip") != "").sum().cast(pl.Int64),
        ),
        "visitors_minute": addresses.group_by("minute_of_day").agg(
            visitors=pl.len().cast(pl.Int64), visitors_human=pl.sum("human").cast(pl.Int64)
        ),
        "visitors_day": pl.concat(
            [
                seconds.select(pl.sum("visits_all", "visits_human"), companies=pl.col("cik").n_unique().cast(pl.Int64)),
                people.select(visitors=pl.len().cast(pl.Int64), visitors_human=pl.sum("human").cast(pl.Int64)),
            ],
            how="horizontal",
        ).with_columns(counts_repeats=True, documents_a_minute=pl.lit(ROBOT, pl.Int32)),
    }
    return {name: frame.with_columns(**job.provenance) for name, frame in tables.items()}


def run(job: Job) -> RowAccount:
    """Do the work; the account is of what was written."""
    lines = _lines(job)
    counted = lines.group_by("line_hash").len().collect(engine="streaming")
    repeated = counted.filter(pl.col("len") > 1)["line_hash"]
    typed = _typed(lines)
    repeats = pl.col("line_hash").is_in(repeated.implode())
    once = _requests(typed.filter(pl.col("good") & ~repeats), job, pl.lit(1))
    _, again, bad = pl.collect_all(
        [
            once.sink_parquet(job.out / "silver-0.parquet", compression="zstd", compression_level=1, lazy=True),
            typed.filter(pl.col("good") & repeats),
            typed.filter(~pl.col("good")).select("rules", row="line"),
        ],
        engine="streaming",
    )
    number = pl.int_range(1, pl.len() + 1).over("line_hash")
    numbered = _requests(again.lazy(), job, number)
    numbered.sink_parquet(job.out / "silver-1.parquet", compression="zstd", compression_level=1)
    bad.write_parquet(job.out / "quarantine.parquet")
    requests = pl.scan_parquet(job.out / "silver-*.parquet")
    for name, frame in _gold(requests, job).items():
        frame.sink_parquet(job.out / f"{name}.parquet", compression="zstd", compression_level=1)
    rows_out = requests.select(pl.len()).collect().item()
    quarantined = pl.scan_parquet(job.out / "quarantine.parquet").select(pl.len()).collect().item()
    return RowAccount(int(counted["len"].sum()), rows_out, 0, quarantined).check("Polars")
