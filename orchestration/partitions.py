"""Partitions: New York sessions, logged days of EDGAR, days in India."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache

import dagster as dg

from lake.market_calendar import NEW_YORK, xnys

FIRST_SESSION = date(1990, 1, 2)
FIRST_LOG_DAY = date(2003, 1, 1)
FIRST_POST_DAY = date(2016, 1, 1)
LAST_SESSION = date(2031, 12, 31)


@lru_cache(maxsize=1)
def sessions() -> dg.TimeWindowPartitionsDefinition:
    """One partition a session, the running one included.

    A daily schedule less weekends and holidays: with a weekday schedule Friday would end on Monday.
    """
    calendar = xnys()
    open_days = set(calendar.sessions(FIRST_SESSION, LAST_SESSION))
    ordinals = range(FIRST_SESSION.toordinal(), LAST_SESSION.toordinal() + 1)
    weekdays = (day for n in ordinals if (day := date.fromordinal(n)).weekday() < 5)
    holidays = [datetime.combine(day, time(), NEW_YORK) for day in weekdays if day not in open_days]
    return dg.TimeWindowPartitionsDefinition(
        start=datetime.combine(FIRST_SESSION, time(), NEW_YORK),
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * *",
        timezone="America/New_York",
        end_offset=1,
        exclusions=["0 0 * * 6", "0 0 * * 0", *holidays],
    )


@lru_cache(maxsize=1)
def log_days() -> dg.TimeWindowPartitionsDefinition:
    """One partition a day of EDGAR's access logs; the years without a log have partitions without rows."""
    return dg.DailyPartitionsDefinition(start_date=datetime.combine(FIRST_LOG_DAY, time(), UTC), timezone="UTC")


@lru_cache(maxsize=1)
def index_days() -> dg.TimeWindowPartitionsDefinition:
    """One partition a day in New York, the running one included: exchanges of several countries trade on most of them."""
    return dg.DailyPartitionsDefinition(start_date=FIRST_SESSION.isoformat(), timezone="America/New_York", end_offset=1)


@lru_cache(maxsize=1)
def post_days() -> dg.TimeWindowPartitionsDefinition:
    """One partition a day in India, the running one included."""
    return dg.DailyPartitionsDefinition(start_date=FIRST_POST_DAY.isoformat(), timezone="Asia/Kolkata", end_offset=1)
