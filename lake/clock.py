"""The one clock. Everything that asks for the time, pages and sensors included, asks here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from lake.settings import Settings

NEW_YORK = ZoneInfo("America/New_York")
INDIA = ZoneInfo("Asia/Kolkata")


@dataclass(frozen=True)
class Clock:
    """A clock that runs on from a start instant, stands still at it, or is the machine's.

    Attributes:
        start: instant it showed at `anchor`; None for the machine's own time.
        anchor: the machine's time (seconds since 1970) when it showed `start`.
        frozen: whether it stands still.
    """

    start: datetime | None = None
    anchor: float = 0.0
    frozen: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Clock:
        """The clock that `TIDEMARK_NOW` asks for."""
        if not settings.now:
            return cls()
        start, anchor, frozen = parse_start(settings.now)
        return cls(start, time.time() if anchor is None else anchor, frozen)

    def now(self) -> datetime:
        """The present instant, in UTC."""
        if self.start is None:
            return datetime.now(UTC)
        if self.frozen:
            return self.start
        return self.start + timedelta(seconds=time.time() - self.anchor)

    def setting(self) -> str | None:
        """The `TIDEMARK_NOW` that gives another process this very clock."""
        if self.start is None:
            return None
        text = self.start.isoformat()
        return f"{text}!" if self.frozen else f"{text}@{self.anchor:.3f}"


def parse_start(text: str) -> tuple[datetime, float | None, bool]:
    """Read `INSTANT`, `INSTANT!` (frozen) or `INSTANT@SECONDS` (the machine's time at which it was shown).

    Returns:
        The start in UTC, the anchor if given, and whether the clock stands still.

    Raises:
        ValueError: when the instant is not ISO 8601 with a zone.
    """
    frozen = text.endswith("!")
    instant, _, anchor = text.rstrip("!").partition("@")
    try:
        start = datetime.fromisoformat(instant.strip())
        at = float(anchor) if anchor else None
    except ValueError:
        raise ValueError("an instant such as 2026-11-20T15:00:00Z, with ! to freeze it") from None
    if start.tzinfo is None:
        raise ValueError("an instant with a zone, such as 2026-11-20T15:00:00Z or 2026-11-20T10:00:00-05:00")
    return start.astimezone(UTC), at, frozen
