"""Write lake/data/xnys.json from exchange_calendars: weekday holidays and special hours of the New York exchange.

The file lets the calendar be read without pandas. Run it when exchange_calendars is updated; a test compares the two.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

START, END = date(1990, 1, 1), date(2031, 12, 31)
TARGET = Path(__file__).resolve().parents[1] / "lake" / "data" / "xnys.json"


def calendar_facts() -> dict[str, Any]:
    """Weekdays without a session, and opens and closes other than 09:30 and 16:00, in New York time."""
    import exchange_calendars

    schedule = exchange_calendars.get_calendar("XNYS", start=START.isoformat(), end=END.isoformat()).schedule
    opens = {day.date(): at.tz_convert("America/New_York").strftime("%H:%M") for day, at in schedule["open"].items()}
    closes = {day.date(): at.tz_convert("America/New_York").strftime("%H:%M") for day, at in schedule["close"].items()}
    weekdays = [START + timedelta(n) for n in range((END - START).days + 1) if (START + timedelta(n)).weekday() < 5]
    extra = [day for day in opens if day.weekday() >= 5]
    if extra:
        raise ValueError(f"sessions on a weekend, which the file's form has no room for: {extra}")
    return {
        "start": START.isoformat(),
        "end": END.isoformat(),
        "holidays": [day.isoformat() for day in weekdays if day not in opens],
        "opens": {day.isoformat(): at for day, at in opens.items() if at != "09:30"},
        "closes": {day.isoformat(): at for day, at in closes.items() if at != "16:00"},
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(calendar_facts(), indent=0) + "\n")
