"""The words that news is searched for, taken out of a question before it is read: they are data, never grammar.

`news about Apple mentioning recall this week` becomes `news about Apple this week` and the phrase `recall`;
`headlines about dividends` becomes `headlines` and `dividends`, because nobody is called so.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chat_api import times
from chat_api.context import Context
from chat_api.parser.lexer import lex
from chat_api.parser.lexer.items import split

LONGEST = 120
_MOST_WORDS = 5
_ASKING = frozenset({"who", "which", "what", "how", "when", "where", "why", "with", "but", "sentiment", "versus", "vs"})
_NEWS = re.compile(r"\b(?:news|headlines?|stor(?:y|ies)|articles?|press)\b", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:(?:that|which)\s+)?(?:mention(?:s|ing|ed)?|containing|contain(?:s)?|with\s+the\s+words?|saying|"
    r"matching)\s+(?P<words>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT = re.compile(r"\b(?:about|on|regarding|concerning)\s+(?P<words>\S.*)$", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"[\"“”](?P<words>[^\"“”]+)[\"“”]")
_SAID = re.compile(rf"(?:\b(?:about|on|regarding|concerning|for|with)\s+)?{_QUOTED.pattern}", re.IGNORECASE)
_TURN = re.compile(r"\s(?:about|for|at|of|on|from|by)\s", re.IGNORECASE)
# What a phrase may hold: words, numbers, and the marks with which words are joined, quoted or left out.
_MARKS = re.compile(r"[^\w\s\"'&%$.+-]+")
_WHO = frozenset({"company", "sector", "ambiguous"})
_BESIDE = frozenset({"fill", "and", "or", "not", "noun", "by", "own_sector"})
_LEADS = frozenset({"in", "on", "from", "the", "during", "of", "over", "for"})


class Asked(NamedTuple):
    """A question and what it searches for; no phrase where it searches for nothing."""

    question: str
    phrase: str | None = None


def take_phrase(question: str, context: Context) -> Asked:
    """The question without the words that are to be searched for, and those words."""
    if not _NEWS.search(question):
        return Asked(question)
    if (found := _TOLD.search(question)) is not None and _NEWS.search(question[: found.start()]):
        return _cut(question, found.start(), found["words"], context)
    if (found := _SAID.search(question)) is not None:
        return _asked(f"{question[: found.start()]} {question[found.end() :]}", found["words"])
    for found in _ABOUT.finditer(question):
        if _NEWS.search(question[: found.start()]) and _is_topic(found["words"], context):
            return _cut(question, found.start(), found["words"], context)
    return Asked(question)


def _is_topic(words: str, context: Context) -> bool:
    """Whether words after `about` are what news is searched for: few, no further question, no company and no sector."""
    topic, _ = _split_time(words, context)
    texts = [word.text for word in split(topic)[0]]
    if not texts or len(texts) > _MOST_WORDS or _ASKING.intersection(texts):
        return False
    return not any(item.kind in _WHO for item in lex(topic, context).items)


def _cut(question: str, at: int, words: str, context: Context) -> Asked:
    """Up to where a time begins, or who the news is about."""
    if (quoted := _QUOTED.match(words)) is not None:
        return _asked(f"{question[:at]} {words[quoted.end() :]}", quoted["words"])
    topic, when = _split_time(words, context)
    rest = ""
    for turn in _TURN.finditer(topic):
        tail, _ = _split_time(topic[turn.end() :], context)
        items = lex(tail, context).items
        if any(item.kind in _WHO for item in items) and all(item.kind in _WHO | _BESIDE for item in items):
            topic, rest = topic[: turn.start()], topic[turn.start() :]
            break
    return _asked(f"{question[:at]} {rest} {when}", topic)


def _asked(question: str, phrase: str) -> Asked:
    plain = " ".join(_MARKS.sub(" ", phrase).split()).strip(" .-+'")[:LONGEST]
    return Asked(" ".join(question.split()), plain or None)


def _split_time(words: str, context: Context) -> tuple[str, str]:
    """Words before the time that they end with, and that time."""
    tokens = words.split()
    today = times.Today(context.today, context.calendar)
    for at in range(len(tokens)):
        texts = [word.text for word in split(" ".join(tokens[at:]))[0]]
        for start in (0, *([1] if texts and texts[0] in _LEADS else [])):
            got = times.match(texts, start, today) if len(texts) > start else None
            if got is not None and start + got[0] == len(texts):
                return " ".join(tokens[:at]), " ".join(tokens[at:])
    return words.strip(), ""
