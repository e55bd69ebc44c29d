"""Concepts to measures: which metric a word means at the time that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_loaded, not_understood
from chat_api.plan import Day, Days, Instant, Latest, Measure, Over, Statistic
from chat_api.times import When

# Concepts that a quote holds and a daily bar does not.
QUOTE_ONLY = {
    "previous_close": "quote.previous_close", "average_volume": "quote.average_volume", "market_cap": "quote.market_cap", "pe": "quote.pe", "eps": "quote.eps",
    "dividend_yield": "quote.dividend_yield", "forward_dividend": "quote.forward_dividend", "beta": "quote.beta", "high_52w": "quote.high_52w", "low_52w": "quote.low_52w",
    "below_high_52w": "quote.below_high_52w", "above_low_52w": "quote.above_low_52w", "bid": "quote.bid", "ask": "quote.ask", "target": "quote.target",
    "earnings_date": "quote.earnings_date", "ex_dividend_date": "quote.ex_dividend_date",
}  # fmt: skip
BAR_ONLY = {
    "close": "bar.close",
    "adj_close": "bar.adj_close",
    "ma_20": "bar.ma_20",
    "ma_50": "bar.ma_50",
    "ma_200": "bar.ma_200",
    "daily_return": "bar.return",
}
# What a quote says at a tick and a bar over a day.
BOTH = {
    "price": ("quote.price", "bar.close"),
    "open": ("quote.open", "bar.open"),
    "day_high": ("quote.day_high", "bar.high"),
    "day_low": ("quote.day_low", "bar.low"),
    "high": ("quote.day_high", "bar.high"),
    "low": ("quote.day_low", "bar.low"),
    "volume": ("quote.volume", "bar.volume"),
    "change_pct": ("quote.change_pct", "bar.return"),
    "change": ("quote.change", "bar.return"),
}
PERIOD_ONLY: dict[str, Over] = {"return": "return", "volatility": "volatility", "drawdown": "drawdown"}
COMPANY = {"employees": "company.employees"}
ATTRIBUTES = {
    "city": "city", "country": "country", "address": "address", "website": "website", "exchange": "exchange", "industry": "industry", "sector_of": "sector",
    "cik": "cik", "currency": "currency", "description": "description", "symbol": "symbol",
}  # fmt: skip
ATTENTION = {
    "visits": "attention.visits",
    "visit_share": "attention.share",
    "visit_rank": "attention.rank",
    "relative": "attention.relative",
}
FORECAST = {
    "forecast_return": ("forecast.return",), "forecast_close": ("forecast.close",), "forecast": ("forecast.close", "forecast.return"),
    "interval": ("forecast.low", "forecast.high"), "actual": ("forecast.actual",), "error": ("forecast.error",), "skill": ("forecast.skill",),
}  # fmt: skip
SCORED = {"actual", "error", "skill"}
SIGNAL = {
    "posts": "signal.posts",
    "engagement": "signal.engagement",
    "sentiment": "signal.sentiment",
    "composite": "signal.composite",
    "posts_per_user": "signal.posts_per_user",
}
SECTOR = {
    "change_weighted": "sector.change_weighted",
    "change_avg": "sector.change_avg",
    "advancers": "sector.advancers",
    "decliners": "sector.decliners",
}
NOT_LOADED = {
    "news": ("Headlines are", "no news source is connected yet", "Visits to filings and signals from posts can be asked about instead."),
    "officers": ("Officers are", "a company's profile holds sector, industry, city, country, employees and website", "Ask for one of those."),
    "bands": ("Percentiles by second of the day are", "visits by day with rank, share and the ratio to the usual are", "Ask for the visits of a day."),
    "visits_second": ("Visits by second or minute are not answered from here and are", "visits by day are", "Ask for the visits of a day."),
}  # fmt: skip
PERIODS = ("this month", "year to date", "the last 60 sessions")


@dataclass(frozen=True)
class Ask:
    """How a concept is asked for.

    Attributes:
        when: the time, if one was said.
        statistic: an aggregate over time that was said ("average close", "highest price").
        change: whether the change over the time is asked rather than the value.
        percent: whether that change is asked in percent.
        role: of forecasts.
        at_minutes: whether minute bars are meant.
    """

    when: When | None = None
    statistic: Statistic | None = None
    change: bool = False
    percent: bool = True
    role: str = "champion"
    at_minutes: bool = False


def is_period(when: When | None) -> bool:
    """Whether a time spans several days."""
    if when is None:
        return False
    return when.kind in {"period", "since", "sessions", "pair"}


def is_day(when: When | None) -> bool:
    """Whether a time is one day in the past or the last session."""
    return when is not None and when.kind in {"day", "yesterday", "session"}


def measures(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    """The measures that a concept means.

    Raises:
        Stop: where the time is needed and absent, or not loaded.
    """
    if concept in NOT_LOADED:
        raise not_loaded(*NOT_LOADED[concept])
    if concept in COMPANY:
        if ask.when is not None and ask.when.kind not in {"now", "today"}:
            raise not_loaded(
                "Earlier versions of a company's description are not answered from here and are",
                "the ones in force now are",
                "Ask without a date.",
            )
        return (Measure(metric=COMPANY[concept]),)
    if concept in FORECAST:
        return _forecast(draft, concept, ask)
    if concept in ATTENTION:
        return (_attention(draft, concept, ask),)
    if concept in SIGNAL:
        return (_signal(draft, concept, ask),)
    if concept in SECTOR:
        return (sector_measure(draft, SECTOR[concept], ask),)
    return _market(draft, concept, ask)


def _market(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    when = ask.when
    if when is not None and when.kind == "next":
        raise not_loaded(
            "What has not happened is", "data end now", "The model's forecast for the next session can be asked."
        )
    if ask.at_minutes:
        return (_minute(draft, concept, ask),)
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


def _minute(draft: Draft, concept: str, ask: Ask) -> Measure:
    name = {"price": "close", "day_high": "high", "day_low": "low"}.get(concept, concept)
    if name not in {"open", "high", "low", "close", "volume"}:
        raise not_understood(f"the {concept.replace('_', ' ')} by the minute")
    span = timing.minutes_of(draft, ask.when)
    one = ask.when is not None and ask.when.clock is not None and ask.when.clock_end is None
    if one:
        return Measure(metric=f"minute.{name}", time=Instant(at=span.start))
    return Measure(metric=f"minute.{name}", time=span, over=ask.statistic or "value")


def _attention(draft: Draft, concept: str, ask: Ask) -> Measure:
    metric = ATTENTION[concept]
    when = ask.when
    if ask.change:
        if when is None or when.kind != "pair" or not when.first or not when.second:
            raise clarify("The change of visits from which day to which?", ("name two days", None))
        first, second = timing.visit_days(draft, when.first), timing.visit_days(draft, when.second)
        return Measure(metric=metric, time=second, over="change_pct" if ask.percent else "change", base=first)
    days = timing.visit_days(draft, when)
    if isinstance(days, Day):
        return Measure(metric=metric, time=days)
    if concept != "visits":
        raise clarify("That is known by day. Of which day?", (str(days.end), None))
    if ask.statistic == "median":
        raise not_understood("the median of visits over days")
    return Measure(
        metric=metric, time=days, over=ask.statistic if ask.statistic in {"average", "max", "min"} else "sum"
    )


def _signal(draft: Draft, concept: str, ask: Ask) -> Measure:
    if ask.change:
        when = ask.when
        if when is None or when.kind != "pair" or not when.first or not when.second:
            raise clarify("The change from which day to which?", ("name two days", None))
        return Measure(
            metric=SIGNAL[concept],
            time=timing.signal_time(draft, when.second),
            over="change",
            base=timing.signal_time(draft, when.first),
        )
    if concept == "posts_per_user":
        time = timing.signal_time(draft, ask.when)
        if not isinstance(time, Instant):
            raise not_loaded(
                "Users are counted by the hour; a day's distinct users are",
                "hours are",
                "Ask for posts a user in the latest full hour.",
            )
        return Measure(metric="signal.posts_per_user", time=time)
    time = timing.signal_time(draft, ask.when)
    if isinstance(time, Instant):
        return Measure(metric=SIGNAL[concept], time=time)
    if ask.statistic in {"max", "min"}:
        raise clarify("By the hour or by the day?", ("hour by hour", f"{draft.question} hour by hour"))
    additive = concept in {"posts", "engagement"}
    if additive and ask.statistic in {"average", "median"}:
        raise clarify("An average by the hour or by the day?", ("in total", draft.question.replace("average", "total")))
    return Measure(metric=SIGNAL[concept], time=time, over="sum" if additive else "average")


def sector_measure(draft: Draft, metric: str, ask: Ask) -> Measure:
    """A sector's figure at a tick, or its change since an earlier session."""
    when = ask.when
    if ask.change and is_period(when) and when is not None:
        days = timing.days_of(draft, when, based=True)
        assert days.base is not None
        return Measure(metric=metric, time=Latest(), over="change_pct", base=timing.closing_tick(draft, days.base))
    if is_period(when):
        raise not_loaded(
            "A sector's figures over a period are not answered from here and are",
            "those at a tick are",
            "Ask for today, or for companies' returns.",
        )
    return Measure(metric=metric, time=timing.tick_time(draft, when))


def _forecast(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    scored = concept in SCORED
    days = timing.forecast_sessions(draft, ask.when, ask.role, scored=scored)
    names = FORECAST[concept]
    if isinstance(days, Day):
        return tuple(Measure(metric=name, time=days, role=ask.role) for name in names)
    if concept == "skill":
        raise clarify(
            "Skill over several forecasts can be weighed in two ways; the errors beside each other say it plainly.",
            ("mean absolute error", draft.question.replace("skill", "absolute error")),
        )
    if concept != "error":
        raise clarify("A forecast is for one session. Which?", ("the next session", f"{draft.question} next session"))
    return (Measure(metric=names[0], time=days, over=ask.statistic or "average", role=ask.role),)
