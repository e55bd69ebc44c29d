"""The reading of one question while it is under way: its items, what has been placed, and how it can end early."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chat_api.context import Context
from chat_api.parser.lexer.items import Item, Lexed
from chat_api.plan import Choice, Clarification, Refusal
from chat_api.times import When


class Stop(Exception):
    """The reading ends here with a clarification or a refusal."""

    def __init__(self, reading: Clarification | Refusal) -> None:
        super().__init__(reading)
        self.reading = reading


def clarify(question: str, *choices: tuple[str, str | None]) -> Stop:
    """A question back, with (label, full question) choices."""
    return Stop(Clarification(question=question, choices=tuple(Choice(label=label, ask=ask) for label, ask in choices)))


def not_understood(words: str) -> Stop:
    """Words that could not be placed."""
    return Stop(
        Refusal(
            code="not_understood",
            reason=f"I could not place {words} in the question, so I do not answer rather than guess.",
            suggestion="Ask with a company, sector or tag, a metric and a time, as in: Apple close last Friday.",
        )
    )


def not_loaded(what: str, loaded: str, how: str) -> Stop:
    """Data that are not loaded: what is, and how to load more."""
    return Stop(Refusal(code="not_loaded", reason=f"{what} not loaded; {loaded}.", suggestion=how))


@dataclass
class Draft:
    """Items of a question by kind, with the marks of what has been placed.

    Attributes:
        phrase: the words that news is searched for; they were taken out before the rest was read.
    """

    question: str
    lexed: Lexed
    context: Context
    notes: list[str] = field(default_factory=list)
    phrase: str | None = None

    @property
    def items(self) -> list[Item]:
        """All items in the order of the question."""
        return self.lexed.items

    def of(self, *kinds: str) -> list[Item]:
        """Items of some kinds that are not placed yet."""
        return [item for item in self.items if item.kind in kinds and not item.used]

    def has(self, kind: str, *values: object) -> bool:
        """Whether an unplaced item of a kind (and one of some values) is there."""
        return any(not values or item.value in values for item in self.of(kind))

    def take(self, kind: str, *values: object) -> list[Item]:
        """Place all items of a kind (and of some values)."""
        found = [item for item in self.of(kind) if not values or item.value in values]
        for item in found:
            item.used = True
        return found

    def take_one(self, kind: str, *values: object) -> Item | None:
        """Place the first item of a kind."""
        for item in self.of(kind):
            if not values or item.value in values:
                item.used = True
                return item
        return None

    def neighbour(self, item: Item, step: int, *skipped: str) -> Item | None:
        """The next item before (-1) or after (+1) one, passing over words without meaning and the kinds named."""
        index = self.items.index(item) + step
        while 0 <= index < len(self.items):
            other = self.items[index]
            if other.kind not in {"fill", "filings"} and other.kind not in skipped:
                return other
            index += step
        return None

    def note(self, text: str) -> None:
        """Say how something was read."""
        if text not in self.notes:
            self.notes.append(text)

    def replaced(self, item: Item, words: str) -> str:
        """The question with an item's words replaced, for a choice."""
        searched = ["mentioning", f'"{self.phrase}"'] if self.phrase else []
        return " ".join([*self.lexed.raw[: item.at], words, *self.lexed.raw[item.end :], *searched])

    def left(self) -> list[Item]:
        """Items that mean something and have not been placed."""
        return [item for item in self.items if not item.used and item.kind not in {"fill"}]


def when_of(item: Item) -> When:
    """The time an item says."""
    value: Any = item.value
    assert isinstance(value, When)
    return value
