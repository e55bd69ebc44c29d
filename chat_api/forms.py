"""The forms of an answer as SQL: rows, a rank, a fold, a share; each gives the SELECT and its columns."""

from __future__ import annotations

from chat_api.build import Build, PlanError
from chat_api.plan import AllOf, Among, ColumnInfo, Measure, Ratio
from chat_api.sources import alias_of, label_of, literal, time_text, unit_of, words
from chat_api.vocabulary import METRICS

_DIMENSION_LABELS = {
    "symbol": "ticker",
    "name": "name",
    "sector": "sector",
    "industry": "industry",
    "tag": "tag",
    "cik": "CIK",
    "city": "city",
    "country": "country",
    "exchange": "exchange",
    "currency": "currency",
}


def _who(build: Build) -> list[ColumnInfo]:
    shown = ["symbol", "name"] if build.plan.entity in {"company", "index"} else [build.base.key]
    shown += [name for name in build.plan.attributes if name not in shown]
    if (
        "sector" not in shown
        and build.plan.entity == "company"
        and any(n == "sector" for n in build.dimensions())
        and "sector" in build.base_who
    ):
        shown.append("sector")
    shown += [
        name for name in build.dimensions() if name in {"industry", "country", "city", "exchange"} and name not in shown
    ]
    if build.base.mart == "visits_day" and build.plan.entity == "company":
        shown.append("cik")
    return [ColumnInfo(name=name, label=_DIMENSION_LABELS.get(name, name), role="dimension") for name in shown]


def _value_columns(build: Build) -> list[tuple[str, ColumnInfo]]:
    found: list[tuple[str, ColumnInfo]] = []
    used = {info.name for info in _who(build)}
    for value in build.plan.values:
        first = value.over if isinstance(value, Ratio) else value
        name = (
            alias_of(first) if not isinstance(value, Ratio) else f"{alias_of(value.over)}_per_{alias_of(value.under)}"
        )
        unique, n = name, 2
        while unique in used:
            unique, n = f"{name}_{n}", n + 1
        used.add(unique)
        label = (
            label_of(first) if not isinstance(value, Ratio) else f"{label_of(value.over)} per {label_of(value.under)}"
        )
        unit = unit_of(first) if not isinstance(value, Ratio) else f"{unit_of(value.over)} per {unit_of(value.under)}"
        zone = "America/New_York" if unit == "UTC" else None
        found.append(
            (
                build.value(value),
                ColumnInfo(name=unique, label=label, unit=None if unit == "UTC" else unit, zone=zone),
            )
        )
        found.extend(_beside(build, first, used))
    return found


def _beside(build: Build, measure: Measure, used: set[str]) -> list[tuple[str, ColumnInfo]]:
    """Beside a change: the earlier and the later value, and the other form of the change."""
    if measure.over not in {"change", "change_pct"} or measure.base is None:
        return []
    metric, base = METRICS[measure.metric], METRICS[measure.base_metric or measure.metric]
    place = build.place(measure)
    new, old = _inside(place)
    found = []
    other = (
        f"({new} - {old})"
        if measure.over == "change_pct"
        else f"(({new} / NULLIF({old}, 0)::double precision - 1) * 100)"
    )
    name = alias_of(measure.model_copy(update={"over": "change" if measure.over == "change_pct" else "change_pct"}))
    for expression, alias, label, unit in (
        (other, name, f"change of {metric.label}", metric.unit if measure.over == "change_pct" else "percent"),
        (old, "earlier", f"{base.label}, {time_text(base, measure.base, build.context)}", base.unit),
        (new, "later", f"{metric.label}, {time_text(metric, measure.time, build.context)}", metric.unit),
    ):
        if alias not in used:
            used.add(alias)
            found.append((expression, ColumnInfo(name=alias, label=label, unit=unit, role="extra")))
    return found


def rows_form(build: Build, where: str) -> tuple[str, list[ColumnInfo]]:
    who = _who(build)
    shown = [f"{build.dimension(info.name)} AS {info.name}" for info in who]
    values = _value_columns(build)
    shown += [f"{expression} AS {info.name}" for expression, info in values]
    columns = [*who, *(info for _, info in values)]
    if build.plan.difference:
        expression, info = values[0]
        shown.append(f"{_difference(build, expression)} AS difference")
        columns.append(ColumnInfo(name="difference", label=f"difference in {info.label}", unit=info.unit))
    order = [
        f"{values[one.value][0] if one.value is not None else shown[0]} {'DESC' if one.descending else 'ASC'} NULLS LAST"
        for one in build.plan.order
    ]
    order.append(_listed(build) or f"{build.base.name}.{build.base.key}")
    return f"SELECT {', '.join(shown)} FROM {build.joins()}{where} ORDER BY {', '.join(order)}", columns


def _named(build: Build) -> tuple[str, tuple[str, ...]] | None:
    where = build.plan.where
    for part in where.parts if isinstance(where, AllOf) else (where,) if where is not None else ():
        if isinstance(part, Among) and part.dimension == build.base.key and not part.negated:
            return part.dimension, part.values
    return None


def _listed(build: Build) -> str | None:
    """Entities that were named come in the order they were named."""
    named = _named(build)
    if named is None or len(named[1]) < 2 or build.base.mart == "visits_day":
        return None
    cases = " ".join(f"WHEN {literal(value)} THEN {n}" for n, value in enumerate(named[1]))
    return f"CASE {build.base.name}.{named[0]} {cases} END"


