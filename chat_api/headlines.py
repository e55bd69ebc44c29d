"""Plans about news as SQL: stories, the newest first, and counts of them."""

from __future__ import annotations

from chat_api.context import Context
from chat_api.entities import describe
from chat_api.plan import AllOf, Among, ColumnInfo, Compiled, Condition, Headlines, Plan
from chat_api.sources import literal, words
from lake.market_calendar import NEW_YORK

_ZONE = "America/New_York"
_COUNT = ColumnInfo(name="headlines", label="headlines", unit="headlines")
_TOLD = (
    ColumnInfo(name="published_at", label="published", role="dimension", zone=_ZONE),
    ColumnInfo(name="symbol", label="ticker", role="dimension"),
    ColumnInfo(name="name", label="name", role="dimension"),
    ColumnInfo(name="headline", label="headline"),
    ColumnInfo(name="publisher", label="publisher", role="extra"),
    ColumnInfo(name="url", label="link", role="extra"),
)
# Of these a row of the mart has one; nothing else of a plan becomes a name in the SQL.
_DIMENSIONS = {"symbol": "ticker", "sector": "sector", "industry": "industry", "publisher": "publisher"}


def compile_headlines(plan: Plan, asked: Headlines, context: Context, most: int) -> Compiled:
    """One SELECT over the mart `news`; a story about several companies counts once, but for each of them by company."""
    where = " AND ".join(_conditions(plan, asked)) or "TRUE"
    limit = min(plan.limit or most, most)
    if asked.by is not None:
        sql, columns = _by(asked.by, where)
    elif asked.counted:
        column = _COUNT.model_copy(update={"label": f"headlines{_about(plan, asked, context)}"})
        sql, columns = f"SELECT count(DISTINCT url) AS headlines FROM marts.news WHERE {where}", (column,)  # noqa: S608 - names from here, values quoted
    else:
        names = ", ".join(column.name for column in _TOLD)
        once = "row_number() OVER (PARTITION BY url ORDER BY symbol) AS nth"
        sql = (
            f"SELECT {names} FROM (SELECT {names}, {once} FROM marts.news WHERE {where}) AS told "  # noqa: S608 - names from here, values quoted
            "WHERE nth = 1 ORDER BY published_at DESC, url"
        )
        columns = _TOLD
    return Compiled(sql=f"{sql} LIMIT {limit}", columns=columns, as_of=_as_of(asked), marts=("news",))


def _by(dimension: str, where: str) -> tuple[str, tuple[ColumnInfo, ...]]:
    who = [ColumnInfo(name=dimension, label=_DIMENSIONS[dimension], role="dimension")]
    if dimension == "symbol":
        who.append(ColumnInfo(name="name", label="name", role="dimension"))
    names = ", ".join(column.name for column in who)
    sql = (
        f"SELECT {names}, count(DISTINCT url) AS headlines FROM marts.news WHERE {where} "  # noqa: S608 - names from here, values quoted
        f"GROUP BY {names} ORDER BY headlines DESC, {names}"
    )
    return sql, (*who, _COUNT)


def _conditions(plan: Plan, asked: Headlines) -> list[str]:
    found = [_among(part) for part in _parts(plan.where)]
    if asked.time is not None:
        found.append(
            f"published_at >= {literal(asked.time.start)} AND published_at < {literal(asked.time.end)}",
        )
    if asked.search is not None:
        found.append(f"search @@ websearch_to_tsquery('english', {literal(asked.search)})")
    return found


def _parts(where: Condition | None) -> list[Among]:
    parts = where.parts if isinstance(where, AllOf) else [where] if where is not None else []
    return [part for part in parts if isinstance(part, Among) and part.dimension in _DIMENSIONS]


def _among(part: Among) -> str:
    return f"{part.dimension} {'NOT ' if part.negated else ''}IN ({words(part.values)})"


def _about(plan: Plan, asked: Headlines, context: Context) -> str:
    named = [symbol for part in _parts(plan.where) if part.dimension == "symbol" for symbol in part.values]
    about = f" about {', '.join(describe(symbol, context) for symbol in named)}" if named else ""
    return f"{about} with the words “{asked.search}”" if asked.search else about


def _as_of(asked: Headlines) -> str:
    until = f"collected up to {asked.until}" if asked.until else "as collected"
    if asked.time is None:
        return f"all that is held, {until}"
    start, end = (f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" for at in (asked.time.start, asked.time.end))
    return f"published from {start} to {end} New York time, {until}"
