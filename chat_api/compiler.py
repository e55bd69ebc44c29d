"""The one compiler: a plan to one bounded SELECT over the marts.

The offline reader's plans and any model's pass through here alike. Only names of the vocabulary become columns and
only values become literals; nothing of a question's text reaches the SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_api import rows
from chat_api.context import Context
from chat_api.plan import (
    AllOf,
    Among,
    AnyOf,
    ColumnInfo,
    Compare,
    Compiled,
    Condition,
    Days,
    Known,
    Largest,
    Measure,
    Not,
    Plan,
    Ratio,
    Value,
)  # fmt: skip
from chat_api.sources import (
    WHO,
    Source,
    aggregate,
    alias_of,
    drawdown_rows,
    forecast_rows,
    label_of,
    literal,
    predicate,
    time_text,
    unit_of,
    words,
)  # fmt: skip
from chat_api.vocabulary import METRICS

MOST_ROWS = 2000
_DIMENSION_LABELS = {"symbol": "ticker", "name": "name", "sector": "sector", "industry": "industry", "tag": "tag", "cik": "CIK", "city": "city", "country": "country", "exchange": "exchange"}


class PlanError(ValueError):
    """A plan that cannot be compiled; the text says why."""


def compile(plan: Plan, context: Context) -> Compiled:
    """One SELECT for a plan.

    Raises:
        PlanError: when the plan names an unknown metric, or asks for what its entity does not have.
    """
    for measure in measures_of(plan):
        if measure.metric not in METRICS or (measure.base_metric or measure.metric) not in METRICS:
            raise PlanError(f"no metric {measure.metric!r}")
    if plan.entity == "table":
        return rows.tables(plan, context)
    if plan.entity == "role":
        return rows.roles(plan, context)
    if plan.entity == "session" or plan.bucket is not None:
        return rows.series(plan, context, MOST_ROWS)
    return Build(plan, context).compiled()


def measures_of(plan: Plan) -> list[Measure]:
    """Every measure in a plan, conditions included, each once."""
    found: list[Measure] = []
    for value in plan.values:
        found.extend([value.over, value.under] if isinstance(value, Ratio) else [value])
    parts = [part for part in (plan.where, plan.share.part if plan.share else None) if part is not None]
    while parts:
        node = parts.pop(0)
        if isinstance(node, Compare):
            found.extend(m for m in (node.left, node.right) if m is not None)
        elif isinstance(node, Known):
            found.append(node.left)
        elif isinstance(node, Largest):
            found.append(node.measure)
        elif isinstance(node, AllOf | AnyOf):
            parts.extend(node.parts)
        elif isinstance(node, Not):
            parts.append(node.part)
    return list(dict.fromkeys(found))


@dataclass
class Build:
    """A SELECT under way: its sources, and where each measure is found in them."""

    plan: Plan
    context: Context
    sources: dict[object, Source] = field(default_factory=dict)
    placed: dict[Measure, str] = field(default_factory=dict)

    def compiled(self) -> Compiled:
        """The SELECT in the plan's form."""
        plan = self.plan
        for measure in measures_of(plan):
            self.place(measure)
        if not self.sources:
            self._company_source()
        if plan.entity == "company" and any(name not in self.base_who for name in self._dimensions()):
            self._company_source()
        where = f" WHERE {self.condition(plan.where)}" if plan.where is not None else ""
        if plan.rank is not None:
            select, columns = self._rank(where)
        elif plan.share is not None:
            select, columns = self._share(where)
        elif plan.fold is not None:
            select, columns = self._fold(where)
        else:
            select, columns = self._rows(where)
        narrowed = self._narrowed()
        tables = ", ".join(f"{source.name} AS ({source.sql(narrowed if source.key == 'symbol' and source.mart != 'visits_day' else '')})" for source in self.sources.values())
        limit = min(plan.limit or MOST_ROWS, MOST_ROWS)
        sql = f"WITH {tables} {select} LIMIT {limit}"
        return Compiled(sql=sql, columns=tuple(columns), as_of=self.as_of(), marts=tuple(dict.fromkeys(source.mart for source in self.sources.values())))

    # --- sources ---

    @property
    def base(self) -> Source:
        """The source that the others are joined to."""
        return next(iter(self.sources.values()))

    @property
    def base_who(self) -> tuple[str, ...]:
        """The columns that say who, where the base has them."""
        return WHO[self.base.mart]

    def place(self, measure: Measure) -> str:
        """Where a measure's value is found: an alias of a source."""
        if measure in self.placed:
            return self.placed[measure]
        if measure.over in {"change", "change_pct", "return"}:
            place = self._change(measure)
        else:
            place = self._plain(measure)
        self.placed[measure] = place
        return place

    def _plain(self, measure: Measure) -> str:
        metric = METRICS[measure.metric]
        grouped = measure.over != "value" or metric.subject == "signal"
        drawdown = measure.over == "drawdown"
        key = (metric.mart, measure.time, measure.role, grouped, drawdown)
        where = predicate(metric, measure.time, self.context, measure.role)
        source = self._source(key, metric.mart, where, grouped)
        if metric.subject == "forecast":
            source.inner = forecast_rows(where)
        if drawdown:
            source.inner = drawdown_rows(where)
            expression = "max(1 - adj_close / peak) * 100"
        elif metric.subject == "signal" and measure.over == "value":
            expression = f"max({metric.column})"
        elif grouped:
            expression = aggregate(metric, measure.over, measure.time)
        else:
            expression = metric.column
        return self._column(source, alias_of(measure), expression)

    def _source(self, key: object, mart: str, where: str, grouped: bool) -> Source:
        if key not in self.sources:
            self.sources[key] = Source(f"s{len(self.sources)}", mart, where, grouped)
        return self.sources[key]

    def _column(self, source: Source, alias: str, expression: str) -> str:
        name, n = alias, 2
        while name in source.columns and source.columns[name] != expression:
            name, n = f"{alias}_{n}", n + 1
        if name in WHO[source.mart]:
            return f"{source.name}.{name}"
        source.columns[name] = expression
        return f"{source.name}.{name}"

    def _change(self, measure: Measure) -> str:
        """The later value against the earlier: of one metric, or of one against another."""
        time = measure.time
        if measure.over == "return":
            if not isinstance(time, Days) or time.base is None:
                raise PlanError("a return needs the session before its period")
            from chat_api.plan import Day

            later = Measure(metric="bar.adj_close", time=Day(day=time.end))
            earlier = Measure(metric="bar.adj_close", time=Day(day=time.base))
        else:
            if measure.base is None:
                raise PlanError("a change needs an earlier time")
            over = "value"
            metric = METRICS[measure.metric]
            if metric.subject in {"attention", "signal"}:
                over = "average" if metric.weight else "sum"
            later = Measure(metric=measure.metric, time=time, role=measure.role, over=over)  # type: ignore[arg-type]
            earlier = Measure(metric=measure.base_metric or measure.metric, time=measure.base, role=measure.role, over=over)  # type: ignore[arg-type]
        new, old = self.place(later), self.place(earlier)
        if measure.over == "change":
            return f"({new} - {old})"
        return f"(({new} / NULLIF({old}, 0)::double precision - 1) * 100)"

    def _company_source(self) -> None:
        key = "companies"
        if not any(source.mart == "companies" for source in self.sources.values()):
            source = self._source(key, "companies", "is_current", False)
            for name in self._dimensions():
                if name not in WHO["companies"]:
                    source.columns[name] = name

    def _dimensions(self) -> list[str]:
        names = list(self.plan.attributes)
        names += self.plan.fold.by if self.plan.fold else ()
        if self.plan.share and self.plan.share.by:
            names.append(self.plan.share.by)
        parts = [self.plan.where] if self.plan.where else []
        while parts:
            node = parts.pop()
            if isinstance(node, Among):
                names.append(node.dimension)
            elif isinstance(node, AllOf | AnyOf):
                parts.extend(node.parts)
            elif isinstance(node, Not):
                parts.append(node.part)
        return list(dict.fromkeys(names))

    def _narrowed(self) -> str:
        """A condition on tickers, where the plan has one for all its rows."""
        where = self.plan.where
        for part in where.parts if isinstance(where, AllOf) else (where,) if where is not None else ():
            if isinstance(part, Among) and part.dimension == "symbol" and not part.negated:
                return f" AND symbol IN ({words(part.values)})"
        return ""

    def joins(self) -> str:
        """All sources, joined by their key."""
        base = self.base
        rest = [source for source in self.sources.values() if source is not base]
        return f"{base.name}" + "".join(f" LEFT JOIN {source.name} ON {source.name}.{base.key} = {base.name}.{base.key}" for source in rest)

    # --- conditions and values ---

    def value(self, value: Value) -> str:
        """A value as SQL."""
        if isinstance(value, Ratio):
            return f"({self.place(value.over)} / NULLIF({self.place(value.under)}, 0)::double precision)"
        return self.place(value)

    def dimension(self, name: str) -> str:
        """A descriptive column as SQL."""
        if name in self.base_who:
            return f"{self.base.name}.{name}"
        for source in self.sources.values():
            if name in WHO[source.mart] or name in source.columns:
                return f"{source.name}.{name}"
        raise PlanError(f"no {name} beside {self.base.mart}")

    def condition(self, node: Condition) -> str:
        """A condition as SQL."""
        if isinstance(node, Compare):
            right = literal(node.number) if node.number is not None else self.value(node.right) if node.right else "NULL"
            right = f"{literal(node.factor)} * {right}" if node.right is not None and node.factor != 1 else right
            return f"{self.value(node.left)} {'<>' if node.op == '!=' else node.op} {right}"
        if isinstance(node, Known):
            return f"{self.value(node.left)} IS {'NOT ' if node.known else ''}NULL"
        if isinstance(node, Among):
            return self._among(node)
        if isinstance(node, Largest):
            place = self.place(node.measure)
            source, column = place.split(".")
            key = f"{self.base.name}.{self.base.key}"
            order = "DESC" if node.descending else "ASC"
            return f"{key} IN (SELECT {self.base.key} FROM {source} WHERE {column} IS NOT NULL ORDER BY {column} {order}, {self.base.key} LIMIT {node.limit})"
        if isinstance(node, Not):
            return f"NOT ({self.condition(node.part)})"
        joint = " AND " if isinstance(node, AllOf) else " OR "
        return "(" + joint.join(self.condition(part) for part in node.parts) + ")"

    def _among(self, node: Among) -> str:
        negation = "NOT " if node.negated else ""
        if node.dimension == "symbol" and self.base.mart == "visits_day":
            ciks = sorted({self.context.by_symbol[s].cik for s in node.values if s in self.context.by_symbol} - {None}, key=str)
            if not ciks:
                raise PlanError(f"no CIK is known for {', '.join(node.values)}")
            return f"{self.base.name}.cik {negation}IN ({', '.join(str(cik) for cik in ciks)})"
        return f"{self.dimension(node.dimension)} {negation}IN ({words(node.values)})"

    # --- forms ---

    def _who(self) -> list[ColumnInfo]:
        shown = ["symbol", "name"] if self.plan.entity == "company" else [self.base.key]
        shown += [name for name in self.plan.attributes if name not in shown]
        if "sector" not in shown and self.plan.entity == "company" and any(n == "sector" for n in self._dimensions()) and "sector" in self.base_who:
            shown.append("sector")
        shown += [name for name in self._dimensions() if name in {"industry", "country", "city", "exchange"} and name not in shown]
        if self.base.mart == "visits_day" and self.plan.entity == "company":
            shown.append("cik")
        return [ColumnInfo(name=name, label=_DIMENSION_LABELS.get(name, name), role="dimension") for name in shown]

    def _value_columns(self) -> list[tuple[str, ColumnInfo]]:
        found: list[tuple[str, ColumnInfo]] = []
        used = {info.name for info in self._who()}
        for value in self.plan.values:
            first = value.over if isinstance(value, Ratio) else value
            name = alias_of(first) if not isinstance(value, Ratio) else f"{alias_of(value.over)}_per_{alias_of(value.under)}"
            unique, n = name, 2
            while unique in used:
                unique, n = f"{name}_{n}", n + 1
            used.add(unique)
            label = label_of(first) if not isinstance(value, Ratio) else f"{label_of(value.over)} per {label_of(value.under)}"
            unit = unit_of(first) if not isinstance(value, Ratio) else f"{unit_of(value.over)} per {unit_of(value.under)}"
            zone = "America/New_York" if unit == "UTC" else None
            found.append((self.value(value), ColumnInfo(name=unique, label=label, unit=None if unit == "UTC" else unit, zone=zone)))
            found.extend(self._beside(first, used))
        return found

    def _beside(self, measure: Measure, used: set[str]) -> list[tuple[str, ColumnInfo]]:
        """Beside a change: the earlier and the later value, and the other form of the change."""
        if measure.over not in {"change", "change_pct"} or measure.base is None:
            return []
        metric, base = METRICS[measure.metric], METRICS[measure.base_metric or measure.metric]
        place = self.place(measure)
        new, old = _inside(place)
        found = []
        other = f"({new} - {old})" if measure.over == "change_pct" else f"(({new} / NULLIF({old}, 0)::double precision - 1) * 100)"
        name = alias_of(measure.model_copy(update={"over": "change" if measure.over == "change_pct" else "change_pct"}))
        for expression, alias, label, unit in (
            (other, name, f"change of {metric.label}", metric.unit if measure.over == "change_pct" else "percent"),
            (old, "earlier", f"{base.label}, {time_text(base, measure.base, self.context)}", base.unit),
            (new, "later", f"{metric.label}, {time_text(metric, measure.time, self.context)}", metric.unit),
        ):
            if alias not in used:
                used.add(alias)
                found.append((expression, ColumnInfo(name=alias, label=label, unit=unit, role="extra")))
        return found

    def _rows(self, where: str) -> tuple[str, list[ColumnInfo]]:
        who = self._who()
        shown = [f"{self.dimension(info.name)} AS {info.name}" for info in who]
        values = self._value_columns()
        shown += [f"{expression} AS {info.name}" for expression, info in values]
        columns = [*who, *(info for _, info in values)]
        if self.plan.difference:
            expression, info = values[0]
            shown.append(f"{self._difference(expression)} AS difference")
            columns.append(ColumnInfo(name="difference", label=f"difference in {info.label}", unit=info.unit))
        order = [f"{values[one.value][0] if one.value is not None else shown[0]} {'DESC' if one.descending else 'ASC'} NULLS LAST" for one in self.plan.order]
        order.append(self._listed() or f"{self.base.name}.{self.base.key}")
        return f"SELECT {', '.join(shown)} FROM {self.joins()}{where} ORDER BY {', '.join(order)}", columns

    def _named(self) -> tuple[str, tuple[str, ...]] | None:
        where = self.plan.where
        for part in where.parts if isinstance(where, AllOf) else (where,) if where is not None else ():
            if isinstance(part, Among) and part.dimension == self.base.key and not part.negated:
                return part.dimension, part.values
        return None

    def _listed(self) -> str | None:
        """Entities that were named come in the order they were named."""
        named = self._named()
        if named is None or len(named[1]) < 2 or self.base.mart == "visits_day":
            return None
        cases = " ".join(f"WHEN {literal(value)} THEN {n}" for n, value in enumerate(named[1]))
        return f"CASE {self.base.name}.{named[0]} {cases} END"

    def _difference(self, expression: str) -> str:
        named = self._named()
        if named is None or len(named[1]) != 2:
            raise PlanError("a difference needs two entities")
        key = f"{self.base.name}.{named[0]}"
        first, second = (f"max(CASE WHEN {key} = {literal(value)} THEN {expression} END) OVER ()" for value in named[1])
        return f"{first} - {second}"

    def _rank(self, where: str) -> tuple[str, list[ColumnInfo]]:
        assert self.plan.rank is not None
        values = self._value_columns()
        expression, info = values[0]
        who = self._who()
        key = self.base.key
        order = "DESC" if self.plan.rank.descending else "ASC"
        shown = [f"{self.dimension(one.name)} AS {one.name}" for one in who]
        known = f"{where} AND {expression} IS NOT NULL" if where else f" WHERE {expression} IS NOT NULL"
        inner = f"SELECT {', '.join(shown)}, rank() OVER (ORDER BY {expression} {order}) AS rank, count(*) OVER () AS among, {expression} AS {info.name} FROM {self.joins()}{known}"
        names = ", ".join([*(one.name for one in who), "rank", "among", info.name])
        chosen = f"{key} IN ({words(self.plan.rank.of)})"
        if self.base.mart == "visits_day":
            chosen = self._among(Among(dimension="symbol", values=self.plan.rank.of)).replace(f"{self.base.name}.", "")
        columns = [*who, ColumnInfo(name="rank", label="rank"), ColumnInfo(name="among", label="among", role="extra"), info]
        return f"SELECT {names} FROM ({inner}) AS ranked WHERE {chosen} ORDER BY rank", columns

    def _fold(self, where: str) -> tuple[str, list[ColumnInfo]]:
        fold = self.plan.fold
        assert fold is not None
        groups = [f"{self.dimension(name)} AS {name}" for name in fold.by]
        group = f" GROUP BY {', '.join(self.dimension(name) for name in fold.by)}" if fold.by else ""
        columns = [ColumnInfo(name=name, label=_DIMENSION_LABELS.get(name, name), role="dimension") for name in fold.by]
        if fold.statistic == "count":
            expression, info = "count(*)", ColumnInfo(name="companies", label="companies", unit="companies")
        else:
            place, first = self._value_columns()[0]
            function = {"sum": f"sum({place})", "average": f"avg({place})", "median": f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {place})", "max": f"max({place})", "min": f"min({place})"}[fold.statistic]
            expression = function
            info = ColumnInfo(name=f"{first.name}_{fold.statistic}", label=f"{'total' if fold.statistic == 'sum' else fold.statistic} {first.label}", unit=first.unit)
        shown = [*groups, f"{expression} AS {info.name}"]
        columns.append(info)
        if fold.statistic not in {"count"}:
            shown.append("count(*) AS companies")
            columns.append(ColumnInfo(name="companies", label="companies", unit="companies", role="extra"))
        order = f" ORDER BY {info.name} DESC NULLS LAST, {fold.by[0]}" if fold.by else ""
        return f"SELECT {', '.join(shown)} FROM {self.joins()}{where}{group}{order}", columns

    def _share(self, where: str) -> tuple[str, list[ColumnInfo]]:
        share = self.plan.share
        assert share is not None
        value = self.value(self.plan.values[0]) if self.plan.values else None
        unit = unit_of(self.plan.values[0]) if self.plan.values and isinstance(self.plan.values[0], Measure) else "companies"
        share_column = ColumnInfo(name="share_pct", label="share", unit="percent")
        part_column = ColumnInfo(name="part", label="part", unit=unit, role="extra")
        whole_column = ColumnInfo(name="whole", label="whole", unit=unit, role="extra")
        total = f"sum({value})" if value else "count(*)"
        if share.by:
            place = self.dimension(share.by)
            shown = f"{place} AS {share.by}, 100.0 * {total} / NULLIF(sum({total}) OVER (), 0) AS share_pct, {total} AS part"
            columns = [ColumnInfo(name=share.by, label=_DIMENSION_LABELS.get(share.by, share.by), role="dimension"), share_column, part_column]
            return f"SELECT {shown} FROM {self.joins()}{where} GROUP BY {place} ORDER BY share_pct DESC NULLS LAST, {share.by}", columns
        if share.part is None:
            raise PlanError("a share needs a part or a grouping")
        part = f"{total} FILTER (WHERE {self.condition(share.part)})"
        shown = f"100.0 * {part} / NULLIF({total}, 0) AS share_pct, {part} AS part, {total} AS whole"
        return f"SELECT {shown} FROM {self.joins()}{where}", [share_column, part_column, whole_column]

    def as_of(self) -> str:
        """The times of all measures, for people."""
        texts = [time_text(METRICS[m.metric], m.time, self.context) for m in measures_of(self.plan)]
        texts += [time_text(METRICS[m.base_metric or m.metric], m.base, self.context) for m in measures_of(self.plan) if m.base is not None]
        return "; ".join(dict.fromkeys(texts)) or "now"


def _inside(place: str) -> tuple[str, str]:
    """The later and the earlier value in the expression of a change."""
    if " - 1) * 100)" in place:
        new, rest = place.removeprefix("((").split(" / NULLIF(", 1)
        return new, rest.split(", 0)", 1)[0]
    new, old = place.removeprefix("(").removesuffix(")").split(" - ", 1)
    return new, old
