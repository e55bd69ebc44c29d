"""The tables of words: what each phrase does in a question, which subjects are refused, which words are open.

They stand in `words.toml` and `limits.toml` beside this module and are read once, at the first question.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from chat_api import times
from chat_api.plan import Refusal

_HERE = Path(__file__).parent
_TRUTH = {"high": True, "low": False}
_NUMBERS = {"move": {"up": 1, "down": -1}}
_SCALED = ("half_of", "double")


class Role(NamedTuple):
    """What a phrase does: the kind of its item and the item's value."""

    kind: str
    value: object


class Vague(NamedTuple):
    """A question back: its readings as (label, words to put in the place of the open ones, if any)."""

    question: str
    readings: tuple[tuple[str, str | None], ...]


class Tables(NamedTuple):
    """All phrases with their roles, the longest one's words, every word known, those that refuse, those without meaning."""

    phrases: dict[tuple[str, ...], Role]
    longest: int
    known: frozenset[str]
    refusing: frozenset[str]
    fillers: frozenset[str]


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables; a word of the language has its role before a refused or an open one of the same length."""
    refused = dict(_refused())
    language = dict(_language())
    phrases = refused | dict(_vague()) | language
    known = {word for phrase in phrases for word in phrase} | set(times.WORDS)
    plain = {word for phrase in language for word in phrase} | set(times.WORDS)
    refusing = frozenset({word for phrase in refused for word in phrase} - plain)
    fillers = frozenset(phrase[0] for phrase, role in phrases.items() if len(phrase) == 1 and role.kind == "fill")
    return Tables(phrases, max(len(phrase) for phrase in phrases), frozenset(known), refusing, fillers)


def _phrases(text: str) -> Iterator[tuple[str, ...]]:
    for phrase in text.split("|"):
        if phrase.split():
            yield tuple(phrase.split())


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _language() -> Iterator[tuple[tuple[str, ...], Role]]:
    for kind, values in _read("words.toml").items():
        for name, text in values.items():
            value = _value(kind, name)
            for phrase in _phrases(text):
                yield phrase, Role(kind, value)


def _value(kind: str, name: str) -> object:
    if name == "any":
        return None
    if kind in _NUMBERS:
        return _NUMBERS[kind][name]
    if kind in _SCALED:
        return float(name)
    return _TRUTH.get(name, name) if kind not in {"concept"} else name


def _refused() -> Iterator[tuple[tuple[str, ...], Role]]:
    for entry in _read("limits.toml")["refusals"]:
        refusal = Refusal(code=entry["code"], reason=entry["reason"], suggestion=entry["suggestion"])
        for phrase in _phrases(entry["words"]):
            yield phrase, Role("refuse", refusal)


def _vague() -> Iterator[tuple[tuple[str, ...], Role]]:
    for entry in _read("limits.toml")["vague"]:
        readings = tuple((reading["label"], reading.get("words")) for reading in entry["readings"])
        for phrase in _phrases(entry["words"]):
            yield phrase, Role("vague", Vague(entry["question"], readings))
