"""The form of an answer: rank, share, count, series, fold, top N, comparison, list or look-up.

Each builder takes the found parts and places the words that belong to its form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from chat_api.parser import timing
from chat_api.parser.draft import Draft, Stop, clarify, not_understood
from chat_api.parser.lexer import Item
from chat_api.parser.measures import (
    ATTENTION, FORECAST, NOT_LOADED, SCORED, SECTOR, SIGNAL, Ask, is_day, is_period, measures, sector_measure,
)  # fmt: skip
from chat_api.plan import (
    AllOf, Among, AnyOf, Bucket, Compare, Condition, Day, Days, Entity, Fold, Kind, Known, Largest, Latest, Measure, Not, Order, Plan, Rank, Ratio, Share, Statistic, Value,
)  # fmt: skip
from chat_api.times import When
from chat_api.vocabulary import METRICS

if TYPE_CHECKING:
    from chat_api.parser.sentence import Parts

# Words of order that name their metric.
PRICED = {"sup_price": "price", "sup_volume": "volume"}
_TO_SECTOR = {"market_cap": "sector.market_cap", "volume": "sector.volume", "pe": "sector.pe", **SECTOR}
_ASCENDING_IS_NEAR = {"below_high_52w", "above_low_52w"}


def build(draft: Draft, parts: Parts) -> Plan:
    """The plan of the parts, in the form that the words ask for."""
    for item in parts.concepts:
        if item.value in NOT_LOADED:
            measures(draft, cast("str", item.value), parts.ask)
    if draft.has("rank") or _where_in(draft, parts):
        return _rank(draft, parts)
    if draft.has("share"):
        return _share(draft, parts)
    if _sessions_counted(draft, parts):
        return _count_sessions(draft, parts)
    if _days_listed(draft, parts):
        return _days(draft, parts)
    if _hours_listed(draft, parts):
        return _hours(draft, parts)
    if parts.chart or (draft.has("bucket") and not _average_a_day(draft, parts)):
        return _series(draft, parts)
    if _forecast_pairs(parts):
        return _series(draft, parts)
    if _actions_listed(draft, parts):
        return _actions(draft, parts)
    if draft.has("every"):
        return _every(draft, parts)
    entity = _entity(draft, parts)
    if entity == "sector":
        return _sectors(draft, parts)
    if entity == "tag":
        return _tags(draft, parts)
    if parts.companies and len(parts.companies) == 1 and draft.of(*PRICED):
        raise clarify(
            "Over which period?", *[(period, f"{draft.question} {period}") for period in ("this month", "year to date")]
        )
    if draft.of("sup", *PRICED, "vague_sup", "good", "movers") or (_number(draft) is not None and not parts.companies):
        return _top(draft, parts)
    if _role_errors(draft, parts):
        return _errors(draft, parts)
    if parts.count or (parts.statistic is not None and parts.ask.statistic is None):
        return _fold(draft, parts)
    if parts.statistic == "sum" and not parts.companies and [item.value for item in parts.concepts] == ["visits"]:
        return _fold(draft, parts)
    if parts.companies:
        return _of_companies(draft, parts)
    return _list(draft, parts)


# --- helpers --------------------------------------------------------------------------------------------------------


def _where_in(draft: Draft, parts: Parts) -> bool:
    """`where is X in SECTOR by METRIC` asks for its place there."""
    return "where" in draft.lexed.words[:1] + [
        "where" for w in draft.lexed.raw[:1] if w.lower().startswith("where")
    ] and bool(parts.companies and parts.sectors and draft.has("by_metric"))


def _role_errors(draft: Draft, parts: Parts) -> bool:
    names = [item.value for item in parts.concepts]
    mean = parts.statistic == "average" or any(
        word in item.text.split() for item in parts.concepts for word in ("mean", "average", "mae")
    )
    return (
        names == ["error"]
        and mean
        and not parts.companies
        and not parts.threshold_values
        and parts.by in {None, "role"}
        and not draft.of("noun", "sup")
    )


def _errors(draft: Draft, parts: Parts) -> Plan:
    """The mean error of a model over all its forecasts of a time, or of two models side by side."""
    draft.take("compare")
    draft.take("everything")
    parts.concepts[0].used = True
    roles = tuple(parts.roles or ["champion"])
    times = [timing.forecast_sessions(draft, parts.ask.when, role, scored=True) for role in roles]
    if len({str(time) for time in times}) != 1:
        raise not_understood("models over different sessions")
    measure = Measure(metric="forecast.error", time=times[0], over="average")
    where = _and(Among(dimension="role", values=roles), parts.where)
    return Plan(kind="compare" if len(roles) > 1 else "aggregate", entity="role", values=(measure,), where=where)


def _average_a_day(draft: Draft, parts: Parts) -> bool:
    """`on average how many visits a day in …`: one number, not a series."""
    names = {item.value for item in parts.concepts}
    if parts.ask.statistic == "average" and names == {"visits"} and draft.has("bucket", "day") and not parts.chart:
        draft.take("bucket", "day")
        parts.count = False
        return True
    return False


def _forecast_pairs(parts: Parts) -> bool:
    names = {cast("str", item.value) for item in parts.concepts}
    return (
        bool(parts.companies)
        and len(parts.companies) == 1
        and is_period(parts.ask.when)
        and bool(names)
        and names <= {"forecast", "forecast_close", "forecast_return", "actual", "interval"}
        and parts.statistic is None
    )


def _days_listed(draft: Draft, parts: Parts) -> bool:
    return (
        len(parts.companies) == 1
        and draft.has("unit", "session")
        and not parts.count
        and not parts.chart
        and not draft.has("bucket")
        and (bool(parts.threshold_values) or bool(draft.of("move")))
        and is_period(parts.ask.when)
    )


def _days(draft: Draft, parts: Parts) -> Plan:
    """The sessions of a period on which a company's day fits a threshold."""
    draft.take("unit", "session")
    days = timing.days_of(draft, cast("When", parts.ask.when))
    move = _daily_move(draft, parts, days)
    parts.concepts = [
        item for item in parts.concepts if item.text not in {"closed", "ended at", "closed at"} or not _placed(item)
    ]
    if parts.concepts or len(parts.threshold_values) > 1 or (move is not None and parts.threshold_values):
        raise not_understood("several thresholds on a day")
    condition = move
    for threshold in parts.threshold_values:
        if (
            not isinstance(threshold, Compare)
            or threshold.number is None
            or threshold.left.metric not in {"bar.adj_close", "bar.close", "bar.return", "bar.volume"}
        ):
            raise not_understood("that threshold on a day")
        if threshold.left.over not in {"return", "change_pct", "value", "sum"}:
            raise not_understood("that threshold on a day")
        metric = "bar.return" if threshold.left.over in {"return", "change_pct"} else threshold.left.metric
        condition = threshold.model_copy(update={"left": Measure(metric=metric, time=days)})
    assert isinstance(condition, Compare)
    return Plan(
        kind="filter",
        entity="session",
        values=(condition.left,),
        where=_and(_companies(parts), condition),
        order=(Order(value=None, descending=False),),
    )


