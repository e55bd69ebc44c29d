"""What happens to companies of the world by wish: another symbol, a split, another sector; and a clock that is ahead.

These change what a source knows, from a day on, unlike faults (`scrapers.sandbox.faults`), which lie between a source
and its client. See docs/faults.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property, lru_cache

from lake.contracts.base import SYMBOL
from lake.contracts.market import SECTORS
from lake.market_calendar import CalendarEnd, xnys

_DAY = r"@(?P<day>\d{4}-\d{2}-\d{2})"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 7 * 86_400


class ChangeError(ValueError):
    """Changes that cannot be read or cannot be; the text names the part and what was expected."""


@dataclass(frozen=True)
class Rename:
    """From a session on a company trades under another symbol; nobody knows the old one then."""

    old: str
    new: str
    day: date


@dataclass(frozen=True)
class Split:
    """From a session on there are `ratio` shares for each old one."""

    symbol: str
    ratio: Fraction
    day: date


@dataclass(frozen=True)
class Move:
    """From a session on a company is counted to another sector."""

    symbol: str
    sector: str
    day: date


# A whole number is how many seconds a clock is ahead.
Change = Rename | Split | Move | int


@dataclass(frozen=True)
class Changes:
    """All changes of a world; companies go by the symbol they have without them.

    Attributes:
        ahead: seconds by which the source's clock is ahead.
    """

    renames: tuple[Rename, ...] = ()
    splits: tuple[Split, ...] = ()
    moves: tuple[Move, ...] = ()
    ahead: int = 0

    @staticmethod
    @lru_cache(maxsize=256)
    def read(text: str) -> Changes:
        """Read `rename:OLD>NEW@DAY`, `split:SYMBOL:RATIO@DAY`, `leave:SYMBOL>SECTOR@DAY`, `clock:+90s`, comma separated.

        Raises:
            ChangeError: naming the part that is wrong and what was expected.
        """
        found = [_read(part) for part in map(str.strip, text.split(",")) if part]
        clocks = [change for change in found if isinstance(change, int)]
        if len(clocks) > 1:
            raise ChangeError(f"{text!r}: there is one clock")
        changes = Changes(
            tuple(change for change in found if isinstance(change, Rename)),
            tuple(change for change in found if isinstance(change, Split)),
            tuple(change for change in found if isinstance(change, Move)),
            sum(clocks),
        )
        _check(text, changes)
        return changes

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Whom something happens to."""
        renamed = (rename.old for rename in self.renames)
        return frozenset([*renamed, *(split.symbol for split in self.splits), *(move.symbol for move in self.moves)])

    def without(self, symbol: str, day: date) -> str | None:
        """The symbol without the changes of what goes by a symbol on a day; None where nobody goes by it."""
        for rename in self.renames:
            if symbol == rename.old and day >= rename.day:
                return None
            if symbol == rename.new:
                return rename.old if day >= rename.day else None
        return symbol

    def symbol_of(self, symbol: str, day: date) -> str:
        """The symbol of a company on a day."""
        return next((r.new for r in self.renames if r.old == symbol and day >= r.day), symbol)

    def sector_of(self, symbol: str, day: date) -> str | None:
        """The sector a company has moved to by a day; None where it has not moved."""
        moves = [move for move in self.moves if move.symbol == symbol and day >= move.day]
        return max(moves, key=lambda move: move.day).sector if moves else None

    def splits_of(self, symbol: str) -> tuple[tuple[date, Fraction], ...]:
        """A company's splits, ascending: the session they take effect and new shares per old."""
        return tuple(sorted((split.day, split.ratio) for split in self.splits if split.symbol == symbol))


@dataclass(frozen=True)
class _Form:
    """How a change is written.

    Attributes:
        pattern: what follows its name and a colon.
    """

    shape: str
    example: str
    pattern: str
    read: Callable[[str, re.Match[str]], Change]


