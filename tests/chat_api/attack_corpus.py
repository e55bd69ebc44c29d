"""The attack and benign corpora as the tests read them: escapes decoded, placeholders mapped to the marts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_ESCAPE = re.compile(r"\\(\\|n|t|0|u[0-9a-fA-F]{4})")
_REPEAT = re.compile(r"^(.*?)\(repeat (\d+) times\)(.*)$", re.DOTALL)
_PLAIN = {"\\": "\\", "n": "\n", "t": "\t", "0": "\0"}
_NAMES = (
    (re.compile(r"gold\.fct_prices"), "marts.bars_daily"),
    (re.compile(r"gold\.dim_security"), "marts.companies"),
    (re.compile(r"\btrade_date\b"), "session"),
    (re.compile(r"\bvolume\b"), "volume_shares"),
)


class Attack(NamedTuple):
    """One line of the corpus."""

    category: str
    payload: str


def decode(text: str) -> str:
    """A payload with its escapes decoded and its repetition made."""
    text = _ESCAPE.sub(lambda found: _PLAIN.get(found[1]) or chr(int(found[1][1:], 16)), text)
    if found := _REPEAT.match(text):
        return found[1] * int(found[2]) + found[3]
    return text


def to_marts(sql: str) -> str:
    """The placeholder tables and columns as the marts name them."""
    for pattern, name in _NAMES:
        sql = pattern.sub(name, sql)
    return sql


def attacks(shared: Path, prefix: str) -> list[Attack]:
    """The attacks of the categories that begin with `prefix`; SQL is mapped to the marts."""
    found = []
    for line in (shared / "chat" / "attacks.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.startswith(prefix):
            continue
        category, _, payload = line.partition("\t")
        payload = decode(payload)
        found.append(Attack(category, to_marts(payload) if category.startswith("SQL") else payload))
    return found


def benign(shared: Path) -> list[str]:
    """The queries that must pass, mapped to the marts."""
    lines = (shared / "chat" / "benign.txt").read_text(encoding="utf-8").splitlines()
    return [to_marts(decode(line)) for line in lines if line.strip()]
