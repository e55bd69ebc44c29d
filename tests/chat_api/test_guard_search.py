"""Full-text search through the guard: what is let through, and everything near it that is not."""

from __future__ import annotations

import pytest

from chat_api.guard import Refused, check, marts_catalog

CATALOG = marts_catalog()
QUERY = "websearch_to_tsquery('english', 'recall')"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT headline FROM news WHERE search @@ {QUERY}",
        f"SELECT n.headline FROM marts.news AS n WHERE {QUERY} @@ n.search AND NOT n.search @@ to_tsquery('simple', 'a & b')",
        f"SELECT url, ts_rank(search, {QUERY}) AS r FROM news WHERE search @@ {QUERY} ORDER BY r DESC",
        "SELECT count(*) FROM news WHERE search @@ PLAINTO_TSQUERY('it''s')",
        f"SELECT symbol FROM quotes WHERE EXISTS (SELECT 1 FROM news WHERE search @@ {QUERY} AND news.symbol = quotes.symbol)",
    ],
)
def test_a_search_of_the_news_passes_as_it_is(sql: str) -> None:
    guarded = check(sql, CATALOG)
    assert "news" in guarded.tables
    assert "@@" in guarded.sql
    assert check(guarded.sql, CATALOG).sql == guarded.sql


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1 FROM news WHERE search @@ websearch_to_tsquery(headline)", "takes a text"),
        ("SELECT 1 FROM news WHERE search @@ websearch_to_tsquery('english', headline)", "takes a text"),
        ("SELECT 1 FROM news WHERE search @@ to_tsquery(symbol, 'a')", "takes a text"),
        ("SELECT 1 FROM news WHERE search @@ to_tsquery('pg_catalog.german', 'a')", "english"),
        ("SELECT 1 FROM news WHERE search @@ to_tsquery('a', 'b', 'c')", "takes a text"),
        ("SELECT 1 FROM news WHERE search @@ to_tsquery()", "takes a text"),
        ("SELECT 1 FROM news WHERE search @@ phraseto_tsquery('a')", "@@ stands between"),
        ("SELECT 1 FROM news WHERE search @@ 'a'", "@@ stands between"),
        ("SELECT 1 FROM news WHERE search @@ search", "@@ stands between"),
        (f"SELECT 1 FROM news WHERE headline @@ {QUERY}", "@@ stands between"),
        (f"SELECT 1 FROM news WHERE to_tsvector(headline) @@ {QUERY}", "@@ stands between"),
        (f"SELECT {QUERY}", "@@ stands between"),
        (f"SELECT 1 FROM news WHERE {QUERY} IS NOT NULL", "@@ stands between"),
        (f"SELECT ts_rank(headline, {QUERY}) FROM news", "ts_rank takes"),
        (f"SELECT ts_rank('{{1,1,1,1}}', search, {QUERY}) FROM news", "ts_rank takes"),
        ("SELECT ts_rank(search, ts_rank(search, to_tsquery('a'))) FROM news", "ts_rank takes"),
        (f"SELECT 1 FROM (SELECT headline AS search FROM news) AS n WHERE search @@ {QUERY}", "itself can be searched"),
        (f"WITH n AS (SELECT search FROM news) SELECT 1 FROM n WHERE search @@ {QUERY}", "itself can be searched"),
        ("SELECT pg_catalog.to_tsquery('a') FROM news", "not among"),
        ("SELECT 1 FROM news WHERE search @@ \"to_tsquery\"('a')", ""),
        ("SELECT ts_stat('SELECT 1') FROM news", "ts_stat"),
        ("SELECT ts_headline(headline, to_tsquery('a')) FROM news", "ts_headline"),
        ("SELECT document -> 'a' FROM news", ""),
        (
            " AND ".join(["SELECT 1 FROM news WHERE search @@ to_tsquery('a')", *["search @@ to_tsquery('a')"] * 9]),
            "searches",
        ),
    ],
)
def test_what_is_near_a_search_is_refused(sql: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason.replace("(", r"\(")):
        check(sql, CATALOG)


def test_the_catalog_says_what_postgresql_holds() -> None:
    assert (CATALOG.tables["news"]["search"], CATALOG.tables["news"]["document"]) == ("tsvector", "jsonb")