def _placed(item: Item) -> bool:
    item.used = True
    return True


def _hours_listed(draft: Draft, parts: Parts) -> bool:
    return bool(parts.tags) and draft.has("unit", "hour") and bool(parts.threshold_values)


def _hours(draft: Draft, parts: Parts) -> Plan:
    """The hours in which a tag's signal fits a threshold."""
    draft.take("unit", "hour")
    threshold = parts.threshold_values[0]
    if (
        len(parts.threshold_values) > 1
        or not isinstance(threshold, Compare)
        or threshold.number is None
        or parts.concepts
        or not threshold.left.metric.startswith("signal.")
    ):
        raise not_understood("that threshold on hours")
    hourly = Measure(metric=threshold.left.metric, time=threshold.left.time)
    where = _and(Among(dimension="tag", values=tuple(parts.tags)), threshold.model_copy(update={"left": hourly}))
    return Plan(
        kind="filter",
        entity="tag",
        values=(hourly,),
        where=where,
        bucket="hour",
        order=(Order(value=None, descending=False),),
    )


def _entity(draft: Draft, parts: Parts) -> Entity:
    names = {cast("str", item.value) for item in parts.concepts}
    if parts.tags or draft.has("unit", "tag") or parts.by == "tag" or names & set(SIGNAL) - {"sentiment"}:
        return "tag"
    if parts.companies:
        return "company"
    if names & set(SECTOR):
        return "sector"
    about_sectors = draft.has("unit", "sector") or parts.by == "sector" or bool(parts.sectors)
    plain = not draft.of("noun") and not _company_conditions(parts) and not parts.attributes
    if about_sectors and plain and names and names <= set(_TO_SECTOR):
        if draft.has("unit", "sector") or len(parts.sectors) > 1:
            return "sector"
        summed = (
            parts.statistic in {"sum", None}
            and not draft.of("sup", "movers", "good")
            and names <= {"market_cap", "volume"}
        )
        median = parts.statistic == "median" and names == {"pe"}
        if (summed and not draft.of("number")) or median:
            return "sector"
    if draft.has("unit", "sector") and plain and not names:
        return "sector"
    return "company"


def _company_conditions(parts: Parts) -> bool:
    return bool(parts.threshold_values)


def _values(draft: Draft, parts: Parts, ask: Ask | None = None) -> tuple[Measure, ...]:
    """The measures of all concepts, placed."""
    values: list[Measure] = []
    for item in parts.concepts:
        item.used = True
        for role in parts.roles or [""]:
            one = replace(ask or _ask_for(parts, item), role=role or parts.ask.role)
            if item.value in parts.each:
                one = replace(one, statistic=parts.each[cast("str", item.value)])
            values.extend(measure for measure in measures(draft, cast("str", item.value), one) if measure not in values)
            if cast("str", item.value) not in FORECAST:
                break
    return tuple(values)


def _ask_for(parts: Parts, item: Item) -> Ask:
    """With attention in the question, a day is the attention's; a forecast beside it is the coming one."""
    names = {cast("str", other.value) for other in parts.concepts}
    if (
        item.value in FORECAST
        and names & set(ATTENTION)
        and parts.ask.when is not None
        and parts.ask.when.kind != "next"
    ):
        return replace(parts.ask, when=None)
    if parts.ask.when is not None and parts.ask.when.kind == "next" and item.value not in FORECAST:
        return replace(parts.ask, when=None)
    if item.value == "employees":
        return replace(parts.ask, when=None) if names - {"employees"} else parts.ask
    return parts.ask


def _number(draft: Draft) -> Item | None:
    """A plain number that is no threshold: how many rows are asked for."""
    plain = [item for item in draft.of("number") if cast("tuple[float, str | None]", item.value)[1] is None]
    return plain[0] if len(plain) == 1 and cast("tuple[float, None]", plain[0].value)[0] in range(1, 1001) else None


def _limit(draft: Draft) -> int | None:
    item = _number(draft)
    if item is None:
        return None
    item.used = True
    return int(cast("tuple[float, None]", item.value)[0])


def _and(*parts: Condition | None) -> Condition | None:
    held = [part for part in parts if part is not None]
    return None if not held else held[0] if len(held) == 1 else AllOf(parts=tuple(held))


def _companies(parts: Parts) -> Condition | None:
    return Among(dimension="symbol", values=tuple(parts.companies)) if parts.companies else None


def _kind(parts: Parts, values: tuple[Value, ...], default: Kind) -> Kind:
    subjects = {_measure(value).metric.split(".")[0] for value in values}
    return "cross_subject" if len(subjects - {"bar" if "quote" in subjects else ""}) > 1 else default


def _measure(value: Value) -> Measure:
    return value.over if isinstance(value, Ratio) else value


def condition_values(condition: Condition | None) -> tuple[Measure, ...]:
    """The measures that a condition compares, in order."""
    found: list[Measure] = []

    def walk(node: Condition) -> None:
        if isinstance(node, Compare):
            found.extend(m for m in (node.left, node.right) if m is not None and m not in found)
        elif isinstance(node, Known | Largest):
            measure = node.left if isinstance(node, Known) else node.measure
            if measure not in found:
                found.append(measure)
        elif isinstance(node, AllOf | AnyOf):
            for part in node.parts:
                walk(part)
        elif isinstance(node, Not):
            walk(node.part)

    if condition is not None:
        walk(condition)
    return tuple(found)


