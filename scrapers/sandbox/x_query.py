"""The search's query language as far as collecting posts needs it: words, #tags, OR, minus, brackets, is: and lang:."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scrapers.sandbox.world.post_texts import stated_language, text
from scrapers.sandbox.world.posts import REPOST, Day

Mask = NDArray[np.bool_]
_TOKEN = re.compile(r'\s*(\(|\)|-?"[^"]*"|[^\s()]+)')


class QueryError(ValueError):
    """A query that cannot be read."""


@dataclass(frozen=True)
class Term:
    """One condition."""

    word: str

    def mask(self, day: Day) -> Mask:
        """Which of a day's posts meet it."""
        word = self.word.lower().strip('"')
        if word in ("is:retweet", "is:repost"):
            return np.equal(day.kind, REPOST)
        if word.startswith("lang:"):
            return _each(day, lambda number: stated_language(day, number) == word[5:])
        if word.startswith("#") and word[1:] in day.tags:
            tag = day.tags.index(word[1:])
            return np.equal(day.tag, tag) | np.equal(day.also, tag)
        if ":" in word:
            raise QueryError(f"no operator {word.partition(':')[0]!r} here")
        return _each(day, lambda number: word in text(day, number).lower())


@dataclass(frozen=True)
class Group:
    """Conditions of which all or any must be met, or the opposite of one."""

    operator: str
    parts: tuple[Term | Group, ...]

    def mask(self, day: Day) -> Mask:
        """Which of a day's posts meet them."""
        masks = [part.mask(day) for part in self.parts]
        if self.operator == "not":
            return ~masks[0]
        met = masks[0]
        for mask in masks[1:]:
            met = met & mask if self.operator == "and" else met | mask
        return met


def _each(day: Day, test: Callable[[int], bool]) -> Mask:
    return np.fromiter((test(number) for number in range(len(day))), dtype=np.bool_, count=len(day))


def parse(query: str) -> Term | Group:
    """Read a query.

    Raises:
        QueryError: when it is empty or its brackets do not match.
    """
    tokens = [match.group(1) for match in _TOKEN.finditer(query)]
    tree, rest = _any_of(tokens)
    if rest:
        raise QueryError(f"nothing fits before {rest[0]!r}")
    return tree


def _any_of(tokens: list[str]) -> tuple[Term | Group, list[str]]:
    part, tokens = _all_of(tokens)
    parts = [part]
    while tokens and tokens[0] == "OR":
        part, tokens = _all_of(tokens[1:])
        parts.append(part)
    return (parts[0] if len(parts) == 1 else Group("or", tuple(parts))), tokens


def _all_of(tokens: list[str]) -> tuple[Term | Group, list[str]]:
    parts: list[Term | Group] = []
    while tokens and tokens[0] not in ("OR", ")"):
        part, tokens = _single(tokens)
        parts.append(part)
    if not parts:
        raise QueryError("a condition is missing")
    return (parts[0] if len(parts) == 1 else Group("and", tuple(parts))), tokens


def _single(tokens: list[str]) -> tuple[Term | Group, list[str]]:
    word, rest = tokens[0], tokens[1:]
    if word == "-" and rest and rest[0] == "(":
        part, rest = _single(rest)
        return Group("not", (part,)), rest
    if word == "(":
        part, rest = _any_of(rest)
        if not rest or rest[0] != ")":
            raise QueryError("a bracket is not closed")
        return part, rest[1:]
    if word.startswith("-") and len(word) > 1:
        return Group("not", (Term(word[1:]),)), rest
    return Term(word), rest
