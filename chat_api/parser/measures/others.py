"""Attention, signals, sectors, forecasts."""

from __future__ import annotations

from chat_api.parser import timing
from chat_api.parser.draft import Draft, clarify, not_loaded, not_understood
from chat_api.parser.measures.concepts import ATTENTION, FORECAST, SCORED, SIGNAL, Ask, is_period
from chat_api.plan import Day, Instant, Latest, Measure


def attention_measure(draft: Draft, concept: str, ask: Ask) -> Measure:
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


def signal_measure(draft: Draft, concept: str, ask: Ask) -> Measure:
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


def forecast_measures(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
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