def _needs_metric(draft: Draft) -> Stop:
    question = draft.question.rstrip("?. ")
    return clarify(
        "Which figure is asked for?",
        *[
            (label, f"{question} {words}")
            for label, words in (
                ("price", "price"),
                ("change % today", "change % today"),
                ("market cap", "market cap"),
                ("P/E", "P/E"),
            )
        ],
    )


# --- rank and share -------------------------------------------------------------------------------------------------


def _rank(draft: Draft, parts: Parts) -> Plan:
    draft.take("rank")
    draft.take("by_metric")
    draft.take("follow", "sort")
    _limit_one(draft)
    descending = _direction(draft)
    own = bool(draft.take("own_sector"))
    everything = bool(draft.take("everything"))
    if parts.sectors:
        draft.take("unit", "sector")
    draft.take("noun")
    at_sector = not parts.companies and len(parts.sectors) == 1
    if at_sector:
        names = [cast("str", item.value) for item in parts.concepts]
        if len(names) != 1 or names[0] not in _TO_SECTOR or parts.statistic not in {None, "median", "sum"}:
            raise clarify(
                "By which figure are the sectors ranked?",
                *[
                    (label, None)
                    for label in ("total market cap", "median P/E", "cap-weighted change %", "total volume")
                ],
            )
        if names[0] == "pe" and parts.statistic != "median":
            raise clarify(
                "A sector's P/E is the median of its companies. Is that meant?",
                ("median P/E", draft.question.replace("P/E", "median P/E")),
            )
        parts.concepts[0].used = True
        measure = sector_measure(draft, _TO_SECTOR[names[0]], parts.ask)
        return Plan(
            kind="rank", entity="sector", values=(measure,), rank=Rank(of=tuple(parts.sectors), descending=descending)
        )
    if not parts.companies:
        raise clarify("Whose rank is asked, and by which figure?", ("name a company and a figure", None))
    if parts.threshold_values or parts.statistic is not None or parts.by:
        raise not_understood("a rank with a threshold or an aggregate")
    values = _values(draft, parts)
    if len(values) != 1:
        raise clarify(
            "By which one figure is it ranked?",
            ("market cap", f"{draft.question} by market cap"),
            ("volume", f"{draft.question} by volume"),
        )
    among = parts.where
    if own:
        held = {draft.context.by_symbol[symbol].sector for symbol in parts.companies}
        if len(held) != 1 or among is not None or None in held:
            raise not_understood("“its sector”")
        among = Among(dimension="sector", values=(cast("str", held.pop()),))
    elif among is None and not everything:
        name = parts.companies[0]
        raise clarify(
            "Among which companies?",
            ("all companies", f"{draft.question} among all companies"),
            (f"the sector of {name}", f"{draft.question} within its sector"),
        )
    elif among is not None:
        held = {draft.context.by_symbol[symbol].sector for symbol in parts.companies}
        if parts.sectors and not held <= set(parts.sectors):
            raise clarify(
                f"{parts.companies[0]} is not in that sector. Rank it in its own?",
                ("within its own sector", f"{draft.question} within its sector"),
            )
    return Plan(
        kind="rank",
        entity="company",
        values=values,
        where=among,
        rank=Rank(of=tuple(parts.companies), descending=descending),
    )


def _limit_one(draft: Draft) -> None:
    """`number one` in a question for a rank is no limit."""
    for item in draft.of("number"):
        if cast("tuple[float, str | None]", item.value) == (1.0, None):
            item.used = True


def _direction(draft: Draft) -> bool:
    directions = {bool(item.value) for item in draft.take("sup")}
    if len(directions) > 1:
        raise not_understood("both directions of order")
    return directions.pop() if directions else True


def _share(draft: Draft, parts: Parts) -> Plan:
    if parts.statistic == "sum":
        parts.ask = replace(parts.ask, statistic=None)
    names = {cast("str", item.value) for item in parts.concepts}
    everything = bool(draft.take("everything"))
    if names == {"visits"} and parts.companies and parts.where is None:
        draft.take("share")
        parts.concepts[0].used = True
        values = measures(draft, "visit_share", parts.ask)
        return Plan(kind="share", entity="company", values=values, where=_companies(parts))
    if parts.tags:
        draft.take("share")
        draft.take("unit", "tag")
        values = _values(draft, parts)
        if len(values) != 1 or not METRICS[values[0].metric].additive:
            raise clarify("A share of what?", ("posts", None), ("engagement", None))
        return Plan(
            kind="share",
            entity="tag",
            values=values,
            share=Share(part=Among(dimension="tag", values=tuple(parts.tags))),
        )
    draft.take("share")
    by = parts.by
    if by == "sector" or parts.sectors:
        draft.take("unit", "sector")
    nouns = draft.take("noun")
    if parts.companies and len(parts.concepts) == 1:
        values = _values(draft, parts)
        _additive(values)
        if parts.where is None and not everything:
            raise clarify(
                "A share of which whole?",
                ("of all companies", f"{draft.question} of all companies"),
                ("of its sector", None),
            )
        return Plan(
            kind="share", entity="company", values=values, where=parts.where, share=Share(part=_companies(parts))
        )
    if by and len(parts.concepts) <= 1 and not parts.sectors and not parts.threshold_values:
        values = _values(draft, parts)
        _additive(values)
        return Plan(
            kind="share",
            entity="company",
            values=values,
            where=parts.where,
            share=Share(by=by),
            order=(Order(value=0),),
        )
    if (
        len(parts.sectors) == 1
        and names
        and names <= {"market_cap", "volume"}
        and not parts.threshold_values
        and not nouns
    ):
        parts.concepts[0].used = True
        measure = sector_measure(draft, _TO_SECTOR[names.pop()], parts.ask)
        return Plan(
            kind="share",
            entity="sector",
            values=(measure,),
            share=Share(part=Among(dimension="sector", values=tuple(parts.sectors))),
        )
    if not parts.concepts and not parts.companies:
        part = _and(*parts.threshold_values) or _moved(draft, parts)
        if part is not None:
            whole = Among(dimension="sector", values=tuple(parts.sectors)) if parts.sectors else None
            if len(parts.threshold_values) > 1:
                raise not_understood("a share under several conditions")
            first = condition_values(part)[0]
            return Plan(
                kind="share", entity="company", values=(), where=_and(whole, _quoted(first)), share=Share(part=part)
            )
    raise clarify(
        "A share of what, and of which whole?",
        ("say the part and the whole, as in: share of Technology in total market cap", None),
    )


