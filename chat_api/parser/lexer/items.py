"""Words and numbers of a question, and the items they become."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from chat_api import times
from chat_api.parser.words import tables

_TOKEN = re.compile(
    r"""
    (?P<iso>\d{4}-\d{2}-\d{2})|(?P<tag>[\#^]\w+)|(?P<clock>\d{1,2}:\d{2}(?:\s?[ap]m\b)?)
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
        elif kind == "word" and raw in {"s", "S"} and re.search(r"\w'$", text[: found.start()]):
            # A possessive ending after a figure: “the S&P 500's close”.
            continue
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


_UNIT_WORDS = frozenset({*_SCALE, "dollars", "dollar", "cent"})


def known_words() -> frozenset[str]:
    return tables().known | _UNIT_WORDS


def averages_in_full(words: list[Word]) -> list[Word]:
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


def number_at(words: list[Word], texts: list[str], at: int) -> Item | None:
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
