"""What the page on attention shows of a logged day: its curve, companies, unusual attention and documents."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from chat_api import band_chart
from chat_api.attention import AttentionDay, AttentionDays, CompanyLine
from chat_api.live import MEANINGS, WORDS
from chat_api.pages.tables import Draw, Head, Text, card, change, legend, named, table
from chat_api.values import ABSENT

_EVERY_TWO_HOURS = range(0, 1440, 120)
_SERIES = {"v1": "the log of 2003 to 2017", "v2": "the log from 2020"}
_KINDS = {"all": "days", "weekday": "weekdays", "weekend": "weekend days"}
_USUAL = {"same_weekday": "the same weekday", "weekday": "Monday to Friday", "weekend": "weekends"}


def draw(seen: AttentionDay, days: AttentionDays | None) -> None:
    """Draw the cards of a day, and the list of the days that are loaded."""
    _curve(seen)
    _companies(seen)
    _unusual(seen)
    _documents(seen)
    _loaded(days)


def _curve(seen: AttentionDay) -> None:
    note = f"Of all companies together, in {_SERIES.get(seen.series, seen.series)}. {seen.definition}"
    with card(f"Visits on {seen.log_date:%A, %-d %B %Y}", note).classes("tm-wide"):
        if not seen.minutes:
            Text("div", "The seconds of this day are not in PostgreSQL, which holds the newest; the lake has them all.")
            return
        drawn = _by_minute(seen)
        legend(band_chart.legend(drawn))
        chart = ui.echart(band_chart.options(drawn), renderer="svg").classes("w-full tm-curve")
        chart.props["role"] = "img"
        named(chart, "Visits a second by minute of the day, before the band")
        Text(
            "div",
            "Each point is a minute: the mean of its 60 seconds, the highest of them, and the means of the seconds' own "
            "percentiles. A mean of 60 seconds varies less than one second does, so it lies within the band most of the "
            "time; the seconds themselves are counted below.",
        ).classes("tm-soft")
        _words(seen)
        if any(minute.visitors is not None for minute in seen.minutes):
            _visitors(seen)


def _by_minute(seen: AttentionDay) -> band_chart.Banded:
    return band_chart.Banded(
        [_minute(minute.minute_of_day) for minute in seen.minutes],
        "visits a second, mean of the minute",
        [round(minute.visits_mean, 3) for minute in seen.minutes],
        [minute.p25 for minute in seen.minutes],
        [minute.p75 for minute in seen.minutes],
        [minute.p95 for minute in seen.minutes],
        _EVERY_TWO_HOURS,
        [float(minute.visits_peak) for minute in seen.minutes],
        "highest second",
    )


def _words(seen: AttentionDay) -> None:
    words = seen.seconds_by_word
    if words is None:
        Text("div", "There are no bands yet: they need at least 10 days of the same log.").classes("tm-soft")
        return
    counts = {name: getattr(words, name) for name in ("quiet", "usual", "busy", "feverish")}
    total = sum(counts.values())
    with ui.element("div").classes("tm-breadth tm-words").props("aria-hidden=true"):
        for name, count in counts.items():
            ui.element("div").classes(f"tm-on tm-{name}").style(f"flex: {count}")
    with ui.element("div").classes("tm-figures"):
        for name, count in counts.items():
            with ui.element("div").classes("tm-figure"):
                Text("b", f"{100 * count / total:.1f} %" if total else ABSENT)
                Text("span", f"of its seconds {name}")
    zeros = "counts as zero" if words.zeros == "zero" else "is left out"
    meanings = "; ".join(f"{name}: {MEANINGS[name]}" for name in WORDS)
    Text(
        "div",
        f"Each second against the same second of other days – {meanings}. The percentiles rest on {words.days:,} "
        f"{_KINDS[words.day_kind]} of logs; a day without a visit in that second {zeros}.",
    ).classes("tm-soft")


def _visitors(seen: AttentionDay) -> None:
    none: list[float | None] = [None] * len(seen.minutes)
    names = [_minute(minute.minute_of_day) for minute in seen.minutes]
    visitors = [float(minute.visitors or 0) for minute in seen.minutes]
    Text("h3", "Distinct visitors by minute").classes("tm-sub")
    drawn = band_chart.options(band_chart.Banded(names, "addresses", visitors, none, none, none, _EVERY_TWO_HOURS))
    named(ui.echart(drawn, renderer="svg").classes("w-full tm-low"), "Distinct visitors by minute of the day")


def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _who(line: CompanyLine) -> Draw | str:
    return line.name or f"CIK {line.cik}"


def _companies(seen: AttentionDay) -> None:
    with card("Most visited companies", f"By visits on {seen.log_date:%-d %b %Y}, with their share of the day's"):
        table(
            "Most visited companies",
            (
                Head("#"),
                Head("Company"),
                Head("Ticker"),
                Head("Visits", numeric=True),
                Head("Share", numeric=True),
                Head("To usual", numeric=True),
            ),
            [
                (
                    str(line.rank),
                    _who(line),
                    line.ticker or ABSENT,
                    f"{line.visits:,}",
                    f"{line.share_pct:.2f} %",
                    _times(line.relative),
                )
                for line in seen.by_visits
            ],
        )


def _unusual(seen: AttentionDay) -> None:
    note = "Visits against the company's own usual, trend and weekday allowed for, beside its share's move of that day"
    with card("Unusual attention", note):
        if not seen.by_unusual:
            Text("div", "No company has enough days before this one for its usual.")
            return
        table(
            "Unusual attention",
            (
                Head("Company"),
                Head("Ticker"),
                Head("Visits", numeric=True),
                Head("Usual", numeric=True),
                Head("Score", numeric=True),
                Head("Share price", numeric=True),
            ),
            [
                (
                    _who(line),
                    line.ticker or ABSENT,
                    f"{line.visits:,}",
                    ABSENT if line.usual_visits is None else f"{line.usual_visits:,.0f}",
                    _score(line),
                    _price(line),
                )
                for line in seen.by_unusual
            ],
        )
        Text("div", _rests_on(seen.by_unusual)).classes("tm-soft")


def _rests_on(lines: Sequence[CompanyLine]) -> str:
    days = min(line.usual_days for line in lines)
    kinds = sorted({_USUAL.get(line.usual_of or "", "all days") for line in lines})
    return (
        f"The score is the distance from the usual in robust standard deviations; days that count as unusual are "
        f"marked and first, companies with too few visits to say so last. Usual is the median of at least {days} loaded days before ({' or '.join(kinds)})."
    )


def _score(line: CompanyLine) -> Draw | str:
    if line.unusual_score is None:
        return ABSENT
    text = f"{line.unusual_score:+.1f}"
    return (lambda: Text("span", text).classes("tm-mark")) if line.is_unusual else text


def _price(line: CompanyLine) -> Draw | str:
    if line.return_pct is not None:
        return change(line.return_pct)
    return "no session" if line.price == "no_session" else ABSENT


def _times(value: float | None) -> str:
    return ABSENT if value is None else f"{value:,.1f} ×"


def _documents(seen: AttentionDay) -> None:
    if not seen.documents:
        return
    with card("Most visited documents", "Filings by accession number, with their form where it is known"):
        table(
            "Most visited documents",
            (
                Head("Filing"),
                Head("Form"),
                Head("Company"),
                Head("Visits", numeric=True),
                Head("Visitors", numeric=True),
            ),
            [
                (
                    line.accession,
                    line.form or ABSENT,
                    line.ticker or line.name or f"CIK {line.cik}",
                    f"{line.visits:,}",
                    ABSENT if line.visitors is None else f"{line.visitors:,}",
                )
                for line in seen.documents
            ],
        )


def _loaded(days: AttentionDays | None) -> None:
    if days is None:
        return
    first = min(day for _, day in days.days)
    note = f"{len(days.days):,} days since {first:%-d %b %Y}; the newest. Visitors are distinct addresses, where logged"
    with card("Days loaded", note):
        table(
            "Days loaded",
            (
                Head("Day"),
                Head("Log"),
                Head("Requests", numeric=True),
                Head("By people", numeric=True),
                Head("Visitors", numeric=True),
                Head("Companies", numeric=True),
            ),
            [
                (
                    f"{line.log_date:%a %-d %b %Y}",
                    line.series,
                    f"{line.visits_all:,}",
                    ABSENT if line.visits_human is None else f"{line.visits_human:,}",
                    ABSENT if line.visitors is None else f"{line.visitors:,}",
                    f"{line.companies:,}",
                )
                for line in days.lines[:14]
            ],
        )
