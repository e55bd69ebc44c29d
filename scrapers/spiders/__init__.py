"""Spiders: what to ask each source. How bodies are judged, kept and asked for again is the middlewares' business."""

from __future__ import annotations

from scrapers.spiders.alphavantage import AlphaVantageSpider
from scrapers.spiders.bars import BarsSpider
from scrapers.spiders.base import SourceSpider
from scrapers.spiders.charts import ChartsSpider
from scrapers.spiders.edgar import EdgarSpider
from scrapers.spiders.filings import FilingsSpider
from scrapers.spiders.news import NewsRssSpider, NewsSearchSpider
from scrapers.spiders.posts import PostsSpider
from scrapers.spiders.quotes import QuotesSpider
from scrapers.spiders.summary import SummarySpider
from scrapers.spiders.universe import UniverseSpider

SPIDERS: dict[str, type[SourceSpider]] = {
    spider.name: spider
    for spider in (
        UniverseSpider,
        QuotesSpider,
        SummarySpider,
        BarsSpider,
        ChartsSpider,
        PostsSpider,
        EdgarSpider,
        AlphaVantageSpider,
        NewsSearchSpider,
        NewsRssSpider,
        FilingsSpider,
    )
}

__all__ = ["SPIDERS", "SourceSpider"]