def _session(part: str, match: re.Match[str]) -> date:
    try:
        day = date.fromisoformat(match["day"])
        trades = xnys().is_session(day)
    except (ValueError, CalendarEnd):
        raise ChangeError(f"{part!r}: {match['day']} is no day that the calendar knows") from None
    if not trades:
        raise ChangeError(f"{part!r}: New York does not trade on {day}; a change takes effect with a session")
    return day


def _symbol(part: str, text: str) -> str:
    if not re.fullmatch(SYMBOL, text):
        raise ChangeError(f"{part!r}: {text!r} is no symbol, such as AAPL")
    return text


def _rename(part: str, match: re.Match[str]) -> Rename:
    return Rename(_symbol(part, match["old"]), _symbol(part, match["new"]), _session(part, match))


def _split(part: str, match: re.Match[str]) -> Split:
    new, old = int(match["new"]), int(match["old"] or 1)
    if not new or not old or new == old:
        raise ChangeError(f"{part!r}: a split's ratio is new shares per old, such as 4, 3/2 or 1/10")
    return Split(_symbol(part, match["symbol"]), Fraction(new, old), _session(part, match))


def _move(part: str, match: re.Match[str]) -> Move:
    if match["sector"] not in SECTORS:
        raise ChangeError(f"{part!r}: no sector {match['sector']!r}; there are {', '.join(SECTORS)}")
    return Move(_symbol(part, match["symbol"]), match["sector"], _session(part, match))


def _clock(part: str, match: re.Match[str]) -> int:
    ahead = int(match["count"]) * _UNITS[match["unit"]]
    if not 0 < ahead <= _LONGEST:
        raise ChangeError(f"{part!r}: a clock is ahead by at least +1s and at most +7d")
    return ahead


FORMS = {
    "rename": _Form(
        "rename:OLD>NEW@DAY", "rename:AAPL>AAPX@2026-11-24", rf"(?P<old>[^>@]+)>(?P<new>[^>@]+){_DAY}", _rename
    ),
    "split": _Form(
        "split:SYMBOL:RATIO@DAY",
        "split:MSFT:4@2026-11-24",
        rf"(?P<symbol>[^:@]+):(?P<new>\d{{1,4}})(?:/(?P<old>\d{{1,4}}))?{_DAY}",
        _split,
    ),
    "leave": _Form(
        "leave:SYMBOL>SECTOR@DAY",
        "leave:XOM>Utilities@2026-11-24",
        rf"(?P<symbol>[^>@]+)>(?P<sector>[^@]+){_DAY}",
        _move,
    ),
    "clock": _Form("clock:+TIME", "clock:+90s", r"\+(?P<count>\d{1,6})(?P<unit>[smhd])", _clock),
}


def _read(part: str) -> Change:
    kind, _, rest = part.partition(":")
    if kind not in FORMS:
        raise ChangeError(f"{part!r}: no change {kind!r}; there are {', '.join(FORMS)}")
    form = FORMS[kind]
    if (match := re.fullmatch(form.pattern, rest.strip())) is None:
        raise ChangeError(f"{part!r} is not {form.shape}, such as {form.example}")
    return form.read(part, match)


def _check(text: str, changes: Changes) -> None:
    """Two changes that cannot both be.

    Raises:
        ChangeError: naming them.
    """
    names = [name for rename in changes.renames for name in (rename.old, rename.new)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ChangeError(f"{text!r}: {', '.join(twice)} is in more than one renaming; a symbol changes once")
    splits = [(split.symbol, split.day) for split in changes.splits]
    moves = [(move.symbol, move.day) for move in changes.moves]
    for kind, days in (("split", splits), ("leave", moves)):
        if again := [f"{symbol}@{day}" for symbol, day in dict.fromkeys(days) if days.count((symbol, day)) > 1]:
            raise ChangeError(f"{text!r}: more than one {kind} of {', '.join(again)}")
