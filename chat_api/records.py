"""Plans over records of what came and what was: coverage, the universe's members, companies' earlier descriptions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from chat_api.context import Context
from chat_api.plan import (
    AllOf,
    Among,
    ColumnInfo,
    Compare,
    Compiled,
    Condition,
    Day,
    Days,
    Instant,
    Instants,
    Latest,
    Measure,
    Plan,
    Time,
)
from chat_api.sources import literal, words
from chat_api.vocabulary import METRICS
from lake.market_calendar import NEW_YORK

ENTITIES = frozenset({"coverage", "member", "version"})
_TICKER = ColumnInfo(name="symbol", label="ticker", role="dimension")
_NAME = ColumnInfo(name="name", label="name", role="dimension")
_SECTOR = ColumnInfo(name="sector", label="sector", role="dimension")
_TICK = ColumnInfo(name="tick", label="tick", role="dimension", zone="America/New_York")


def compiled(plan: Plan, context: Context, most: int) -> Compiled:
    """One SELECT for a plan about coverage, members of the universe or versions of a company."""
    if plan.entity == "coverage":
        return _counts(plan, most) if plan.bucket == "tick" or plan.fold is not None else _missing(plan, most)
    if plan.entity == "member":
        return _members(plan, context, most)
    return _described(plan, most) if _measures(plan)[0].over == "value" else _changes(plan, context, most)


def _measures(plan: Plan) -> list[Measure]:
    return [value for value in plan.values if isinstance(value, Measure)]


def _parts(where: Condition | None) -> tuple[Condition, ...]:
    return () if where is None else where.parts if isinstance(where, AllOf) else (where,)


def _among(plan: Plan, table: str) -> list[str]:
    """The lists of tickers and sectors as SQL."""
    found = [part for part in _parts(plan.where) if isinstance(part, Among)]
    return [f"{table}.{one.dimension} {'NOT ' if one.negated else ''}IN ({words(one.values)})" for one in found]


def _limit(plan: Plan, metric: str) -> float | None:
    found = [part for part in _parts(plan.where) if isinstance(part, Compare) and part.left.metric == metric]
    return found[0].number if found else None


# --- coverage -------------------------------------------------------------------------------------------------------


def _ticks(time: Time) -> tuple[str, str]:
    """The ticks as SQL, and for people."""
    if isinstance(time, Instant):
        return f"coverage.tick = {literal(time.at)}", f"tick {_tick_text(time.at)}"
    if not isinstance(time, Instants):
        raise ValueError(f"no such time of ticks: {time.type}")
    sql = f"coverage.tick >= {literal(time.start)} AND coverage.tick < {literal(time.end)}"
    return sql, f"ticks {_tick_text(time.start)} to {_tick_text(time.end)}"


def _tick_text(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York time"


def _counts(plan: Plan, most: int) -> Compiled:
    measures = _measures(plan)
    where, as_of = _ticks(measures[0].time)
    key = _TICK if plan.fold is None else _SECTOR
    infos, shown = [key], [f"coverage.{key.name} AS {key.name}"]
    for measure in measures:
        metric = METRICS[measure.metric]
        name = metric.name.split(".")[1]
        infos.append(ColumnInfo(name=name if name != "share" else "coverage_pct", label=metric.label, unit=metric.unit))
        shown.append(f"{metric.column} AS {infos[-1].name}")
    gaps = _limit(plan, "coverage.missing")
    having = f" HAVING {METRICS['coverage.missing'].column} > {literal(gaps)}" if gaps is not None else ""
    conditions = " AND ".join([where, *_among(plan, "coverage")])
    sql = (
        f"SELECT {', '.join(shown)} FROM marts.coverage AS coverage WHERE {conditions} "
        f"GROUP BY coverage.{key.name}{having} ORDER BY {key.name} LIMIT {most}"
    )
    return Compiled(sql=sql, columns=tuple(infos), as_of=as_of, marts=("coverage",))


def _missing(plan: Plan, most: int) -> Compiled:
    measures = _measures(plan)
    where, as_of = _ticks(measures[0].time)
    conditions = [where, *_among(plan, "coverage")]
    if _limit(plan, "coverage.missing") is not None:
        conditions.append("NOT coverage.received")
    infos = [_TICK, _TICKER, _NAME, _SECTOR]
    shown = ["coverage.tick AS tick", "coverage.symbol AS symbol", "named.name AS name", "coverage.sector AS sector"]
    for measure in measures:
        metric = METRICS[measure.metric]
        infos.append(ColumnInfo(name=metric.column, label=metric.label))
        shown.append(f"coverage.{metric.column} AS {metric.column}")
    sql = (
        f"SELECT {', '.join(shown)} FROM marts.coverage AS coverage "
        "LEFT JOIN (SELECT symbol, name FROM marts.companies WHERE is_current) AS named ON named.symbol = coverage.symbol "
        f"WHERE {' AND '.join(conditions)} ORDER BY tick, symbol LIMIT {most}"
    )
    return Compiled(sql=sql, columns=tuple(infos), as_of=as_of, marts=("coverage", "companies"))


# --- the universe ---------------------------------------------------------------------------------------------------


def _members(plan: Plan, context: Context, most: int) -> Compiled:
    """Sessions on which companies came in or were gone, told by the recorded session before or after."""
    time_of = _measures(plan)[0].time
    held = context.universe_days
    if isinstance(time_of, Days) and time_of.base is not None:
        span, since, begun = (time_of.base, time_of.end), time_of.start, False
    elif held:
        span, since, begun = (held[0], held[-1]), held[0], True
    else:
        raise ValueError("no session of the universe is loaded")
    between = f"BETWEEN {literal(span[0])} AND {literal(span[1])}"
    conditions = [f"listed.session {between}", *_among(plan, "listed")]
    places = _limit(plan, "member.rank")
    if places is not None:
        conditions.append(f"listed.rank <= {literal(places)}")
    # Every session has a first of each sector: the sessions in few rows.
    days = (
        "SELECT session, lag(session) OVER (ORDER BY session) AS before, lead(session) OVER (ORDER BY session) AS following "
        f"FROM (SELECT DISTINCT session FROM marts.universe WHERE rank = 1 AND session {between}) AS recorded"
    )
    own = "OVER (PARTITION BY listed.symbol, listed.sector ORDER BY listed.session)"
    stays = (
        "SELECT listed.session, listed.symbol, listed.name, listed.sector, listed.rank, days.before, days.following, "
        f"lag(listed.session) {own} AS held_before, lead(listed.session) {own} AS held_after "
        f"FROM marts.universe AS listed JOIN days ON days.session = listed.session WHERE {' AND '.join(conditions)}"
    )
    asked = {measure.metric for measure in _measures(plan)}
    moves = []
    if "member.entered" in asked:
        first = "before IS NULL OR " if begun else ""
        moves.append(
            "SELECT session, symbol, name, sector, rank, CASE WHEN before IS NULL THEN 'in it when the record began' "
            f"ELSE 'entered' END AS change FROM stays WHERE {first}(before IS NOT NULL AND held_before IS DISTINCT FROM before)"
        )
    if "member.left" in asked:
        moves.append(
            "SELECT following AS session, symbol, name, sector, rank, 'left' AS change FROM stays "
            "WHERE following IS NOT NULL AND held_after IS DISTINCT FROM following"
        )
    sql = (
        f"WITH days AS ({days}), stays AS ({stays}), moves AS ({' UNION ALL '.join(moves)}) "
        f"SELECT session, symbol, name, sector, change, rank FROM moves WHERE session >= {literal(since)} "
        f"ORDER BY session, symbol, change LIMIT {most}"
    )
    session = ColumnInfo(name="session", label="session", role="dimension")
    change = ColumnInfo(name="change", label="change")
    rank = ColumnInfo(name="rank", label="rank by market cap then", role="extra")
    columns = (session, _TICKER, _NAME, _SECTOR, change, rank)
    return Compiled(sql=sql, columns=columns, as_of=f"sessions {since} to {span[1]}", marts=("universe",))


# --- companies ------------------------------------------------------------------------------------------------------


def _fields(plan: Plan) -> list[tuple[str, str, str | None]]:
    return [(METRICS[m.metric].column, METRICS[m.metric].label, METRICS[m.metric].unit) for m in _measures(plan)]


def _described(plan: Plan, most: int) -> Compiled:
    """The description in force at the end of a day."""
    at = _measures(plan)[0].time
    if not isinstance(at, Day):
        raise ValueError(f"no such time of a description: {at.type}")
    end = literal(_end_of(at.day))
    fields = _fields(plan)
    infos = [_TICKER, _NAME, *(ColumnInfo(name=n, label=label, unit=unit) for n, label, unit in fields if n != "name")]
    sql = (
        f"SELECT {', '.join(f'held.{info.name} AS {info.name}' for info in infos)} FROM marts.companies AS held "
        f"WHERE {' AND '.join(_among(plan, 'held'))} AND held.valid_from <= {end} "
        f"AND (held.valid_to IS NULL OR held.valid_to > {end}) ORDER BY symbol LIMIT {most}"
    )
    return Compiled(sql=sql, columns=tuple(infos), as_of=f"end of {at.day} New York time", marts=("companies",))


def _changes(plan: Plan, context: Context, most: int) -> Compiled:
    """When fields of a description changed, from what to what."""
    fields = _fields(plan)
    kept = ", ".join(
        f"held.{name} AS {name}_after, lag(held.{name}) OVER (PARTITION BY held.symbol ORDER BY held.valid_from) AS {name}_before"
        for name, _, _ in fields
    )
    conditions = [
        "nth > 1",
        f"({' OR '.join(f'{name}_after IS DISTINCT FROM {name}_before' for name, _, _ in fields)})",
    ]
    span = _measures(plan)[0].time
    as_of = f"changes up to {context.now.astimezone(NEW_YORK):%Y-%m-%d}"
    if isinstance(span, Days):
        first = datetime.combine(span.start, time.min, NEW_YORK).astimezone(UTC)
        conditions.append(f"changed_at >= {literal(first)} AND changed_at <= {literal(_end_of(span.end))}")
        as_of = f"changes from {span.start} to {span.end}"
    elif not isinstance(span, Latest):
        raise ValueError(f"no such time of changes: {span.type}")
    changed = ColumnInfo(name="changed_at", label="changed", role="dimension", zone="America/New_York")
    infos = [changed, _TICKER, _NAME]
    for name, label, unit in fields:
        infos.append(ColumnInfo(name=f"{name}_before", label=f"{label} before", unit=unit))
        infos.append(ColumnInfo(name=f"{name}_after", label=f"{label} after", unit=unit))
    sql = (
        f"WITH versions AS (SELECT held.valid_from AS changed_at, held.symbol, held.name, {kept}, "
        "row_number() OVER (PARTITION BY held.symbol ORDER BY held.valid_from) AS nth "
        f"FROM marts.companies AS held WHERE {' AND '.join(_among(plan, 'held'))}) "
        f"SELECT {', '.join(info.name for info in infos)} FROM versions WHERE {' AND '.join(conditions)} "
        f"ORDER BY changed_at, symbol LIMIT {most}"
    )
    return Compiled(sql=sql, columns=tuple(infos), as_of=as_of, marts=("companies",))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, NEW_YORK).astimezone(UTC)
