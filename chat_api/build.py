"""A SELECT under way: the sources that a plan's measures are read from, and its conditions as SQL."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_api.context import Context
from chat_api.plan import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Condition,
    Days,
    Known,
    Largest,
    Measure,
    Not,
    Over,
    Plan,
    Ratio,
    Value,
)
from chat_api.sources import (
    WHO,
    Source,
    aggregate,
    alias_of,
    drawdown_rows,
    forecast_rows,
    literal,
    predicate,
    time_text,
    words,
)
from chat_api.vocabulary import METRICS

MOST_ROWS = 2000


class PlanError(ValueError):
    """A plan that cannot be compiled; the text says why."""


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


def descriptions_of(plan: Plan) -> list[str]:
    """Every descriptive column that a plan shows, filters or groups by, each once."""
    names = [*plan.attributes, *(plan.fold.by if plan.fold else ())]
    if plan.share and plan.share.by:
        names.append(plan.share.by)
    parts = [part for part in (plan.where, plan.share.part if plan.share else None) if part is not None]
    while parts:
        node = parts.pop()
        if isinstance(node, Among):
            names.append(node.dimension)
        elif isinstance(node, AllOf | AnyOf):
            parts.extend(node.parts)
        elif isinstance(node, Not):
            parts.append(node.part)
    return list(dict.fromkeys(names))


@dataclass
class Build:
    """A SELECT under way: its sources, and where each measure is found in them."""

    plan: Plan
    context: Context
    sources: dict[object, Source] = field(default_factory=dict)
    placed: dict[Measure, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Place every measure in a source, and the descriptions that the plan needs."""
        for measure in measures_of(self.plan):
            self.place(measure)
        if not self.sources:
            self._company_source()
        if self.plan.entity == "company" and any(name not in self.base_who for name in self.dimensions()):
            self._company_source()

    def tables(self) -> str:
        """The common table expressions."""
        narrowed = self._narrowed()
        parts = []
        for source in self.sources.values():
            by_symbol = source.key == "symbol" and source.mart != "visits_day"
            parts.append(f"{source.name} AS ({source.sql(narrowed if by_symbol else '')})")
        return ", ".join(parts)

    def marts(self) -> tuple[str, ...]:
        """The marts read, each once."""
        return tuple(dict.fromkeys(source.mart for source in self.sources.values()))

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
        changing = measure.over in {"change", "change_pct", "return"}
        place = self._change(measure) if changing else self._plain(measure)
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
            source.inner = drawdown_rows(metric, where)
            expression = f"max(1 - {metric.column} / peak) * 100"
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

            close = "index.close" if METRICS[measure.metric].subject == "index" else "bar.adj_close"
            later = Measure(metric=close, time=Day(day=time.end))
            earlier = Measure(metric=close, time=Day(day=time.base))
        else:
            if measure.base is None:
                raise PlanError("a change needs an earlier time")
            over: Over = "value"
            metric = METRICS[measure.metric]
            if metric.subject in {"attention", "signal"}:
                over = "average" if metric.weight else "sum"
            later = Measure(metric=measure.metric, time=time, role=measure.role, over=over)
            earlier = Measure(
                metric=measure.base_metric or measure.metric, time=measure.base, role=measure.role, over=over
            )
        new, old = self.place(later), self.place(earlier)
        if measure.over == "change":
            return f"({new} - {old})"
        return f"(({new} / NULLIF({old}, 0)::double precision - 1) * 100)"

    def _company_source(self) -> None:
        key = "companies"
        held = next((source for source in self.sources.values() if source.mart == "companies"), None)
        source = held or self._source(key, "companies", "is_current", False)
        for name in self.dimensions():
            if name not in WHO["companies"]:
                source.columns[name] = name

    def dimensions(self) -> list[str]:
        """The descriptive columns that the plan names."""
        return descriptions_of(self.plan)

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
        return f"{base.name}" + "".join(
            f" LEFT JOIN {source.name} ON {source.name}.{base.key} = {base.name}.{base.key}" for source in rest
        )

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
            right = (
                literal(node.number) if node.number is not None else self.value(node.right) if node.right else "NULL"
            )
            right = f"{literal(node.factor)} * {right}" if node.right is not None and node.factor != 1 else right
            return f"{self.value(node.left)} {'<>' if node.op == '!=' else node.op} {right}"
        if isinstance(node, Known):
            return f"{self.value(node.left)} IS {'NOT ' if node.known else ''}NULL"
        if isinstance(node, Among):
            return self.among(node)
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

    def among(self, node: Among) -> str:
        negation = "NOT " if node.negated else ""
        if node.dimension == "symbol" and self.base.mart == "visits_day":
            ciks = sorted(
                {self.context.by_symbol[s].cik for s in node.values if s in self.context.by_symbol} - {None}, key=str
            )
            if not ciks:
                raise PlanError(f"no CIK is known for {', '.join(node.values)}")
            return f"{self.base.name}.cik {negation}IN ({', '.join(str(cik) for cik in ciks)})"
        return f"{self.dimension(node.dimension)} {negation}IN ({words(node.values)})"

    def as_of(self) -> str:
        """The times of all measures, for people."""
        texts = [time_text(METRICS[m.metric], m.time, self.context) for m in measures_of(self.plan)]
        texts += [
            time_text(METRICS[m.base_metric or m.metric], m.base, self.context)
            for m in measures_of(self.plan)
            if m.base is not None
        ]
        return "; ".join(dict.fromkeys(texts)) or "now"
