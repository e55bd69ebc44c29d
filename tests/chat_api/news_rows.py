"""A few stories for the small marts: of known companies, one about two of them, and one for each hostile text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chat_api import small_marts

_PUBLISHED = datetime(2026, 11, 20, 21, 35, tzinfo=UTC)
_KNOWN = (
    ("AAPL", "phone", "Apple recalls a charger", "It is the first recall of the year."),
    ("AAPL", "quarter", "Apple's quarter in short", "Sales, dividends, and no word on chargers."),
    ("AAPL", "close", "Technology at the close", None),
    ("MSFT", "close", "Technology at the close", None),
    ("XOM", "dividend", "Exxon Mobil shares trade without their dividend", None),
)


def news(hostile: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Rows of the mart less its words, the newest first; the hostile ones are of addresses that are no links."""
    told = [(symbol, f"https://news.example.com/{path}", head, text) for symbol, path, head, text in _KNOWN]
    told += [
        (small_marts.ticker("HX", n), f"javascript:alert({n})", text, f"Words about hostile texts: {text}")
        for n, text in enumerate(hostile)
    ]
    return [
        {
            "url": url,
            "symbol": symbol,
            "session": small_marts.NEWEST,
            "published_at": _PUBLISHED - timedelta(minutes=n if symbol != "MSFT" else n - 1),
            "headline": head,
            "publisher": f"Simulated {head}" if url.startswith("javascript") else "Simulated Newswire",
            "summary": text,
            "document": json.dumps({"title": head}),
            "source": "search",
            "name": f"Company {symbol}",
            "sector": "Energy" if symbol == "XOM" else "Technology",
        }
        for n, (symbol, url, head, text) in enumerate(told)
    ]