def _difference(build: Build, expression: str) -> str:
    named = _named(build)
    if named is None or len(named[1]) != 2:
        raise PlanError("a difference needs two entities")
    key = f"{build.base.name}.{named[0]}"
    first, second = (f"max(CASE WHEN {key} = {literal(value)} THEN {expression} END) OVER ()" for value in named[1])
    return f"{first} - {second}"


def rank_form(build: Build, where: str) -> tuple[str, list[ColumnInfo]]:
    assert build.plan.rank is not None
    values = _value_columns(build)
    expression, info = values[0]
    who = _who(build)
    key = build.base.key
    order = "DESC" if build.plan.rank.descending else "ASC"
    shown = [f"{build.dimension(one.name)} AS {one.name}" for one in who]
    known = f"{where} AND {expression} IS NOT NULL" if where else f" WHERE {expression} IS NOT NULL"
    inner = f"SELECT {', '.join(shown)}, rank() OVER (ORDER BY {expression} {order}) AS rank, count(*) OVER () AS among, {expression} AS {info.name} FROM {build.joins()}{known}"
    names = ", ".join([*(one.name for one in who), "rank", "among", info.name])
    chosen = f"{key} IN ({words(build.plan.rank.of)})"
    if build.base.mart == "visits_day":
        chosen = build.among(Among(dimension="symbol", values=build.plan.rank.of)).replace(f"{build.base.name}.", "")
    columns = [
        *who,
        ColumnInfo(name="rank", label="rank"),
        ColumnInfo(name="among", label="among", role="extra"),
        info,
    ]
    return f"SELECT {names} FROM ({inner}) AS ranked WHERE {chosen} ORDER BY rank", columns


def fold_form(build: Build, where: str) -> tuple[str, list[ColumnInfo]]:
    fold = build.plan.fold
    assert fold is not None
    groups = [f"{build.dimension(name)} AS {name}" for name in fold.by]
    group = f" GROUP BY {', '.join(build.dimension(name) for name in fold.by)}" if fold.by else ""
    columns = [ColumnInfo(name=name, label=_DIMENSION_LABELS.get(name, name), role="dimension") for name in fold.by]
    if fold.statistic == "count":
        expression, info = "count(*)", ColumnInfo(name="companies", label="companies", unit="companies")
    else:
        place, first = _value_columns(build)[0]
        function = {
            "sum": f"sum({place})",
            "average": f"avg({place})",
            "median": f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {place})",
            "max": f"max({place})",
            "min": f"min({place})",
        }[fold.statistic]
        expression = function
        info = ColumnInfo(
            name=f"{first.name}_{fold.statistic}",
            label=f"{'total' if fold.statistic == 'sum' else fold.statistic} {first.label}",
            unit=first.unit,
        )
    shown = [*groups, f"{expression} AS {info.name}"]
    columns.append(info)
    if fold.statistic not in {"count"}:
        shown.append("count(*) AS companies")
        columns.append(ColumnInfo(name="companies", label="companies", unit="companies", role="extra"))
    order = f" ORDER BY {info.name} DESC NULLS LAST, {fold.by[0]}" if fold.by else ""
    return f"SELECT {', '.join(shown)} FROM {build.joins()}{where}{group}{order}", columns


def share_form(build: Build, where: str) -> tuple[str, list[ColumnInfo]]:
    share = build.plan.share
    assert share is not None
    value = build.value(build.plan.values[0]) if build.plan.values else None
    unit = (
        unit_of(build.plan.values[0])
        if build.plan.values and isinstance(build.plan.values[0], Measure)
        else "companies"
    )
    share_column = ColumnInfo(name="share_pct", label="share", unit="percent")
    part_column = ColumnInfo(name="part", label="part", unit=unit, role="extra")
    whole_column = ColumnInfo(name="whole", label="whole", unit=unit, role="extra")
    total = f"sum({value})" if value else "count(*)"
    if share.by:
        place = build.dimension(share.by)
        shown = (
            f"{place} AS {share.by}, 100.0 * {total} / NULLIF(sum({total}) OVER (), 0) AS share_pct, {total} AS part"
        )
        columns = [
            ColumnInfo(name=share.by, label=_DIMENSION_LABELS.get(share.by, share.by), role="dimension"),
            share_column,
            part_column,
        ]
        return (
            f"SELECT {shown} FROM {build.joins()}{where} GROUP BY {place} ORDER BY share_pct DESC NULLS LAST, {share.by}",
            columns,
        )
    if share.part is None:
        raise PlanError("a share needs a part or a grouping")
    part = f"{total} FILTER (WHERE {build.condition(share.part)})"
    shown = f"100.0 * {part} / NULLIF({total}, 0) AS share_pct, {part} AS part, {total} AS whole"
    return f"SELECT {shown} FROM {build.joins()}{where}", [share_column, part_column, whole_column]


def _inside(place: str) -> tuple[str, str]:
    """The later and the earlier value in the expression of a change."""
    if " - 1) * 100)" in place:
        new, rest = place.removeprefix("((").split(" / NULLIF(", 1)
        return new, rest.split(", 0)", 1)[0]
    new, old = place.removeprefix("(").removesuffix(")").split(" - ", 1)
    return new, old
