"""Prices, returns, dividends: a quote at a tick or a bar over days, as the time says."""

from __future__ import annotations

from dataclasses import replace

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_loaded, not_understood
from chat_api.parser.measures.concepts import (
    BAR_ONLY,
    BOTH,
    PERIOD_ONLY,
    PERIODS,
    QUOTE_ONLY,
    RANGES,
    Ask,
    is_day,
    is_period,
)
from chat_api.plan import Day, Days, Instant, Latest, Measure, Over
from chat_api.times import When


def market_measures(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    when = ask.when
    if when is not None and when.kind == "next":
        raise not_loaded(
            "What has not happened is", "data end now", "The model's forecast for the next session can be asked."
        )
    if ask.at_minutes or (concept in {*BOTH, "close"} - {"change", "change_pct"} and timing.by_minute(draft, when)):
        return (_minute(draft, concept, ask),)
    if concept in RANGES:
        return tuple(one for end in RANGES[concept] for one in market_measures(draft, end, ask))
    if concept in PERIOD_ONLY:
        return (_over_period(draft, concept, when),)
    if concept in {"dividend", "split"}:
        return (_action(draft, concept, ask),)
    if concept in QUOTE_ONLY:
        return (_quote_only(draft, concept, ask),)
    if ask.change or concept in {"change", "change_pct"}:
        if is_period(when):
            return _change(draft, concept, ask)
        if ask.change and concept not in {"change", "change_pct", "price"}:
            raise clarify(
                f"The change of the {concept.replace('_', ' ')} since when?",
                *[(p, f"{draft.question} {p}") for p in PERIODS[:2]],
            )
    if is_period(when):
        return (_aggregate(draft, concept, ask),)
    if concept in BAR_ONLY:
        return (_bar(draft, BAR_ONLY[concept], when),)
    return (_either(draft, concept, ask),)


def _either(draft: Draft, concept: str, ask: Ask) -> Measure:
    quote, bar = BOTH[concept]
    when = ask.when
    if concept in {"high", "low"} and when is None:
        word = concept
        raise clarify(
            f"Which {word} is meant?",
            (f"day {word} of the latest session", draft.question.replace(word, f"day {word}")),
            (f"52-week {word}", draft.question.replace(word, f"52 week {word}")),
            (f"{'highest' if word == 'high' else 'lowest'} price over a period that you name", None),
        )
    if is_day(when):
        if concept == "change":
            raise clarify(
                "The change in percent or in USD?",
                ("daily return in percent", draft.question.replace("change", "daily return")),
            )
        return _bar(draft, bar, when)
    return Measure(metric=quote, time=timing.tick_time(draft, when))


def _bar(draft: Draft, metric: str, when: When | None) -> Measure:
    if when is not None and when.kind == "clock":
        raise clarify(
            "At a tick there is a price, over a day a close. Which is meant?",
            ("the price at that tick", draft.question.replace("close", "price")),
        )
    day = (
        timing.latest_session(draft)
        if when is None or when.kind in {"now", "today", "session"}
        else timing.session_of(draft, when)
    )
    timing.enough_before(draft, metric, day)
    return Measure(metric=metric, time=Day(day=day))


def _quote_only(draft: Draft, concept: str, ask: Ask) -> Measure:
    metric, when = QUOTE_ONLY[concept], ask.when
    if is_period(when):
        if not ask.change:
            raise clarify(f"The {concept.replace('_', ' ')} is known at ticks. At which one?", ("the latest", None))
        assert when is not None
        first = when.first if when.kind == "pair" and when.first else when
        if first.kind == "since" and first.start is not None:
            day = timing.session_of(draft, When("day", first.start, first.start, text=first.text))
        else:
            base = timing.days_of(draft, first, based=first.kind in {"period", "sessions"})
            day = base.base or base.start
        later = Latest() if when.kind != "pair" or when.second is None else timing.tick_time(draft, when.second)
        return Measure(
            metric=metric,
            time=later,
            over="change_pct" if ask.percent else "change",
            base=timing.closing_tick(draft, day),
        )
    if ask.change and when is None:
        raise clarify(
            "The change since when?",
            ("since the start of this month", f"{draft.question} since the start of this month"),
        )
    return Measure(metric=metric, time=timing.tick_time(draft, when))


def _over_period(draft: Draft, concept: str, when: When | None) -> Measure:
    if concept == "return" and is_day(when):
        return _bar(draft, "bar.return", when)
    if not is_period(when):
        question = draft.question.rstrip("?. ")
        raise clarify(f"The {concept} over which period?", *[(period, f"{question} {period}") for period in PERIODS])
    assert when is not None
    days = _pair_or_days(draft, when, based=concept == "return")
    # Volatility rests on the period's daily returns, drawdown and dividends on its closes: neither needs a base.
    metric = "bar.return" if concept == "volatility" else "bar.adj_close"
    return Measure(metric=metric, time=days, over=PERIOD_ONLY[concept])


def _pair_or_days(draft: Draft, when: When, *, based: bool) -> Days:
    """A pair of days spans from the close of the first to the close of the second; a pair of months their whole time."""
    if when.kind == "pair" and when.first and when.second and based:
        first, second = when.first, when.second
        if first.kind in {"day", "yesterday"}:
            start = timing.session_of(draft, first)
            end = (
                timing.session_of(draft, second)
                if second.kind in {"day", "yesterday"}
                else timing.latest_session(draft)
            )
            if start >= end:
                raise not_understood(f"“{when.text}”")
            return Days(start=draft.context.calendar.next_session(start), end=end, base=start)
    return timing.days_of(draft, when, based=based)


def _change(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    """Percent (or USD) from the close before a period to its last close; from an open where one was said."""
    when = ask.when
    assert when is not None
    over: Over = "change_pct" if ask.percent else "change"
    metric = {
        "volume": "bar.volume",
        "adj_close": "bar.adj_close",
        "open": "bar.open",
        "ma_20": "bar.ma_20",
        "ma_50": "bar.ma_50",
        "ma_200": "bar.ma_200",
    }.get(concept, "bar.close")
    if when.kind == "since" and when.edge == "open":
        days = timing.days_of(draft, replace(when, kind="period", edge=None))
        return (
            Measure(
                metric="quote.price",
                time=timing.tick_time(draft, None),
                over=over,
                base=Day(day=days.start),
                base_metric="bar.open",
            ),
        )
    if when.kind == "pair" and when.first and when.second and when.first.kind == "clock":
        return (
            Measure(
                metric="quote.price",
                time=timing.tick_time(draft, when.second),
                over=over,
                base=timing.tick_time(draft, when.first),
            ),
        )
    if when.kind == "pair" and when.second and when.second.kind not in {"day", "yesterday"}:
        raise clarify("From which day to which?", ("name both days", None))
    days = _pair_or_days(draft, when, based=True)
    assert days.base is not None
    timing.enough_before(draft, metric, days.base)
    return (Measure(metric=metric, time=Day(day=days.end), over=over, base=Day(day=days.base)),)


_PERIOD_METRIC = {
    "price": "bar.close",
    "close": "bar.close",
    "open": "bar.open",
    "high": "bar.high",
    "low": "bar.low",
    "day_high": "bar.high",
    "day_low": "bar.low",
    "volume": "bar.volume",
    "adj_close": "bar.adj_close",
    "daily_return": "bar.return",
}


def _aggregate(draft: Draft, concept: str, ask: Ask) -> Measure:
    """One number over the sessions of a period: it has to be said which."""
    metric = _PERIOD_METRIC.get(concept)
    if metric is None:
        raise clarify(f"The {concept.replace('_', ' ')} on which day?", ("the latest session", None))
    assert ask.when is not None
    statistic = ask.statistic
    if concept == "price" and statistic in {"max", "min"}:
        metric = "bar.high" if statistic == "max" else "bar.low"
    if statistic is None and concept in {"high", "day_high"}:
        statistic = "max"
    if statistic is None and concept in {"low", "day_low"}:
        statistic = "min"
    if statistic is None or (statistic == "sum" and concept != "volume"):
        word = concept.replace("_", " ")
        raise clarify(
            f"Over that time, which {word}?",
            *[(f"{s} {word}", draft.question.replace(word, f"{s} {word}")) for s in ("average", "highest", "lowest")],
        )
    days = timing.days_of(draft, ask.when)
    return Measure(metric=metric, time=days, over=statistic)


def _action(draft: Draft, concept: str, ask: Ask) -> Measure:
    metric, when = f"bar.{concept}", ask.when
    if when is None or when.kind == "now":
        raise clarify(
            f"{concept.capitalize()}s of which period?",
            *[(period, f"{draft.question} {period}") for period in ("year to date", "this quarter")],
            *(
                [
                    ("dividend yield", draft.question.replace("dividend", "dividend yield")),
                    ("forward dividend", draft.question.replace("dividend", "forward dividend")),
                ]
                if concept == "dividend"
                else []
            ),
        )
    over = {"average": "average", "max": "max", "count": "count"}.get(ask.statistic or "", "sum")
    if is_period(when):
        return Measure(metric=metric, time=timing.days_of(draft, when), over=over)  # type: ignore[arg-type]
    return _bar(draft, metric, when)


def minute_series(draft: Draft, concept: str, ask: Ask) -> Measure:
    """A figure at each minute of a session or of a part of it."""
    when = None if ask.when is not None and ask.when.kind == "now" else ask.when
    return Measure(metric=f"minute.{_minute_name(concept)}", time=timing.minutes_of(draft, when))


def _minute_name(concept: str) -> str:
    name = {"price": "close", "day_high": "high", "day_low": "low"}.get(concept, concept)
    if name not in {"open", "high", "low", "close", "volume"}:
        raise not_understood(f"the {concept.replace('_', ' ')} by the minute")
    return name


def _minute(draft: Draft, concept: str, ask: Ask) -> Measure:
    name = _minute_name(concept)
    if not draft.context.about_indices and not any(item.kind == "company" for item in draft.items):
        draft.note(f"among the {len(draft.context.minute_symbols)} companies with minute bars")
    if ask.when is not None and ask.when.kind == "now" and draft.context.latest_minute is not None:
        return Measure(metric=f"minute.{name}", time=Latest())
    span = timing.minutes_of(draft, ask.when)
    one = ask.when is not None and ask.when.clock is not None and ask.when.clock_end is None
    if one:
        return Measure(metric=f"minute.{name}", time=Instant(at=span.start))
    over = ask.statistic or {"volume": "sum", "high": "max", "low": "min"}.get(name)
    if over is None:
        raise clarify(
            f"Over those minutes, which {name}?",
            *[(f"{s} {name}", f"{s} {draft.question}") for s in ("average", "highest", "lowest")],
            ("minute by minute", f"{draft.question} minute by minute"),
        )
    return Measure(metric=f"minute.{name}", time=span, over=over)  # type: ignore[arg-type]
