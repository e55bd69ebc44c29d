"""The market overview of the first page."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from chat_api.overview import ForecastPanel, HeadlineLine, Mover, Overview, SignalLine, TrackRecord
from chat_api.pages.tables import Head, Text, card, change, heat, link, named, table
from chat_api.values import ABSENT, at_zone, number

_ORIGINS = {"live": "made before the fact", "walk_forward": "in a walk-forward test"}


def draw(market: Overview) -> None:
    """All cards that have something to show."""
    with ui.element("section").classes("tm-grid") as section:
        named(section, "Market overview")
        if market.sectors:
            _sectors(market)
        if market.gainers or market.losers:
            _movers("Top gainers", market.gainers, market)
            _movers("Top losers", market.losers, market)
        if market.forecast:
            _forecast(market.forecast)
        if market.visited:
            _visited(market)
        if market.signals:
            _signals(market.signals)
        if market.headlines:
            _headlines(market.headlines)


def _sectors(market: Overview) -> None:
    largest = max((abs(line.change_pct) for line in market.sectors if line.change_pct is not None), default=0.0)
    tick = at_zone(market.tick) if market.tick else ""
    with card("Sectors", f"Change since the previous close, weighted by market cap, at {tick}").classes("tm-wide"):
        with ui.element("div").classes("tm-figures"):
            for label, count, kind in (
                ("advancing", market.advancers, "tm-rise"),
                ("declining", market.decliners, "tm-fall"),
            ):
                with ui.element("div").classes("tm-figure"):
                    Text("b", f"{count:,}").classes(kind)
                    Text("span", f"companies {label}")
        with ui.element("div").classes("tm-breadth").props("aria-hidden=true"):
            ui.element("div").classes("tm-up").style(f"flex: {market.advancers}")
            ui.element("div").classes("tm-down").style(f"flex: {market.decliners}")
        table(
            "Sectors by change",
            (
                Head("Sector"),
                Head("Change", numeric=True),
                Head(""),
                Head("Up", numeric=True),
                Head("Down", numeric=True),
                Head("Market cap", numeric=True),
            ),
            [
                (
                    line.sector,
                    change(line.change_pct),
                    heat(line.change_pct, largest),
                    str(line.advancers),
                    str(line.decliners),
                    ABSENT if line.market_cap is None else number(line.market_cap, "USD"),
                )
                for line in market.sectors
            ],
        )


def _movers(title: str, movers: Sequence[Mover], market: Overview) -> None:
    with card(title, f"Since the previous close, at {at_zone(market.tick)}" if market.tick else ""):
        table(
            title,
            (Head("Company"), Head("Ticker"), Head("Price", numeric=True), Head("Change", numeric=True)),
            [(m.name or m.symbol, m.symbol, number(m.price, "USD"), change(m.change_pct)) for m in movers],
        )


def _visited(market: Overview) -> None:
    day = f"{market.visits_day:%-d %b %Y}" if market.visits_day else ""
    with card("Most visited filings", f"Visits to the SEC's EDGAR by company, log of {day} (New York time)"):
        table(
            "Most visited filings",
            (Head("Company"), Head("Visits", numeric=True), Head("Against its usual", numeric=True)),
            [
                (line.name, f"{line.visits:,}", ABSENT if line.relative is None else f"{line.relative:,.1f} ×")
                for line in market.visited
            ],
        )


def _signals(lines: Sequence[SignalLine]) -> None:
    with card("Signals from posts", "Composite of each tag's newest hour, −1 to 1, with the 95 % interval of its mean"):
        table(
            "Signals by tag",
            (
                Head("Tag"),
                Head("Hour"),
                Head("Posts", numeric=True),
                Head("Signal", numeric=True),
                Head("95 % interval", numeric=True),
            ),
            [
                (
                    f"#{line.tag}",
                    at_zone(line.hour, "Asia/Kolkata"),
                    f"{line.posts:,}",
                    change(line.composite, "score"),
                    ABSENT if line.low is None or line.high is None else f"{_score(line.low)} to {_score(line.high)}",
                )
                for line in lines
            ],
        )


def _headlines(lines: Sequence[HeadlineLine]) -> None:
    with card("Latest headlines", "As their publishers word them; the newest first").classes("tm-wide"):
        table(
            "Latest headlines",
            (Head("Published"), Head("Headline"), Head("Publisher"), Head("About")),
            [
                (at_zone(line.published_at), link(line.headline, line.url), line.publisher or ABSENT, line.symbols)
                for line in lines
            ],
        )


def _score(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _forecast(panel: ForecastPanel) -> None:
    note = f"Return to the close of {panel.session:%A, %-d %b %Y}, by {panel.model}, knowing prices up to {at_zone(panel.made_at)}"
    with card("Forecasts for the next session", note).classes("tm-wide"):
        with ui.element("div").classes("tm-figures"):
            for label, value in zip(
                ("lowest", "lower quarter", "median", "upper quarter", "highest"), panel.spread, strict=True
            ):
                with ui.element("div").classes("tm-figure"):
                    with Text("b", ""):
                        change(value)()
                    Text("span", f"{label} of {panel.companies:,}" if label == "median" else label)
        table(
            "Highest and lowest forecasts",
            (
                Head("Company"),
                Head("Ticker"),
                Head("Forecast return", numeric=True),
                Head("Forecast close", numeric=True),
                Head(f"{panel.level_pct:.0f} % interval", numeric=True),
            ),
            [
                (
                    line.name or line.symbol,
                    line.symbol,
                    change(line.return_pct),
                    number(line.close, "USD"),
                    f"{number(line.low, 'USD')} to {number(line.high, 'USD')}",
                )
                for line in (*panel.highest, *reversed(panel.lowest))
            ],
        )
        for record in panel.track:
            Text("div", _record(record, panel.level_pct)).classes("tm-soft")
        if not panel.track:
            Text("div", "No forecast of this model has met its session yet, so there is no track record.").classes(
                "tm-soft"
            )
        Text("div", "Forecasts carry their interval and track record; nothing here is advice.").classes("tm-soft")


def _record(record: TrackRecord, level: float) -> str:
    skill = ABSENT if record.skill is None else f"{record.skill * 100:+.1f} %".replace("-", "−")
    return (
        f"Track record {_ORIGINS.get(record.origin, record.origin)}: {record.forecasts:,} forecasts for "
        f"{record.first:%-d %b %Y} to {record.last:%-d %b %Y}, mean error {record.error_pct:.2f} % of the price against "
        f"{record.persistence_error_pct:.2f} % for “tomorrow as today” (skill {skill}); the close lay in the interval in "
        f"{record.inside_pct:.0f} % of them, {level:.0f} % were meant."
    )