def _quoted(measure: Measure) -> Condition | None:
    """The whole is every company quoted then: the price is always there."""
    if measure.metric.startswith("quote."):
        return Known(left=Measure(metric="quote.price", time=measure.time))
    return Known(left=measure)


def _additive(values: tuple[Measure, ...]) -> None:
    if len(values) != 1 or not METRICS[values[0].metric].additive:
        raise clarify("A share of what?", ("market cap", None), ("volume", None), ("employees", None))


def _moved(draft: Draft, parts: Parts) -> Condition | None:
    """`in the red`, `rose today`: companies that moved in one direction."""
    found = draft.take("move")
    if not found:
        return None
    if len({item.value for item in found}) > 1:
        raise not_understood("both directions at once")
    concept = "return" if is_period(parts.ask.when) else "change_pct"
    measure = measures(draft, concept, replace(parts.ask, change=False, statistic=None))[0]
    return Compare(left=measure, op=">" if found[0].value == 1 else "<", number=0.0)


# --- days, series, actions ------------------------------------------------------------------------------------------


def _sessions_counted(draft: Draft, parts: Parts) -> bool:
    if not draft.has("unit", "session") or draft.has("bucket"):
        return False
    return parts.count or (
        "number" in draft.lexed.words and not parts.companies and not parts.concepts and not draft.of("sup", "noun")
    )


def _count_sessions(draft: Draft, parts: Parts) -> Plan:
    draft.take("unit", "session")
    if parts.ask.when is None or not is_period(parts.ask.when) or parts.where is not None or parts.concepts:
        raise clarify(
            "Sessions of which period?",
            ("this month", f"{draft.question} this month"),
            ("year to date", f"{draft.question} year to date"),
        )
    days = timing.days_of(draft, parts.ask.when)
    session = Measure(metric="bar.session", time=days)
    if not parts.companies:
        if draft.of("move", "sup"):
            raise clarify("Of which company?", ("name a company", None))
        return Plan(kind="aggregate", entity="session", values=(session,), fold=Fold(statistic="count"))
    condition = _daily_move(draft, parts, days)
    return Plan(
        kind="aggregate",
        entity="session",
        values=(session,),
        where=_and(_companies(parts), condition),
        fold=Fold(statistic="count", by=("symbol",)),
    )


def _daily_move(draft: Draft, parts: Parts, days: Days) -> Condition | None:
    found = draft.take("move")
    if not found:
        return None
    return Compare(left=Measure(metric="bar.return", time=days), op=">" if found[0].value == 1 else "<", number=0.0)


_BUCKETS_OF: dict[str, tuple[Bucket, ...]] = {
    "bar": ("session",),
    "attention": ("day",),
    "signal": ("hour", "day"),
    "sector": ("tick",),
    "quote": ("tick",),
    "forecast": ("session",),
    "minute": ("minute",),
}


def _series(draft: Draft, parts: Parts) -> Plan:
    buckets = {cast("str", item.value) for item in draft.take("bucket")}
    draft.take("unit", "session", "hour", "tick", "minute", "week", "month")
    draft.take("compare")
    if len(buckets) > 1:
        raise not_understood("several intervals at once")
    bucket = buckets.pop() if buckets else "auto"
    if parts.threshold_values or parts.count or draft.of("sup", "number"):
        raise not_understood("a series with a threshold or an order")
    names = [cast("str", item.value) for item in parts.concepts]
    if not names:
        raise clarify(
            "A series of which figure?", ("close", f"{draft.question} close"), ("volume", f"{draft.question} volume")
        )
    when = parts.ask.when
    if set(names) <= set(SIGNAL) | {"interval"} and (parts.tags or names[0] in SIGNAL):
        return _signal_series(draft, parts, bucket)
    if set(names) <= {"visits"}:
        days = timing.visit_days(draft, when)
        _expect(bucket, {"auto", "day"})
        if not parts.companies or isinstance(days, Day):
            raise clarify("Visits to whose filings, over which days?", ("name a company and a period", None))
        parts.concepts[0].used = True
        return Plan(
            kind="series",
            entity="company",
            values=(Measure(metric="attention.visits", time=days),),
            where=_companies(parts),
            bucket="day",
            order=(Order(value=None, descending=False),),
            chart=parts.chart or True,
        )
    if set(names) <= set(FORECAST):
        return _forecast_series(draft, parts)
    if bucket == "tick" or (set(names) <= set(SECTOR) | {"pe", "market_cap", "volume"} and not parts.companies):
        return _tick_series(draft, parts, bucket)
    if bucket == "minute" or parts.ask.at_minutes:
        parts.ask = replace(parts.ask, at_minutes=True, statistic=None)
        values = _values(draft, parts)
        if not parts.companies:
            raise clarify("Of which company?", ("name a company", None))
        return Plan(
            kind="series",
            entity="minute",
            values=values,
            where=_companies(parts),
            bucket="minute",
            order=(Order(value=None, descending=False),),
            chart=True,
        )
    return _bar_series(draft, parts, bucket)


def _expect(bucket: str, allowed: set[str]) -> None:
    if bucket not in allowed:
        raise clarify(
            "That is not known at that interval. Which of these?",
            *[(name, None) for name in sorted(allowed - {"auto"})],
        )


_SERIES_METRIC = {
    "close": "bar.close",
    "price": "bar.close",
    "open": "bar.open",
    "high": "bar.high",
    "low": "bar.low",
    "day_high": "bar.high",
    "day_low": "bar.low",
    "volume": "bar.volume",
    "adj_close": "bar.adj_close",
    "daily_return": "bar.return",
    "return": "bar.return",
    "ma_20": "bar.ma_20",
    "ma_50": "bar.ma_50",
    "ma_200": "bar.ma_200",
    "change_pct": "bar.return",
}


