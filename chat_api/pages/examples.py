"""Example questions made from today's data. Only such as can be answered as they stand are shown."""

from __future__ import annotations

from chat_api.overview import Overview
from chat_api.service import Service

_SHOWN = 6


def questions(service: Service, market: Overview) -> tuple[str, ...]:
    """A few questions about what is loaded just now."""
    known = sorted(service.context().companies, key=lambda company: company.market_cap or 0, reverse=True)
    return service.readable(tuple(_candidates(market, [company.symbol for company in known[:3]])))[:_SHOWN]


def _candidates(market: Overview, largest: list[str]) -> list[str]:
    made = []
    if market.sectors:
        made.append(f"top 5 gainers in {market.sectors[0].sector}")
    if len(largest) > 1:
        made.append(f"{largest[0]} and {largest[1]} close over the last 20 sessions as a chart")
    if market.sectors:
        made.append("cap-weighted change by sector")
    made.append("S&P 500 return this month")
    if market.visited:
        made.append("10 most visited companies by filing visits")
    if market.forecast and largest:
        made.append(f"forecast close and interval for {largest[0]}")
    if market.signals:
        made.append(f"composite signal of #{market.signals[0].tag} by hour today")
    if market.headlines:
        made.append(f"latest headlines about {market.headlines[0].symbols.split(', ')[0]}")
    if market.gainers:
        made.append(f"what is the P/E of {market.gainers[0].symbol}?")
    if market.sectors:
        made.append("companies with a P/E below 10 and a dividend yield above 4%")
    made += ["what does market cap mean?", "when was the data last loaded?"]
    return made
