"""Names in a question: tickers, companies, places and exchanges."""

from __future__ import annotations

import re

from chat_api.context import Context
from chat_api.entities import Names
from chat_api.parser.lexer.items import Item, Word, known_words

# In capitals they are words all the same.
_NO_TICKER = frozenset(
    [
        "A",
        "I",
        "AND",
        "OR",
        "NOT",
        "PE",
        "EPS",
        "CEO",
        "CFO",
        "SEC",
        "USD",
        "YTD",
        "ISO",
        "API",
        "USA",
        "US",
        "TOP",
        "MAX",
        "MIN",
        "AVG",
        "SUM",
        "IS",
        "AS",
        "AT",
        "IN",
        "ON",
        "OF",
        "THE",
        "FOR",
        "TO",
        "BY",
        "IT",
        "VS",
        "UP",
        "DO",
    ]
)


def ticker_at(words: list[Word], at: int, names: Names, shouting: bool) -> Item | None:
    word = words[at]
    if word.kind == "ticker":
        symbol = names.tickers.get(word.raw[1:].upper().replace("-", "."), names.tickers.get(word.raw[1:].upper()))
        return Item("company", (symbol,), at, at + 1, word.raw) if symbol else None
    raw = re.sub(r"['’]s?$", "", word.raw)
    if word.kind == "word" and raw.isupper() and not shouting and raw not in _NO_TICKER and raw in names.tickers:
        return Item("company", (names.tickers[raw],), at, at + 1, raw)
    return None


def small_ticker_at(words: list[Word], at: int, names: Names) -> Item | None:
    """A ticker in small letters, where the word is nothing else."""
    word = words[at]
    symbol = names.tickers.get(word.text.upper())
    if symbol and word.kind == "word" and len(word.text) > 1:
        return Item("company", (symbol,), at, at + 1, word.text)
    return None


def name_at(texts: list[str], at: int, names: Names) -> Item | None:
    for length in range(min(names.longest, len(texts) - at), 0, -1):
        found = names.phrases.get(tuple(texts[at : at + length]))
        if found:
            text = " ".join(texts[at : at + length])
            kind = "company" if found.sure else "ambiguous"
            return Item(kind, found.symbols, at, at + length, text)
    return None


_PLACES = {
    "us": "united states",
    "usa": "united states",
    "america": "united states",
    "uk": "united kingdom",
    "britain": "united kingdom",
    "u.s": "united states",
}


def places_of(context: Context) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    kept: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] | None = context.__dict__.get("places_of")
    if kept is not None:
        return kept
    table: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
    for dimension in ("industry", "exchange", "city", "country"):
        for value in sorted({getattr(company, dimension) or "" for company in context.companies} - {""}):
            words = tuple(word for word in re.split(r"[^a-z0-9&]+", value.lower()) if word)
            if words and not (len(words) == 1 and (words[0] in known_words() or len(words[0]) < 3)):
                table[words] = (dimension, (value,))
    for short, long in _PLACES.items():
        if tuple(long.split()) in table:
            table[tuple(short.split())] = table[tuple(long.split())]
    for exchange, starts in {
        "nasdaq": ("nasdaq", "nms", "ngm", "ncm"),
        "nyse": ("nyse", "nyq", "new york stock"),
    }.items():
        values = {c.exchange for c in context.companies if c.exchange and c.exchange.lower().startswith(starts)}
        if values:
            table[(exchange,)] = ("exchange", tuple(sorted(values)))
    context.__dict__["places_of"] = table
    return table


def place_at(texts: list[str], at: int, context: Context) -> Item | None:
    table = places_of(context)
    for length in range(min(6, len(texts) - at), 0, -1):
        found = table.get(tuple(texts[at : at + length]))
        if found and not (texts[at] == "us" and texts[at - 1 : at] in (["show"], ["give"], ["tell"], ["let"])):
            return Item("place", found, at, at + length, " ".join(texts[at : at + length]))
    return None
