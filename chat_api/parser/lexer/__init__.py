"""A question to items: every word gets a role, or is reported as not understood.

Longest phrase first; names of companies, times, numbers and the tables of words compete at each position. A word
that nothing knows is corrected only where one known word is clearly nearest.
"""

from __future__ import annotations

from chat_api import times
from chat_api.context import Context
from chat_api.entities import Names
from chat_api.parser.lexer.items import Item, Lexed, Word, averages_in_full, known_words, number_at, split
from chat_api.parser.lexer.names import name_at, place_at, small_ticker_at, ticker_at
from chat_api.parser.lexer.slips import corrected_words
from chat_api.parser.words import tables

MAX_WORDS = 60


def lex(question: str, context: Context) -> Lexed:
    """Give every word of a question its role."""
    found, odd = split(question)
    lexed = Lexed(odd=odd)
    names = Names.of(context, known_words())
    shouting = sum(word.raw.isupper() for word in found if word.kind == "word") > 0.7 * len(found) > 2
    words = averages_in_full(corrected_words(found[: MAX_WORDS + 1], names, context, lexed, shouting))
    lexed.words = [word.text for word in words]
    lexed.raw = [word.raw for word in words]
    today = times.Today(context.today, context.calendar)
    at = 0
    while at < len(words):
        item = _item(words, lexed.words, at, names, context, today, shouting)
        if item is None:
            lexed.unknown.append(words[at].raw)
            item = Item("unknown", words[at].raw, at, at + 1, words[at].text)
        lexed.items.append(item)
        at = item.end
    return lexed


def _item(
    words: list[Word], texts: list[str], at: int, names: Names, context: Context, today: times.Today, shouting: bool
) -> Item | None:
    """The longest item at a position; of equal ones a name before a phrase before a time before a number."""
    best: Item | None = ticker_at(words, at, names, shouting)
    if best is not None:
        return best
    for candidate in (
        place_at(texts, at, context),
        name_at(texts, at, names),
        _phrase(texts, at),
        _time(texts, at, today),
        number_at(words, texts, at),
    ):
        if candidate and (best is None or candidate.end > best.end):
            best = candidate
    return best or small_ticker_at(words, at, names)


def _phrase(texts: list[str], at: int) -> Item | None:
    table, longest = tables().phrases, tables().longest
    for length in range(min(longest, len(texts) - at), 0, -1):
        role = table.get(tuple(texts[at : at + length]))
        if role:
            return Item(role.kind, role.value, at, at + length, " ".join(texts[at : at + length]))
    return None


def _time(texts: list[str], at: int, today: times.Today) -> Item | None:
    got = times.match(texts, at, today)
    return Item("time", got[1], at, at + got[0], got[1].text) if got else None
