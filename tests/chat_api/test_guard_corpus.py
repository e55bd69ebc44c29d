"""The guard against the corpus of attacks, and what must go on working."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_api.guard import Refused, check, marts_catalog
from tests.chat_api.attack_corpus import attacks, benign
from tests.conftest import SHARED

CATALOG = marts_catalog()
HAVE = (SHARED / "chat" / "attacks.txt").exists()
ATTACKS = [a for a in attacks(SHARED, "SQL-") if a.category != "SQL-LIMIT"] if HAVE else []
QUERIES = benign(SHARED) if HAVE else []
# Those that are a query by themselves, and so can hide inside another one.
QUERY_ATTACKS = [
    a.payload
    for a in ATTACKS
    if re.match(r"(?i)\s*(select|with|table)\b", a.payload) and ";" not in a.payload and "--" not in a.payload
]


@pytest.fixture(autouse=True)
def _material(shared: Path) -> None:
    """Skips where the corpus is absent."""


def test_every_sql_attack_is_refused() -> None:
    let_through = []
    for attack in ATTACKS:
        try:
            let_through.append((attack, check(attack.payload, CATALOG).sql))
        except Refused:
            continue
    assert let_through == []
    assert len(ATTACKS) > 90


def test_what_is_merely_unbounded_is_bounded(shared: Path) -> None:
    payloads = [a.payload for a in attacks(shared, "SQL-LIMIT")]
    assert payloads
    for payload in payloads:
        assert check(payload, CATALOG, limit=50).sql.endswith("LIMIT 51")


def test_benign_queries_pass() -> None:
    assert len(QUERIES) >= 13
    for query in QUERIES:
        assert check(query, CATALOG).tables


def _change_case(text: str, flips: list[bool]) -> str:
    """Other letters' case outside quotes and text."""
    parts = re.split(r"('[^']*'|\"[^\"]*\")", text)
    out, n = [], 0
    for part in parts:
        if part[:1] in "'\"" and part:
            out.append(part)
            continue
        for char in part:
            flip = flips[n % len(flips)] if flips else False
            out.append(char.swapcase() if flip else char)
            n += 1
    return "".join(out)


def _change_blanks(text: str, blank: str) -> str:
    parts = re.split(r"('[^']*'|\"[^\"]*\")", text)
    return "".join(part if part[:1] in ("'", '"') else part.replace(" ", blank) for part in parts)


@settings(max_examples=300, deadline=None)
@given(
    attack=st.sampled_from(ATTACKS or [("", "SELECT pg_sleep(1)")]).map(lambda a: a[1]),
    flips=st.lists(st.booleans(), max_size=12),
    blank=st.sampled_from([" ", "\n", "\t", "  ", "/**/", " /* a */ ", "\n-- b\n"]),
    tail=st.sampled_from(["", ";", " ", " LIMIT 1", " -- end"]),
)
def test_another_spelling_of_an_attack_is_refused(attack: str, flips: list[bool], blank: str, tail: str) -> None:
    spelt = _change_blanks(_change_case(attack, flips), blank) + tail
    with pytest.raises(Refused):
        check(spelt, CATALOG)


WRAPS = (
    "SELECT * FROM ({0}) AS q",
    "WITH a AS ({0}) SELECT * FROM a",
    "SELECT symbol FROM quotes WHERE EXISTS ({0})",
    "SELECT symbol FROM quotes WHERE symbol IN ({0})",
    "SELECT ({0}) AS x FROM quotes",
    "SELECT q.symbol FROM quotes AS q JOIN ({0}) AS x USING (symbol)",
    "SELECT symbol FROM quotes UNION ALL {0}",
    "{0} UNION SELECT symbol FROM quotes",
    "SELECT CASE WHEN EXISTS ({0}) THEN 1 ELSE 2 END FROM quotes",
    "SELECT symbol FROM quotes ORDER BY ({0})",
    "SELECT rank() OVER (ORDER BY ({0})) FROM quotes",
    "SELECT count(*) FILTER (WHERE EXISTS ({0})) FROM quotes",
)


@settings(max_examples=300, deadline=None)
@given(
    attack=st.sampled_from(QUERY_ATTACKS or ["SELECT pg_sleep(1)"]),
    wraps=st.lists(st.sampled_from(WRAPS), min_size=1, max_size=3),
)
def test_an_attack_inside_a_query_is_refused(attack: str, wraps: list[str]) -> None:
    for wrap in wraps:
        attack = wrap.format(attack)
    with pytest.raises(Refused):
        check(attack, CATALOG)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                word
                for text in [*(a[1] for a in ATTACKS), *QUERIES]
                for word in re.findall(r"\w+|[^\w\s]|\s+", text[:300])
            ]
            or ["SELECT"]
        ),
        max_size=40,
    ).map("".join)
)
def test_whatever_passes_reads_marts_alone_and_is_bounded(pieces: str) -> None:
    """Random soup of the corpora's words: refused, or a bounded query over known tables that passes again unchanged."""
    try:
        guarded = check("SELECT " + pieces, CATALOG, limit=10)
    except Refused:
        return
    assert set(guarded.tables) <= set(CATALOG.tables)
    assert re.search(r"LIMIT \d+( OFFSET \d+)?$", guarded.sql)
    assert check(guarded.sql, CATALOG, limit=10).sql == guarded.sql


@settings(max_examples=100, deadline=None)
@given(query=st.sampled_from(QUERIES or ["SELECT 1"]), limit=st.integers(1, 5000))
def test_a_guarded_query_passes_again_unchanged(query: str, limit: int) -> None:
    once = check(query, CATALOG, limit)
    assert check(once.sql, CATALOG, limit) == once