def _bar_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    _expect(bucket, {"auto", "day"})
    if not parts.companies or parts.where is not None or parts.statistic is not None:
        raise clarify("A series of which company?", ("name one or more companies", None))
    metrics = []
    for item in parts.concepts:
        item.used = True
        metric = _SERIES_METRIC.get(cast("str", item.value))
        if metric is None:
            raise clarify(
                "By the day these are known: open, high, low, close, adjusted close, volume, daily return, moving averages. Which?",
                ("close", None),
            )
        metrics.append(metric)
    if not is_period(parts.ask.when):
        question = draft.question.rstrip("?. ")
        raise clarify(
            "Over which period?",
            *[
                (period, f"{question} {period}")
                for period in ("this month", "year to date", "over the last 60 sessions")
            ],
        )
    days = timing.days_of(draft, cast("When", parts.ask.when))
    values = tuple(Measure(metric=metric, time=days) for metric in metrics)
    return Plan(
        kind="series",
        entity="company",
        values=values,
        where=_companies(parts),
        bucket="session",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _forecast_series(draft: Draft, parts: Parts) -> Plan:
    names = {cast("str", item.value) for item in parts.concepts}
    when = parts.ask.when
    if not parts.companies or not is_period(when):
        raise clarify(
            "Forecasts for which company, over which sessions?",
            ("over the last 20 sessions", f"{draft.question} over the last 20 sessions"),
        )
    days = timing.forecast_sessions(draft, when, parts.ask.role, scored=bool(names & SCORED))
    metrics = list(
        dict.fromkeys(
            metric
            for item in parts.concepts
            for metric in (
                FORECAST[cast("str", item.value)][:1] if item.value == "forecast" else FORECAST[cast("str", item.value)]
            )
        )
    )
    for item in parts.concepts:
        item.used = True
    values = tuple(Measure(metric=metric, time=days, role=parts.ask.role) for metric in metrics)
    known = Known(left=Measure(metric="forecast.actual", time=days, role=parts.ask.role)) if names & SCORED else None
    return Plan(
        kind="series",
        entity="company",
        values=values,
        where=_and(_companies(parts), known),
        bucket="session",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _tick_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    if bucket == "day" or is_period(parts.ask.when):
        measures(draft, "change_weighted", replace(parts.ask, change=False))
    _expect(bucket, {"auto", "tick"})
    span = timing.session_ticks(draft, parts.ask.when)
    at_sector = not parts.companies
    values = []
    for item in parts.concepts:
        item.used = True
        name = cast("str", item.value)
        metric = _TO_SECTOR.get(name) if at_sector else measures(draft, name, replace(parts.ask, when=None))[0].metric
        if metric is None or (not at_sector and not metric.startswith("quote.")):
            raise not_understood(f"“{item.text}” at every tick")
        values.append(Measure(metric=metric, time=span))
    draft.take("unit", "sector")
    where = parts.where if at_sector else _and(_companies(parts), parts.where)
    return Plan(
        kind="series",
        entity="sector" if at_sector else "company",
        values=tuple(values),
        where=where,
        bucket="tick",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _signal_series(draft: Draft, parts: Parts, bucket: str) -> Plan:
    _expect(bucket, {"auto", "hour", "day"})
    when = parts.ask.when
    if when is None or when.kind in {"hour", "now"}:
        raise clarify("Over which day or days (India time)?", ("today", f"{draft.question} today"))
    time = timing.signal_time(draft, when)
    hourly = bucket == "hour" or (bucket == "auto" and isinstance(time, Day))
    values = []
    for item in parts.concepts:
        item.used = True
        names = ["signal.low", "signal.high"] if item.value == "interval" else [SIGNAL[cast("str", item.value)]]
        if not hourly and (item.value in {"interval", "posts_per_user"}):
            raise clarify("That is known by the hour.", ("hour by hour", f"{draft.question} hour by hour"))
        values.extend(Measure(metric=name, time=time) for name in names)
    where = Among(dimension="tag", values=tuple(parts.tags)) if parts.tags else None
    return Plan(
        kind="series",
        entity="tag",
        values=tuple(values),
        where=where,
        bucket="hour" if hourly else "day",
        order=(Order(value=None, descending=False),),
        chart=True,
    )


def _actions_listed(draft: Draft, parts: Parts) -> bool:
    names = [cast("str", item.value) for item in parts.concepts]
    if len(names) != 1 or names[0] not in {"dividend", "split"} or not is_period(parts.ask.when):
        return False
    if names == ["split"]:
        return True
    return (
        bool(parts.companies)
        and parts.statistic is None
        and not parts.count
        and "dividends" in draft.lexed.words
        and ({"dates", "date", "list", "each"} & set(draft.lexed.words) != set())
    )


def _actions(draft: Draft, parts: Parts) -> Plan:
    """Splits or dividends one by one, with their dates."""
    item = parts.concepts[0]
    item.used = True
    draft.take("noun")
    days = timing.days_of(draft, cast("When", parts.ask.when))
    measure = Measure(metric=f"bar.{item.value}", time=days)
    happened = Compare(
        left=measure, op="!=" if item.value == "split" else ">", number=1.0 if item.value == "split" else 0.0
    )
    return Plan(
        kind="filter" if not parts.companies else "series",
        entity="session",
        values=(measure,),
        where=_and(_companies(parts), parts.where, happened),
        order=(Order(value=None, descending=False),),
    )


def _every(draft: Draft, parts: Parts) -> Plan:
    """`fell on each of the last five sessions`: the best of them below zero, and none missing."""
    draft.take("every")
    draft.take("noun")
    moves = draft.take("move")
    when = parts.ask.when
    if len(moves) != 1 or when is None or when.kind != "sessions" or parts.concepts or parts.companies:
        raise not_understood("“on each of”")
    days = timing.days_of(draft, when)
    up = moves[0].value == 1
    extreme = Measure(metric="bar.return", time=days, over="min" if up else "max")
    complete = Compare(left=Measure(metric="bar.return", time=days, over="count"), op="=", number=float(when.count))
    return Plan(
        kind="filter",
        entity="company",
        values=(extreme,),
        where=_and(parts.where, Compare(left=extreme, op=">" if up else "<", number=0.0), complete),
    )


# --- sectors and tags -----------------------------------------------------------------------------------------------


def _sectors(draft: Draft, parts: Parts) -> Plan:
    compared = draft.take("compare")
    apart = bool(draft.take("apart"))
    units = draft.take("unit", "sector")
    draft.take("everything")
    names = [cast("str", item.value) for item in parts.concepts]
    if not names or parts.threshold_values:
        raise clarify(
            "Which figure of the sectors?",
            *[
                (label, f"{draft.question} {label}")
                for label in ("total market cap", "median P/E", "cap weighted change", "total volume")
            ],
        )
    if "pe" in names and parts.statistic != "median":
        raise clarify(
            "A sector's P/E is the median of its companies. Is that meant?",
            ("median P/E", draft.question.lower().replace("p/e", "median p/e")),
        )
    if (
        parts.statistic not in {None, "median", "sum"}
        or (parts.statistic == "median" and names != ["pe"])
        or (parts.statistic == "sum" and not set(names) <= {"market_cap", "volume"})
    ):
        raise not_understood("that aggregate over sectors")
    if any(name not in _TO_SECTOR for name in names):
        raise clarify(
            "Sectors have total market cap, median P/E, average and cap-weighted change %, advancers, decliners and total volume. Which?",
            ("total market cap", None),
        )
    values = []
    for item in parts.concepts:
        item.used = True
        values.append(sector_measure(draft, _TO_SECTOR[cast("str", item.value)], parts.ask))
    draft.take("follow", "sort")
    orders = [*draft.take("sup"), *draft.take("good")]
    limit = _limit(draft)
    if (
        orders
        and limit is None
        and not parts.sectors
        and "sector" in draft.lexed.words
        and "sectors" not in draft.lexed.words
        and not parts.by
    ):
        limit = 1
    if limit is not None and not orders:
        raise clarify("The highest or the lowest?", ("highest", None), ("lowest", None))
    if (
        orders
        and limit is None
        and len(units) == 1
        and "all" not in draft.lexed.words
        and not parts.by
        and not _ordered_list(draft)
    ):
        raise clarify("How many of them?", ("the first", None), ("all, in order", None))
    ranked_by = draft.neighbour(parts.concepts[0], -1, "agg")
    by_figure = ranked_by is not None and ranked_by.kind == "by_metric" and not parts.sectors
    order = (Order(value=0, descending=bool(orders[0].value) if orders else True),) if orders or by_figure else ()
    if compared and len(parts.sectors) < 2 and len(names) < 2:
        raise not_understood("a comparison with one side")
    kind: Kind = (
        "top_n" if limit else "compare" if len(parts.sectors) > 1 else "aggregate" if parts.statistic else "lookup"
    )
    return Plan(
        kind=kind,
        entity="sector",
        values=tuple(values),
        where=parts.where,
        order=order,
        limit=limit,
        difference=apart and len(parts.sectors) == 2,
        chart=parts.chart,
    )


def _ordered_list(draft: Draft) -> bool:
    """`highest on top`, `from high to low`: an order of all of them, not a choice of some."""
    return any(
        item.kind == "sup"
        and (" first" in item.text or " to " in item.text or "top" in item.text.split()[1:] or "cending" in item.text)
        for item in draft.items
    )


def _tags(draft: Draft, parts: Parts) -> Plan:
    draft.take("compare")
    draft.take("unit", "tag")
    draft.take("unit", "hour")
    apart = bool(draft.take("apart"))
    if parts.companies or parts.sectors:
        raise not_understood("posts by tag together with companies")
    if parts.threshold_values or draft.of("every"):
        raise not_understood("a threshold on signals")
    if parts.statistic == "sum":
        pass
    elif parts.statistic == "average" and {item.value for item in parts.concepts} <= {"sentiment", "composite"}:
        parts.ask = replace(parts.ask, statistic=None)
    elif parts.statistic is not None:
        raise clarify(
            "That aggregate of a signal: by the hour or by the day?", ("hour by hour", f"{draft.question} hour by hour")
        )
    if not parts.concepts:
        raise clarify(
            "Which figure of the signal?",
            *[
                (label, f"{draft.question} {label}")
                for label in ("composite signal", "sentiment", "posts", "engagement")
            ],
        )
    if (
        not parts.tags
        and not draft.of("sup")
        and parts.by != "tag"
        and "tags" not in draft.lexed.words
        and "hashtags" not in draft.lexed.words
    ):
        raise clarify("Of which tag?", *[(f"#{tag}", f"{draft.question} #{tag}") for tag in draft.context.tags[:6]])
    values = _values(draft, parts)
    orders = draft.take("sup")
    limit = _limit(draft)
    if orders and limit is None and not parts.tags:
        if "hashtags" in draft.lexed.words or "tags" in draft.lexed.words:
            raise clarify("How many of them?", ("the first", None))
        limit = 1
    if orders and parts.tags and len(parts.tags) < 2:
        raise not_understood("an order of one tag")
    where = Among(dimension="tag", values=tuple(parts.tags)) if parts.tags else None
    kind: Kind = "change" if parts.ask.change else "compare" if len(parts.tags) > 1 else "top_n" if limit else "lookup"
    order = (Order(value=0, descending=bool(orders[0].value)),) if orders else ()
    return Plan(
        kind=kind,
        entity="tag",
        values=values,
        where=where,
        order=order,
        limit=limit,
        difference=apart and len(parts.tags) == 2,
    )


# --- companies ------------------------------------------------------------------------------------------------------


def _top(draft: Draft, parts: Parts) -> Plan:
    """The N highest or lowest, by the metric that the word of order belongs to."""
    first_noun = next((item.value for item in draft.of("noun")), None)
    who = draft.lexed.words[:2] in (
        ["who", "is"],
        ["which", "is"],
        ["who", "has"],
        ["whos"],
        ["what", "is"],
    ) or draft.lexed.raw[:1] in (["Who's"], ["who's"])
    which_sector = draft.lexed.words[:1] == ["which"] and len(draft.items) > 1 and draft.items[1].kind == "sector"
    singular = (
        who
        or first_noun == "one"
        or (
            not which_sector
            and not draft.has("noun")
            and not any(
                item.text.endswith("s") and item.value not in {"pe", "eps", "employees", "visits"}
                for item in parts.concepts
            )
        )
    )
    draft.take("noun")
    draft.take("everything")
    draft.take("follow", "sort")
    for item in draft.of(*PRICED):
        parts.concepts.append(Item("concept", PRICED[item.kind], item.at, item.end, item.text))
        item.kind = "sup"
    order_items = [*draft.take("sup"), *draft.take("movers"), *draft.take("good"), *draft.take("vague_sup")]
    moves = draft.take("move")
    limit = _limit(draft)
    if not order_items and not moves:
        raise clarify("The highest or the lowest, and by which figure?", ("highest", None), ("lowest", None))
    if parts.companies and len(parts.companies) < 2:
        raise not_understood("an order of one company")
    if parts.count or (parts.statistic is not None and parts.ask.statistic is None and parts.statistic != "sum"):
        raise not_understood("an order of an aggregate")
    if (moves or any(item.kind in {"movers", "good"} for item in order_items)) and not parts.concepts:
        movement = _movement(draft, parts)
        directions = {bool(item.value) for item in order_items if item.kind in {"movers", "good"}} | {
            item.value == 1 for item in moves
        }
        if any(item.kind == "good" for item in order_items) and not draft.of("percent") and parts.ask.when is None:
            raise _which_order(draft, best=True)
        if len(directions) != 1:
            raise not_understood("both directions at once")
        return _ordered(draft, parts, (movement,), descending=directions.pop(), limit=limit, singular=singular)
    if any(item.kind == "vague_sup" for item in order_items) and not parts.concepts:
        raise _which_order(draft, best=False)
    if not parts.concepts:
        raise _which_order(draft, best=False)
    first = _order_concept(draft, parts, order_items)
    if any(item.kind in {"good", "movers"} for item in order_items) and first.value not in {
        "change_pct",
        "return",
        "daily_return",
        "forecast_return",
        "forecast",
        "change",
    }:
        raise _which_order(draft, best=True)
    parts.concepts.sort(key=lambda item: item is not first)
    values = _values(draft, parts)
    directions = {bool(item.value) for item in order_items} or {item.value == 1 for item in moves}
    if len(directions) != 1:
        raise not_understood("both directions of order")
    descending = directions.pop()
    if (
        order_items
        and order_items[0].text in {"nearest", "closest", "furthest", "farthest"}
        and first.value not in _ASCENDING_IS_NEAR
    ):
        raise not_understood(f"“{order_items[0].text}”")
    if values[0].over == "drawdown" and order_items and order_items[0].text in {"largest", "worst", "biggest"}:
        descending = True
    return _ordered(draft, parts, values, descending=descending, limit=limit, singular=singular)


def _ordered(
    draft: Draft, parts: Parts, values: tuple[Measure, ...], *, descending: bool, limit: int | None, singular: bool
) -> Plan:
    draft.take("compare")
    compared = len(parts.companies) > 1
    if limit is None and not compared and not _ordered_list(draft):
        if not singular:
            raise clarify("How many of them?", *[(f"the first {n}", f"top {n}: {draft.question}") for n in (5, 10, 20)])
        limit = 1
    where = _and(_companies(parts), parts.where, Known(left=values[0]))
    extra = tuple(value for value in condition_values(_and(*parts.threshold_values)) if value not in values)
    return Plan(
        kind=_kind(parts, values, "compare" if compared else "top_n"),
        entity="company",
        values=(*values, *extra),
        attributes=tuple(parts.attributes),
        where=where,
        order=(Order(value=0, descending=descending),),
        limit=limit,
        chart=parts.chart,
    )


def _movement(draft: Draft, parts: Parts) -> Measure:
    ask = replace(parts.ask, change=False, statistic=None)
    concept = "return" if is_period(ask.when) else "change_pct"
    return measures(draft, concept, ask)[0]


def _order_concept(draft: Draft, parts: Parts, order_items: list[Item]) -> Item:
    """The metric after `by`, else the one next to the word of order, else the only one."""
    if len(parts.concepts) == 1:
        return parts.concepts[0]
    for by in draft.of("by_metric"):
        after = draft.neighbour(by, 1)
        if after in parts.concepts:
            by.used = True
            return cast("Item", after)
    for item in order_items:
        after = draft.neighbour(item, 1, "number", "noun")
        if after in parts.concepts:
            return cast("Item", after)
    raise clarify(
        "Ordered by which figure?", *[(item.text, f"{draft.question} by {item.text}") for item in parts.concepts]
    )


def _which_order(draft: Draft, *, best: bool) -> Stop:
    question = draft.question.rstrip("?. ")
    choices = [
        ("by change % today", "by change % today"),
        ("by market cap", "by market cap"),
        ("by volume", "by volume"),
    ]
    if best:
        choices.append(("by return year to date", "by return year to date"))
    else:
        choices += [("by price", "by price"), ("by employees", "by employees")]
    return clarify("Measured by what?", *[(label, f"{question} {words}") for label, words in choices])


def _fold(draft: Draft, parts: Parts) -> Plan:
    """Companies folded into one number, or one for each group."""
    nouns = draft.take("noun")
    draft.take("everything")
    by = (parts.by,) if parts.by in {"sector", "industry", "country", "city", "exchange"} else ()
    if parts.by and not by:
        raise not_understood(f"“by {parts.by}”")
    where = _and(_companies(parts), parts.where)
    names = {cast("str", item.value) for item in parts.concepts}
    if parts.count:
        if parts.companies and parts.concepts and names <= {"employees", "visits", "volume", "posts"}:
            parts.count = False
            return _of_companies(draft, parts)
        if names and names <= {"employees", "volume"} and parts.sectors and not nouns and parts.statistic is None:
            raise clarify("All of them added up?", ("the total", f"total {draft.question}"))
        moved = _moved(draft, parts)
        if parts.concepts or parts.companies or not (nouns or moved or parts.where):
            raise clarify("What should be counted?", ("companies", None))
        return _counted(draft, parts, _and(where, moved), by)
    if not parts.concepts:
        raise clarify(
            f"The {parts.statistic} of what?",
            ("market cap", f"{draft.question} market cap"),
            ("P/E", f"{draft.question} P/E"),
        )
    if parts.companies and len(parts.companies) == 1:
        word = cast("str", parts.statistic)
        name = parts.concepts[0].text
        raise clarify(
            f"The {word} {name} over which period?",
            *[
                (period, f"{draft.question} {period}")
                for period in ("this month", "the last 20 sessions", "year to date")
            ],
        )
    values = _values(draft, parts)
    statistic = cast("Statistic", parts.statistic)
    if statistic == "sum" and not all(METRICS[value.metric].additive for value in values):
        raise clarify("A sum of that says nothing. Which is meant?", ("average", None), ("median", None))
    if len(values) != 1:
        raise not_understood("an aggregate of several figures")
    order = (Order(value=0),) if by else ()
    return Plan(
        kind="aggregate",
        entity="company",
        values=values,
        where=_and(where, Known(left=values[0])),
        fold=Fold(statistic=statistic, by=by),
        order=order,
    )


def _counted(draft: Draft, parts: Parts, where: Condition | None, by: tuple[str, ...]) -> Plan:
    if parts.ask.when is not None and not condition_values(where):
        if parts.ask.when.kind not in {"now", "today"}:
            raise not_understood(f"“{parts.ask.when.text}”")
    order = (Order(value=0),) if by else ()
    return Plan(kind="aggregate", entity="company", where=where, fold=Fold(statistic="count", by=by), order=order)


def _of_companies(draft: Draft, parts: Parts) -> Plan:
    """Figures of one company, or of several side by side."""
    draft.take("compare")
    apart = bool(draft.take("apart"))
    several = len(parts.companies) > 1
    if apart or several:
        draft.take("between")
    up_to_now = bool(draft.take("word", "up_to_now"))
    on_day = bool(draft.take("word", "on_day"))
    if several:
        draft.take("or")
        # “Which of the two has the higher …?” puts them side by side.
        draft.take("cmp")
        if parts.concepts:
            draft.take("move")
            draft.take("vague_sup")
    if len(parts.concepts) > 1:
        draft.take("compare")
    if draft.has("unit", "sector") and not parts.concepts:
        draft.take("unit", "sector")
        parts.attributes.append("sector")
    if (
        not parts.concepts
        and not parts.attributes
        and parts.ask.when is None
        and "where" in draft.lexed.words
        and {"based", "headquartered", "located", "headquarters", "hq"} & set(draft.lexed.words)
    ):
        parts.attributes += ["city", "country"]
    if not parts.concepts and not parts.attributes and parts.ask.when is not None and parts.ask.when.kind == "since":
        parts.ask = replace(parts.ask, change=True)
    if (
        not parts.concepts
        and not parts.attributes
        and parts.ask.when is not None
        and "close" in parts.ask.when.text.split()
    ):
        parts.concepts = [Item("concept", "close", 0, 0, "close")]
    if (
        not parts.concepts
        and not parts.attributes
        and not parts.ask.change
        and is_period(parts.ask.when)
        and draft.lexed.words[:2] in (["how", "did"], ["how", "has"])
        and {"do", "done"} & set(draft.lexed.words)
    ):
        parts.concepts = [Item("concept", "return", 0, 0, "return")]
    if parts.where is not None:
        raise not_understood("a company together with a sector or a threshold")
    values: tuple[Measure, ...]
    if up_to_now and not parts.concepts_beyond_price():
        values = (
            Measure(
                metric="quote.price",
                time=timing.tick_time(draft, None),
                over="change_pct",
                base=Latest(),
                base_metric="quote.open",
            ),
        )
        for item in parts.concepts:
            item.used = True
        draft.take("move")
    elif on_day and not parts.concepts_beyond_price():
        values = measures(draft, "change_pct", replace(parts.ask, when=None, change=False))
        for item in parts.concepts:
            item.used = True
        draft.take("move")
    elif not parts.concepts and parts.ask.change:
        values = _plain_change(draft, parts)
    elif parts.concepts or parts.attributes:
        values = _values(draft, parts)
    else:
        raise _needs_metric(draft)
    if parts.statistic is not None and parts.ask.statistic is None:
        raise not_understood(f"“{parts.statistic}”")
    order: tuple[Order, ...] = ()
    if apart and (len(values) != 1 or len(parts.companies) != 2):
        raise clarify(
            "The difference between which two companies, in which figure?", ("name two companies and one figure", None)
        )
    kind: Kind = _kind(
        parts,
        values,
        "compare"
        if several
        else "change"
        if parts.ask.change or up_to_now
        else "calendar"
        if is_period(parts.ask.when) or is_day(parts.ask.when)
        else "lookup",
    )
    return Plan(
        kind=kind,
        entity="company",
        values=values,
        attributes=tuple(parts.attributes),
        where=_companies(parts),
        difference=apart,
        order=order,
        chart=parts.chart,
    )


def _plain_change(draft: Draft, parts: Parts) -> tuple[Measure, ...]:
    if parts.ask.when is None:
        question = draft.question.rstrip("?. ")
        raise clarify(
            "Since when?",
            *[
                (label, f"{question} {words}")
                for label, words in (
                    ("since the previous close", "since the previous close"),
                    ("this month", "this month"),
                    ("year to date", "year to date"),
                )
            ],
        )
    if parts.ask.when.kind in {"now", "today"}:
        return measures(draft, "change_pct", replace(parts.ask, change=False))
    return measures(draft, "price" if parts.ask.when.kind == "clock" else "change_pct", parts.ask)


def _list(draft: Draft, parts: Parts) -> Plan:
    """Companies under conditions."""
    nouns = draft.take("noun")
    draft.take("everything")
    moved = None if parts.threshold_values and not draft.of("move") else _moved(draft, parts)
    names = [cast("str", item.value) for item in parts.concepts]
    if len(names) > 1:
        draft.take("compare")
    if names == ["dividend"] and is_period(parts.ask.when):
        parts.concepts[0].used = True
        paid = Measure(metric="bar.dividend", time=timing.days_of(draft, cast("When", parts.ask.when)), over="sum")
        moved = _and(moved, Compare(left=paid, op=">", number=0.0))
        parts.concepts = []
    where = _and(parts.where, moved)
    if where is None or (
        not parts.threshold_values and moved is None and not nouns and not parts.concepts and not parts.attributes
    ):
        raise _needs_metric(draft)
    inside = condition_values(where)
    if parts.ask.when is not None and not inside and not parts.concepts:
        raise not_understood(f"“{parts.ask.when.text}”")
    if parts.concepts and not inside and not nouns and not draft.lexed.words[0].startswith("list"):
        raise clarify(
            "A figure of each company, or one for all of them?",
            ("of each company", f"companies: {draft.question}"),
            ("the average", f"average {draft.question}"),
            ("the median", f"median {draft.question}"),
        )
    values = (*inside, *(value for value in _values(draft, parts) if value not in inside))
    return Plan(
        kind=_kind(parts, values, "filter"),
        entity="company",
        values=values,
        attributes=tuple(parts.attributes),
        where=where,
        chart=parts.chart,
    )
