"""What is said where something is not loaded: from when to when it is, and how more is."""

from __future__ import annotations

from datetime import date

MORE_BARS = "More years are loaded with TIDEMARK_BARS_YEARS, or one's own files with `tidemark import`."


MORE_TICKS = "Ticks are collected while Tidemark runs in market hours; earlier days have daily bars."


MORE_VISITS = "More days are loaded with TIDEMARK_EDGAR_DAYS, or one's own logs with `tidemark import`."


MORE_SIGNALS = "Posts are collected while Tidemark runs; each day adds its hours."


MORE_MINUTES = "Minutes are collected of the watchlist (TIDEMARK_MINUTE_SYMBOLS), or come from one's own files: `tidemark import FILE`."


MORE_FORECASTS = "Each session adds its forecasts once the model has run."


def loaded_range(days: list[date] | tuple[date, ...], what: str) -> str:
    return f"{what} are loaded from {days[0]} to {days[-1]}" if days else f"no {what} are loaded"
