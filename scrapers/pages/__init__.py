"""Page objects: from the bytes of a source's response to rows of a contract, or to the name of a refusal.

Pure functions `parse_*(body, …)` do the work; `scrapers.pages.objects` wraps them as web-poet's page objects. Nothing
here asks the network or the lake, and nothing but the closed list of reasons ever comes out beside rows.
"""

from __future__ import annotations

from scrapers.pages.base import Parsed
from scrapers.pages.chart_rows import ParsedChart, parse_chart
from scrapers.pages.crumb import crumb_or_reason, read_crumb
from scrapers.pages.news_rss import parse_news_rss
from scrapers.pages.news_search import parse_news_search
from scrapers.pages.posts import parse_posts
from scrapers.pages.quotes import parse_quotes
from scrapers.pages.screener import parse_screener
from scrapers.pages.summary import parse_summary
from scrapers.pages.tickers import parse_tickers

__all__ = [
    "Parsed",
    "ParsedChart",
    "crumb_or_reason",
    "parse_chart",
    "parse_news_rss",
    "parse_news_search",
    "parse_posts",
    "parse_quotes",
    "parse_screener",
    "parse_summary",
    "parse_tickers",
    "read_crumb",
]
