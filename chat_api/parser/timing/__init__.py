"""What a time means for each subject, and whether it is loaded: sessions, ticks, logged days, India's days.

A period that is not loaded in full ends the reading with what is loaded; a part of it is never counted as the whole.
"""

from __future__ import annotations

from chat_api.parser.timing.events import forecast_sessions, signal_time, visit_days
from chat_api.parser.timing.sessions import days_of, enough_before, latest_session, session_of
from chat_api.parser.timing.ticks import by_minute, closing_tick, minutes_held, minutes_of, session_ticks, tick_time

__all__ = [
    "by_minute",
    "closing_tick",
    "days_of",
    "enough_before",
    "forecast_sessions",
    "latest_session",
    "minutes_held",
    "minutes_of",
    "session_of",
    "session_ticks",
    "signal_time",
    "tick_time",
    "visit_days",
]
