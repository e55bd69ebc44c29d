"""What a post's words say: cleaning, and a score from an editable list of words.

The list is `data/sentiment_words.csv`: English, Hindi and Hinglish (Hindi in Latin letters) words and phrases of the
market, each a *stance* (what to do, what the chart does) or a *mood* (how things are), with a score from −1 to 1.
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

WORDS = Path(__file__).parent / "data" / "sentiment_words.csv"
COLUMNS = ["phrase", "kind", "score", "language", "note"]
KINDS = ("stance", "mood")

_LINK = re.compile(r"(?:https?://|www\.)\S+")
_MENTION = re.compile(r"(?<!\w)@\w+")
# Indian scripts write vowels as marks that \w does not count as letters; pictures are words of one sign.
_TOKEN = re.compile(r"[\w\u0900-\u0dff]+(?:['-][\w\u0900-\u0dff]+)*|[\U0001f300-\U0001faff]")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff]")
_NOT_BEFORE = frozenset(
    {"not", "no", "never", "without", "don't", "dont", "doesn't", "didn't", "isn't", "won't", "can't"}
)
_NOT_AFTER = frozenset({"nahi", "nahin", "nhi", "mat", "नहीं", "नही", "मत"})


class WordsError(ValueError):
    """A list of words that cannot be used: the file, the line and what is wrong with it."""


@dataclass(frozen=True)
class Words:
    """A list of words.

    Attributes:
        scores: phrase as a tuple of tokens → kind and score.
        longest: tokens in the longest phrase.
    """

    scores: Mapping[tuple[str, ...], tuple[str, float]]
    longest: int


def clean(text: str) -> str:
    """A text as it is scored: NFKC, links and mentions out, HTML entities resolved, lower case, single spaces.

    Indian scripts, hashtags and emoji stay; invisible marks go.
    """
    text = unicodedata.normalize("NFKC", html.unescape(text)).replace("’", "'")
    text = _INVISIBLE.sub("", _MENTION.sub(" ", _LINK.sub(" ", text)))
    return " ".join(text.lower().split())


def tokens(text: str) -> list[str]:
    """The words of a cleaned text; a hashtag is the word it is made of."""
    return _TOKEN.findall(text)


def _row(path: Path, line: int, row: dict[str, str | None]) -> tuple[tuple[str, ...], tuple[str, float]]:
    phrase = tuple(tokens(clean(row["phrase"] or "")))
    kind = row["kind"] or ""
    try:
        score = float(row["score"] or "")
    except ValueError:
        raise WordsError(f"{path.name}, line {line}: score {row['score']!r} is not a number") from None
    if not phrase or kind not in KINDS or not -1 <= score <= 1:
        raise WordsError(f"{path.name}, line {line}: a phrase, a kind of {KINDS} and a score from -1 to 1 are needed")
    return phrase, (kind, score)


@lru_cache(maxsize=4)
def load_words(path: Path = WORDS) -> Words:
    """Read a list of words.

    Raises:
        WordsError: naming the line that is wrong, or a phrase that stands twice.
    """
    scores: dict[tuple[str, ...], tuple[str, float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise WordsError(f"{path.name}: the columns are {reader.fieldnames}, not {COLUMNS}")
        for row in reader:
            phrase, entry = _row(path, reader.line_num, row)
            if phrase in scores:
                raise WordsError(f"{path.name}, line {reader.line_num}: {' '.join(phrase)!r} stands twice")
            scores[phrase] = entry
    return Words(scores, max(map(len, scores), default=0))


def _negated(words: list[str], start: int, end: int) -> bool:
    """Whether a phrase is denied: English within two words before it, Hindi by the word after it."""
    return any(word in _NOT_BEFORE for word in words[max(0, start - 2) : start]) or words[end : end + 1] in [
        [word] for word in _NOT_AFTER
    ]


def balance(scores: list[float]) -> float:
    """(P − N) / (P + N + 1) with P and N the sums of positive and negative scores: 0 for none, below 1 for many."""
    positive = sum(score for score in scores if score > 0)
    negative = -sum(score for score in scores if score < 0)
    return (positive - negative) / (positive + negative + 1)


def read(text: str, words: Words) -> tuple[float, float]:
    """Score a text.

    The longest phrase wins, left to right, and a denied one counts with the opposite sign.

    Returns:
        The balance of its stance words, and that of all its words; both above −1 and below 1.
    """
    found = tokens(clean(text))
    stance: list[float] = []
    every: list[float] = []
    at = 0
    while at < len(found):
        size = next(
            (n for n in range(min(words.longest, len(found) - at), 0, -1) if tuple(found[at : at + n]) in words.scores),
            0,
        )
        if size:
            kind, score = words.scores[tuple(found[at : at + size])]
            score = -score if _negated(found, at, at + size) else score
            every.append(score)
            if kind == "stance":
                stance.append(score)
        at += max(size, 1)
    return balance(stance), balance(every)
