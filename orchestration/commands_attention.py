"""`documents`: the most visited filings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from lake.home import Home
    from orchestration.console import Screen
    from orchestration.documents import Wanted


def documents(  # noqa: PLR0913 - what the command is given
    home: Home, screen: Screen, day: date, wanted: Wanted, *, seconds: bool, as_json: bool
) -> int:
    """Show a day's filings; exit code 1 where the day is not loaded."""
    from orchestration.documents import NotLoaded, by_second, most_visited

    try:
        rows = by_second(home, day, wanted) if seconds else most_visited(home, day, wanted)
    except NotLoaded as error:
        screen.say(str(error))
        return 1
    if as_json:
        screen.json({"day": day, "simulated": home.simulated, "documents": rows.to_dicts()})
        return 0
    about = "simulated, " if home.simulated else ""
    what = "The seconds with the most requests" if seconds else "The most visited filings"
    screen.table(tuple(rows.columns), rows.rows(), f"{what} of {day} ({about}{rows.height} rows)")
    return 0
