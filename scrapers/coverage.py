"""Coverage of a tick: what was expected, what came, and why the rest did not."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

import orjson
import polars as pl

from lake.contracts import table
from scrapers.errors import NOT_IN_ANSWER, coverage_of
from scrapers.shards import SHARD_FAILED
from scrapers.spool import asked_for

CRAWL_FAILED = "crawl_failed"
DOWNTIME = "downtime"


class _Why(NamedTuple):
    reason: str
    detail: str
    at: datetime | None


def coverage_gold(  # noqa: PLR0913, PLR0917 - what was expected, what came, and when
    universe: pl.DataFrame,
    quotes: pl.DataFrame,
    refused: pl.DataFrame,
    session: date,
    tick: datetime,
    run_id: str,
    unanswered: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """For every company expected at a tick whether it came, and the reason where it did not.

    Args:
        universe: the members in force: gold.universe of one session.
        quotes: gold.quotes at the tick.
        refused: the quarantine of silver.quotes for the tick.
        session: the trading day.
        tick: the scheduled instant.
        run_id: the run that looked.
        unanswered: bronze.unanswered of the tick.

    Returns:
        Rows of gold.coverage, sorted by key.
    """
    came = quotes.select(
        "symbol", pl.lit(True).alias("received"), pl.col("observed_at").alias("at"), pl.col("_run_id").alias("by")
    )
    why = _whys(refused) if unanswered is None else _asked_in_vain(unanswered) | _whys(refused)
    reasons = pl.DataFrame(
        [(symbol, *one) for symbol, one in why.items()],
        schema={"symbol": pl.String, "why": pl.String, "exactly": pl.String, "refused_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    joined = universe.select("symbol", "sector", "observed_at").join(came, on="symbol", how="left")
    missing = pl.col("received").is_null()
    rows = joined.join(reasons, on="symbol", how="left").with_columns(
        pl.col("received").fill_null(False),
        pl.when(missing).then(pl.coalesce("why", pl.lit(str(coverage_of(NOT_IN_ANSWER))))).alias("reason"),
        pl.when(missing).then(pl.coalesce("exactly", pl.lit(NOT_IN_ANSWER))).alias("detail"),
        pl.coalesce("at", "refused_at", pl.col("at").max(), "observed_at").alias("observed_at"),
        pl.coalesce("by", pl.lit(run_id)).alias("_run_id"),
    )
    return _as_contract(rows, session, tick)


def gap_gold(  # noqa: PLR0913, PLR0917 - what was expected, and when
    universe: pl.DataFrame,
    session: date,
    tick: datetime,
    run_id: str,
    noted_at: datetime,
    unanswered: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """A tick that was missed: nothing came. The reason is downtime, or what its crawl was told where one tried.

    Args:
        universe: the members in force then.
        noted_at: when the gap was found.
        unanswered: bronze.unanswered of the tick.

    Returns:
        Rows of gold.coverage, sorted by key.
    """
    tried = _asked_in_vain(unanswered) if unanswered is not None else {}
    none = _Why(DOWNTIME, "no crawl of this tick ended", None)
    whys = [tried.get(symbol, none) for symbol in universe["symbol"]]
    rows = universe.select("symbol", "sector").with_columns(
        pl.lit(False).alias("received"),
        pl.Series("reason", [why.reason for why in whys], dtype=pl.String),
        pl.Series("detail", [why.detail for why in whys], dtype=pl.String),
        pl.lit(noted_at).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
        pl.lit(run_id).alias("_run_id"),
    )
    return _as_contract(rows, session, tick)


def _as_contract(rows: pl.DataFrame, session: date, tick: datetime) -> pl.DataFrame:
    whole = rows.with_columns(
        pl.lit(tick).cast(pl.Datetime("us", "UTC")).alias("tick"),
        pl.lit(session).alias("session"),
        pl.lit(None, dtype=pl.String).alias("_payload_sha256"),
    )
    return table("gold.coverage").conform(whole).sort("tick", "symbol")


def _asked_in_vain(unanswered: pl.DataFrame) -> dict[str, _Why]:
    """For each symbol why the newest question for it had no answer."""
    found: dict[str, _Why] = {}
    columns = unanswered.sort("_ingested_at").select("request", "reason", "detail", "_ingested_at")
    for request, reason, detail, at in columns.iter_rows():
        short = CRAWL_FAILED if reason == SHARD_FAILED else str(coverage_of(reason))
        found |= dict.fromkeys(_symbols(request), _Why(short, detail, at))
    return found


def _whys(refused: pl.DataFrame) -> dict[str, _Why]:
    """For each symbol why it was refused: its own row's reason before that of a body that was asked for it."""
    found: dict[str, _Why] = {}
    rows = refused.sort("observed_at").select("rules", "row", "observed_at").rows()
    for rules, text, at in rows:
        found |= dict.fromkeys(_symbols(_field(text, "request") or ""), _Why(str(coverage_of(rules)), rules, at))
    for rules, text, at in rows:
        if own := _field(text, "symbol"):
            found[own] = _Why(str(coverage_of(rules)), rules, at)
    return found


def _symbols(request: str) -> list[str]:
    return [symbol for symbol in asked_for(request).get("symbols", "").split(",") if symbol]


def _field(text: str, name: str) -> str | None:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, str) else None
