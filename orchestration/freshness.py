"""How old a table's newest materialization may become before Dagster says that it is late.

The windows outlast a weekend with a holiday; which tick or session is due at the very moment is told by the page on the
state of the data, which knows the exchange's calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import dagster as dg

from lake.contracts import TABLES


class Window(NamedTuple):
    """After how long Dagster warns, and after how long it says late."""

    warn: timedelta
    fail: timedelta


# The longest pause of an exchange's sessions is four days, from a Thursday's or Friday's close on.
_SESSIONS = Window(timedelta(days=4, hours=2), timedelta(days=5))
_DAYS = Window(timedelta(days=1, hours=12), timedelta(days=2))
_LOGS = Window(timedelta(days=2), timedelta(days=4))
# Nobody collects them: they come when somebody brings them.
_BROUGHT = Window(timedelta(days=180), timedelta(days=365))
_BY_GROUP: Mapping[str, Window] = {"signals": _DAYS, "attention": _LOGS, "listings": _BROUGHT, "filings": _BROUGHT}
_BY_TABLE: Mapping[str, Window] = {
    "bronze.x_search": _DAYS,
    "bronze.files": _LOGS,
    "bronze.edgar_index": _LOGS,
    "gold.visits_live": _BROUGHT,
}


def window_of(key: dg.AssetKey, group: str | None) -> Window:
    """The window of an asset by its table, else by its group."""
    name = ".".join(key.path)
    if name in _BY_TABLE:
        return _BY_TABLE[name]
    return _BY_GROUP.get(TABLES[name].group if name in TABLES else group or "", _SESSIONS)


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with the policy that its table promises."""
    window = window_of(spec.key, spec.group_name)
    policy = dg.FreshnessPolicy.time_window(fail_window=window.fail, warn_window=window.warn)
    return spec.replace_attributes(freshness_policy=policy)
