"""Write lake/data/xnys.json and xbom.json from exchange_calendars: holidays, weekend sessions and special hours.

The files let the calendars be read without pandas. Run it when exchange_calendars is updated; a test compares the two.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "lake" / "data"


class Exchange(NamedTuple):
    """An exchange, the days to write of it, its zone, and its regular hours there."""

    name: str
    start: date
    end: date
    zone: str
    opens: str
    closes: str


NEW_YORK = Exchange("XNYS", date(1990, 1, 1), date(2031, 12, 31), "America/New_York", "09:30", "16:00")
# The library knows India's holidays, which are announced year by year, to the end of 2026 and raises past it.
BOMBAY = Exchange("XBOM", date(1997, 1, 1), date(2026, 12, 31), "Asia/Kolkata", "09:15", "15:30")


def calendar_facts(exchange: Exchange) -> dict[str, Any]:
    """Weekdays without a session, weekend days with one, and opens and closes other than the regular ones."""
    import exchange_calendars

    start, end = exchange.start, exchange.end
    schedule = exchange_calendars.get_calendar(exchange.name, start=start.isoformat(), end=end.isoformat()).schedule
    opens = {day.date(): at.tz_convert(exchange.zone).strftime("%H:%M") for day, at in schedule["open"].items()}
    closes = {day.date(): at.tz_convert(exchange.zone).strftime("%H:%M") for day, at in schedule["close"].items()}
    weekdays = [start + timedelta(n) for n in range((end - start).days + 1) if (start + timedelta(n)).weekday() < 5]
    weekend = [day.isoformat() for day in opens if day.weekday() >= 5]
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "holidays": [day.isoformat() for day in weekdays if day not in opens],
        **({"weekend": weekend} if weekend else {}),
        "opens": {day.isoformat(): at for day, at in opens.items() if at != exchange.opens},
        "closes": {day.isoformat(): at for day, at in closes.items() if at != exchange.closes},
    }


if __name__ == "__main__":
    for exchange in (NEW_YORK, BOMBAY):
        target = FOLDER / f"{exchange.name.lower()}.json"
        target.write_text(json.dumps(calendar_facts(exchange), indent=0) + "\n")
