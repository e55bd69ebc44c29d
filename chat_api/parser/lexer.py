"""A question to items: every word gets a role, or is reported as not understood.

Longest phrase first; names of companies, times, numbers and the tables of words compete at each position. A word
that nothing knows is corrected only where one known word is clearly nearest.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from chat_api import times
from chat_api.context import Context
from chat_api.entities import Names
from chat_api.parser.words import tables

MAX_WORDS = 60
_TOKEN = re.compile(
    r"""
    (?P<iso>\d{4}-\d{2}-\d{2})|(?P<tag>\#\w+)|(?P<clock>\d{1,2}:\d{2}(?:\s?[ap]m\b)?)
    |(?P<ticker>\$[A-Za-z]{1,5}(?:[.\-][A-Za-z])?\b)|(?P<code>[A-Za-z]{1,4}\d+[A-Za-z]*\b)|(?P<number>\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?[A-Za-z]*)
    |(?P<word>[A-Za-z]+(?:['’][A-Za-z]+)*(?:[/&][A-Za-z]+|\.[A-Za-z]\b)*(?:['’][A-Za-z]*)?)|(?P<sign>>=|<=|[<>=%&≥≤])|(?P<mark>[\s,.?!:;()"'/\-–—…’‘“”+*|\[\]]+)|(?P<odd>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"^(\$?)([\d,]*\.?\d+)([a-z]*)$")
_SCALE = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "billions": 1e9, "bln": 1e9,
    "t": 1e12, "tn": 1e12, "trn": 1e12, "trillion": 1e12, "trillions": 1e12, "lakh": 1e5, "lakhs": 1e5, "crore": 1e7, "crores": 1e7, "cr": 1e7, "hundred": 100.0,
}  # fmt: skip
_KEEP_SLASH = frozenset({"p/e", "p/es", "p/b", "p/s", "price/earnings", "and/or"})
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


@dataclass(frozen=True)
class Word:
    """A word of the question: as read, and as it stood there."""

    text: str
    raw: str
    kind: str


@dataclass
class Item:
    """A span of words with its role. `used` is set when the reading has placed it."""

    kind: str
    value: object
    at: int
    end: int
    text: str
    used: bool = False


@dataclass
class Lexed:
    """All items of a question.

    Attributes:
        words: the words as read, after correction.
        unknown: words that nothing knows.
        corrected: (as written, as read).
        odd: characters that no question needs.
    """

    items: list[Item] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    corrected: list[tuple[str, str]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def split(question: str) -> tuple[list[Word], list[str]]:
    """The words of a question, and the characters that belong to none."""
    text = unicodedata.normalize("NFKC", question).replace("’", "'").replace("‘", "'")
    words: list[Word] = []
    odd: list[str] = []
    for found in _TOKEN.finditer(text):
        kind, raw = found.lastgroup or "odd", found.group()
        if kind == "odd":
            odd.append(raw)
        elif kind == "word":
            words.extend(Word(part, raw, "word") for part in _word_parts(raw))
        elif kind == "number":
            words.extend(_number_words(raw))
        elif kind != "mark":
            words.append(Word(raw.lower().replace(" ", ""), raw, kind))
    return words, odd


def _word_parts(raw: str) -> list[str]:
    text = raw.lower().rstrip("'")
    if text.endswith("'s"):
        text = text[:-2]
    text = text.replace("'", "")
    if "/" in text and text not in _KEEP_SLASH:
        return [part for part in text.split("/") if part]
    return [text.rstrip(".")]


def _number_words(raw: str) -> list[Word]:
    text = raw.lower()
    glued = re.match(r"^(\d+)(wk|w|week|day|d|month|year|yr)s?$", text)
    if glued and glued[2] in {"wk", "day", "week", "month", "year"}:
        return [Word(glued[1], raw, "number"), Word(glued[2], raw, "word")]
    times_of = re.match(r"^(\d+(?:\.\d+)?)x$", text)
    if times_of:
        return [Word(times_of[1], raw, "number"), Word("x", raw, "word")]
    return [Word(text, raw, "number")]


# --- roles ----------------------------------------------------------------------------------------------------------


_UNIT_WORDS = frozenset({*_SCALE, "dollars", "dollar", "cent"})


def _known_words() -> frozenset[str]:
    return tables().known | _UNIT_WORDS


def lex(question: str, context: Context) -> Lexed:
    """Give every word of a question its role."""
    found, odd = split(question)
    lexed = Lexed(odd=odd)
    names = Names.of(context, _known_words())
    shouting = sum(word.raw.isupper() for word in found if word.kind == "word") > 0.7 * len(found) > 2
    words = _averages(_corrected(found[: MAX_WORDS + 1], names, context, lexed, shouting))
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


def _averages(words: list[Word]) -> list[Word]:
    """`50 and 200 day averages` said in full: `50 day average and 200 day average`."""
    result: list[Word] = []
    texts = [word.text for word in words]
    for n, word in enumerate(words):
        result.append(word)
        joint = texts[n + 1 : n + 2]
        if (
            word.kind == "number"
            and joint in (["and"], ["or"])
            and texts[n + 3 : n + 4] == ["day"]
            and texts[n + 2].isdigit()
        ):
            result += [Word("day", "day", "word"), Word("average", "average", "word")]
    return result


def _item(
    words: list[Word], texts: list[str], at: int, names: Names, context: Context, today: times.Today, shouting: bool
) -> Item | None:
    """The longest item at a position; of equal ones a name before a phrase before a time before a number."""
    best: Item | None = _ticker(words, at, names, shouting)
    if best is not None:
        return best
    for candidate in (
        _place(texts, at, context),
        _name(texts, at, names),
        _phrase(texts, at),
        _time(texts, at, today),
        _number(words, texts, at),
    ):
        if candidate and (best is None or candidate.end > best.end):
            best = candidate
    return best or _small_ticker(words, at, names)


def _ticker(words: list[Word], at: int, names: Names, shouting: bool) -> Item | None:
    word = words[at]
    if word.kind == "ticker":
        symbol = names.tickers.get(word.raw[1:].upper().replace("-", "."), names.tickers.get(word.raw[1:].upper()))
        return Item("company", (symbol,), at, at + 1, word.raw) if symbol else None
    raw = re.sub(r"['’]s?$", "", word.raw)
    if word.kind == "word" and raw.isupper() and not shouting and raw not in _NO_TICKER and raw in names.tickers:
        return Item("company", (names.tickers[raw],), at, at + 1, raw)
    return None


def _small_ticker(words: list[Word], at: int, names: Names) -> Item | None:
    """A ticker in small letters, where the word is nothing else."""
    word = words[at]
    symbol = names.tickers.get(word.text.upper())
    if symbol and word.kind == "word" and len(word.text) > 1:
        return Item("company", (symbol,), at, at + 1, word.text)
    return None


def _name(texts: list[str], at: int, names: Names) -> Item | None:
    for length in range(min(names.longest, len(texts) - at), 0, -1):
        found = names.phrases.get(tuple(texts[at : at + length]))
        if found:
            text = " ".join(texts[at : at + length])
            kind = "company" if found.sure else "ambiguous"
            return Item(kind, found.symbols, at, at + length, text)
    return None


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


def _number(words: list[Word], texts: list[str], at: int) -> Item | None:
    small = times.SMALL.get(texts[at])
    value: float
    if small is not None:
        value, unit, end = float(small), None, at + 1
    else:
        parts = _NUMBER.match(texts[at]) if words[at].kind == "number" else None
        if not parts or (parts[3] and parts[3] not in _SCALE):
            return None
        value = float(parts[2].replace(",", "")) * _SCALE.get(parts[3], 1.0)
        unit, end = ("USD" if parts[1] else None), at + 1
    while end < len(texts) and texts[end] in _SCALE:
        value, end = value * _SCALE[texts[end]], end + 1
    if end < len(texts) and texts[end] in {"%", "percent", "pct"}:
        unit, end = "percent", end + 1
    elif texts[end : end + 2] == ["per", "cent"]:
        unit, end = "percent", end + 2
    elif end < len(texts) and texts[end] in {"x", "times"}:
        unit, end = "times", end + 1
    elif end < len(texts) and texts[end] in {"dollars", "dollar", "usd"}:
        unit, end = "USD", end + 1
    return Item("number", (value, unit), at, end, " ".join(texts[at:end]))


_PLACES = {
    "us": "united states",
    "usa": "united states",
    "america": "united states",
    "uk": "united kingdom",
    "britain": "united kingdom",
    "u.s": "united states",
}


def _places(context: Context) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    kept: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] | None = context.__dict__.get("_places")
    if kept is not None:
        return kept
    table: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
    for dimension in ("industry", "exchange", "city", "country"):
        for value in sorted({getattr(company, dimension) or "" for company in context.companies} - {""}):
            words = tuple(word for word in re.split(r"[^a-z0-9&]+", value.lower()) if word)
            if words and not (len(words) == 1 and (words[0] in _known_words() or len(words[0]) < 3)):
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
    context.__dict__["_places"] = table
    return table


def _place(texts: list[str], at: int, context: Context) -> Item | None:
    table = _places(context)
    for length in range(min(6, len(texts) - at), 0, -1):
        found = table.get(tuple(texts[at : at + length]))
        if found and not (texts[at] == "us" and texts[at - 1 : at] in (["show"], ["give"], ["tell"], ["let"])):
            return Item("place", found, at, at + length, " ".join(texts[at : at + length]))
    return None


# --- corrections ----------------------------------------------------------------------------------------------------


def _corrected(words: list[Word], names: Names, context: Context, lexed: Lexed, shouting: bool) -> list[Word]:
    known = _known_words()
    places = frozenset(part for phrase in _places(context) for part in phrase)
    result: list[Word] = []
    for word in words:
        text = word.text
        if (
            word.kind != "word" or len(text) < 4 or text in known or text in names.words or text in places
            or text.upper() in names.tickers or any((text,) == phrase for phrase in ((text,),) if phrase in names.phrases)
        ):  # fmt: skip
            result.append(word)
            continue
        nearest = _nearest(text, names)
        if nearest:
            lexed.corrected.append((word.raw, nearest))
            result.append(Word(nearest, word.raw, "word"))
        else:
            result.append(word)
    return result


def _nearest(text: str, names: Names) -> str | None:
    """The one known word nearest to a misspelt one: one slip, two in a long word, and no second as near."""
    allowed = 1 if len(text) < 8 else 2
    found = process.extract(text, names.pool, scorer=OSA.distance, score_cutoff=allowed, limit=3)
    close = [(word, distance) for word, distance, _ in found if word[0] == text[0] or distance == 1]
    if len(text) < 5:
        # In a short word only a letter left out or two exchanged are slips; another letter is another word.
        close = [(word, distance) for word, distance in close if len(word) > len(text) or sorted(word) == sorted(text)]
    # A filler is no correction, unless two of its letters were exchanged: it would make a word vanish.
    close = [
        (word, distance) for word, distance in close if word not in tables().fillers or sorted(word) == sorted(text)
    ]
    if not close:
        return None
    best = min(distance for _, distance in close)
    nearest = {word for word, distance in close if distance == best}
    if len(nearest) > 1:
        # A plural and its singular are one word.
        stems = {word.removesuffix("s") for word in nearest}
        if len(stems) == 1:
            return min(nearest, key=len)
        # Two letters exchanged is the likelier slip; a word that refuses is the less likely reading.
        exchanged = [word for word in nearest if sorted(word) == sorted(text)]
        harmless = [word for word in nearest if word not in tables().refusing]
        for kept in (exchanged, harmless):
            if len(kept) == 1:
                return kept[0]
        return None
    return nearest.pop()
