"""Words of questions about the data themselves and about meanings."""

from __future__ import annotations

# phrase → (kind, value)
PHRASES: dict[tuple[str, ...], tuple[str, object]] = {}


def _add(kind: str, value: object, text: str) -> None:
    for phrase in text.split("|"):
        PHRASES[tuple(phrase.split())] = (kind, value)


_add(
    "define",
    None,
    "define|definition of|definition|explain|meaning of|meaning|what is meant by|what does it mean|please explain|stand for|stands for|what do you understand by|do you understand by|understand by|how is calculated|calculated|worked out|computed|defined|how is defined|how do you calculate|how do you compute|how do you define|interpret|formula|formula for|formula of|which number is that|what sets|derived|difference in meaning|mean by|do you mean by|means|what counts as|counts as|what exactly is|how is the|is worked out|is calculated|is computed|is defined|measured|how is measured|what is that|get calculated|calculate",
)
_add(
    "unit_of",
    None,
    "in which unit|in what unit|which unit|what unit|unit of|units of|unit is|what units|unit|units|expressed in|measured in",
)
_add(
    "why_absent",
    None,
    "why do some companies show no|why do some companies have no|why is there no|why do some have no|why is missing|why do some stocks have no|why does it show no|why no|why is empty|why do some show no|why are there no",
)
_add(
    "data",
    "rows",
    "rows|row|row count|row counts|how many rows|number of rows|rows are|count of rows|total rows|how large is|how big is the table",
)
_add(
    "data",
    "quarantined",
    "quarantine|quarantined|quarantined rows|in quarantine|rows in quarantine|quarantined records|rejected rows|refused rows|rows quarantined|rejected",
)
_add(
    "data",
    "loaded_at",
    "fresh|freshness|stale|staler|staleness|how old|up to date|how recent|last updated|last loaded|last load|loaded|updated|been loaded|refreshed|last refreshed|last refresh|loaded last|freshest|stalest|how fresh|when was last loaded|staler than|older than|out of date|age of|when were last loaded|how current|last update|load time",
)
_add(
    "data",
    "source",
    "come from|comes from|coming from|where do come from|source|sources|origin|originate|data source|data sources|where from|origins",
)
_add("data", "gaps", "gaps|gap|missing ticks|missing tick|missing|missed ticks|missed tick|incomplete ticks")
_add(
    "data",
    "newest_tick",
    "newest tick|most recent tick|last tick|latest tick you have|newest tick in the system|latest tick loaded|newest quote tick|time of the latest tick|latest tick in the system",
)
_add(
    "data",
    "first",
    "from which date on|how far back|earliest|since when|first date|from when|from what date|since which date|how far do go back|go back|oldest date|from which date|earliest date|oldest|reach back",
)
_add(
    "data",
    "last",
    "until when|up to when|up to which date|to which date|last date|newest date|how far do reach|latest date",
)
_add(
    "tables",
    None,
    "tables|table|all tables|every table|each table|all of the tables|tables in the lake|data tables|dataset names|datasets",
)
_add("table", "quotes", "quotes table|quotes|the quotes|quote table|quotes data|quote data|snapshots|quote snapshots")
_add(
    "table",
    "bars_daily",
    "daily bars|bars|bars table|daily bar|bar table|bars data|price bars|daily bars table|bar data",
)
_add("table", "bars_minute", "minute bars|minute bar|minute data|minute bars table|one minute bars|1 minute bars")
_add("table", "signals_hourly", "signals table|signals data|signal table|signal data|the signals data")
_add("table", "posts", "posts table|posts data")
_add(
    "table",
    "visits",
    "attention table|attention data|attention figures|visits table|visits data|edgar data|edgar logs|attention numbers|visit data|edgar log data|access logs",
)
_add("table", "forecasts", "forecasts table|forecast table|forecast data|forecasts data")
_add("table", "companies", "companies table|company table|company data|companies data")
_add("table", "sectors", "sectors table|sector table|sector data|sectors data")
_add("table", "news", "news table|news data|headlines table")
_add("table", "coverage", "coverage table|coverage data")
