"""Collects the sources: the sandbox that replays them, Scrapy spiders, and page objects that read their bodies."""
