"""A context for tests of reading: known companies and what is loaded, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from chat_api.context import Company, Context, ForecastDay, Loaded
from lake.market_calendar import INDIA, NEW_YORK, xnys

_COMPANIES = (
    ("AAPL", "Apple Inc.", "Technology", 3.9e12),
    ("MSFT", "Microsoft Corporation", "Technology", 3.5e12),
    ("NVDA", "NVIDIA Corporation", "Technology", 4.4e12),
    ("GOOGL", "Alphabet Inc.", "Communication Services", 1.7e12),
    ("GOOG", "Alphabet Inc.", "Communication Services", 1.6e12),
    ("DIS", "The Walt Disney Company", "Communication Services", 1.9e11),
    ("GE", "General Electric Company", "Industrials", 3.1e11),
    ("GD", "General Dynamics Corporation", "Industrials", 8.0e10),
    ("BA", "The Boeing Company", "Industrials", 1.5e11),
    ("JNJ", "Johnson & Johnson", "Healthcare", 4.9e11),
    ("JCI", "Johnson Controls International plc", "Industrials", 6.9e10),
    ("PFE", "Pfizer Inc.", "Healthcare", 1.4e11),
    ("KO", "The Coca-Cola Company", "Consumer Defensive", 3.0e11),
    ("PEP", "PepsiCo, Inc.", "Consumer Defensive", 2.0e11),
    ("XOM", "Exxon Mobil Corporation", "Energy", 4.9e11),
    ("CVX", "Chevron Corporation", "Energy", 3.0e11),
    ("SO", "The Southern Company", "Utilities", 9.9e10),
    ("BAC", "Bank of America Corporation", "Financial Services", 3.4e11),
    ("JPM", "JPMorgan Chase & Co.", "Financial Services", 8.2e11),
    ("MS", "Morgan Stanley", "Financial Services", 2.5e11),
    ("V", "Visa Inc.", "Financial Services", 6.5e11),
    ("T", "AT&T Inc.", "Communication Services", 2.0e11),
    ("BRK-B", "Berkshire Hathaway Inc.", "Financial Services", 1.0e12),
    ("TGT", "Target Corporation", "Consumer Defensive", 4.0e10),
)


def context(now: datetime = datetime(2026, 11, 21, 17, tzinfo=UTC), *, bars_days: int = 366) -> Context:
    """Everything loaded up to an instant: a year of bars, one tick, three weeks of visits, five days of signals."""
    calendar = xnys()
    today = now.astimezone(NEW_YORK).date()
    last = calendar.latest_closed_session(now)
    sessions = calendar.sessions(last - timedelta(days=bars_days), last)
    tick = calendar.latest_tick(now).tick
    start = datetime.combine(today - timedelta(days=5), time(0), INDIA).astimezone(UTC)
    hours = [start + timedelta(hours=n) for n in range(int((now - start) / timedelta(hours=1)) + 1)]
    coming = calendar.next_session(last)
    forecasts = [
        ForecastDay(role, day, calendar.close_at(calendar.previous_session(day)), 0 if day == coming else 20, 1)
        for role in ("champion", "challenger")
        for day in [*sessions[-60:], coming]
    ]
    return Context(
        now=now,
        companies=tuple(
            Company(symbol, name, sector, "Semiconductors" if symbol == "NVDA" else None, "New York", "United States", "NYSE", 1000 + n, cap)
            for n, (symbol, name, sector, cap) in enumerate(_COMPANIES)
        ),
        ticks=(tick,),
        sessions=tuple(sessions),
        hours=tuple((tag, hour) for hour in hours for tag in ("banknifty", "intraday", "nifty50", "sensex")),
        visit_days=tuple(("v2", last - timedelta(days=n)) for n in range(20, -1, -1)),
        forecasts=tuple(sorted(forecasts, key=lambda held: held.session)),
        loads=tuple(Loaded(f"gold.{name}", "gold", 1, None, None) for name in ("quotes", "bars_daily", "forecasts", "companies", "visits_day", "signals_hourly")),
    )  # fmt: skip


def session(year: int, month: int, day: int) -> date:
    """A day that must be a session, so that a test does not lean on a holiday."""
    found = date(year, month, day)
    assert xnys().is_session(found)
    return found
