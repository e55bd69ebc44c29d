"""Every table of the lake, by layer and name. One definition each."""

from __future__ import annotations

from lake.contracts.attention import ATTENTION
from lake.contracts.bands import BAND_TABLES
from lake.contracts.base import Layer, Table
from lake.contracts.filers import FILERS
from lake.contracts.filings import FILINGS
from lake.contracts.forecasts import FORECASTS
from lake.contracts.indices import INDEX_TABLES
from lake.contracts.listings import LISTINGS
from lake.contracts.live import LIVE
from lake.contracts.log_days import LOG_DAYS
from lake.contracts.market import DISPUTED, MARKET, SECTORS
from lake.contracts.marts import LOADS, MARTS
from lake.contracts.minutes import MINUTE_TABLES
from lake.contracts.news import NEWS_TABLES
from lake.contracts.officers import OFFICER_TABLES
from lake.contracts.operations import OPERATIONS
from lake.contracts.quarantine import Quarantined
from lake.contracts.raw import BRONZE
from lake.contracts.signals import SIGNALS
from lake.contracts.ticks import TICKS
from lake.contracts.visits import VISIT_COUNTS

TABLES: dict[str, Table] = {
    t.id: t
    for t in (
        *BRONZE,
        *TICKS,
        *MARKET,
        *ATTENTION,
        *SIGNALS,
        *FORECASTS,
        *OPERATIONS,
        LOADS,
        *MARTS,
        *INDEX_TABLES,
        *OFFICER_TABLES,
        *MINUTE_TABLES,
        *NEWS_TABLES,
        *LISTINGS,
        *LOG_DAYS,
        *LIVE,
        *VISIT_COUNTS,
        *FILERS,
        *FILINGS,
        *BAND_TABLES,
    )
}


def table(table_id: str) -> Table:
    """The table named as in `gold.quotes`.

    Raises:
        KeyError: naming the tables that exist.
    """
    try:
        return TABLES[table_id]
    except KeyError:
        raise KeyError(f"no table {table_id!r}; there are {', '.join(sorted(TABLES))}") from None


def of_layer(layer: Layer) -> tuple[Table, ...]:
    """All tables of a layer, in the order they are defined."""
    return tuple(t for t in TABLES.values() if t.layer == layer)


__all__ = ["DISPUTED", "SECTORS", "TABLES", "Layer", "Quarantined", "Table", "of_layer", "table"]
