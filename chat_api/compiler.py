"""The one compiler: a plan to one bounded SELECT over the marts.

The offline reader's plans and any model's pass through here alike. Only names of the vocabulary become columns and
only values become literals; of a question's text only the words that news is searched for reach the SQL, as a literal.
"""

from __future__ import annotations

from chat_api import forms, indices, records, rows
from chat_api.build import MOST_ROWS, Build, PlanError, descriptions_of, measures_of
from chat_api.context import Context
from chat_api.headlines import compile_headlines
from chat_api.plan import Compiled, Plan
from chat_api.sources import DESCRIPTIONS, WHO
from chat_api.vocabulary import METRICS

__all__ = ["MOST_ROWS", "PlanError", "compile"]


def compile(plan: Plan, context: Context) -> Compiled:
    """One SELECT for a plan.

    Raises:
        PlanError: when the plan names an unknown metric, or asks for what its entity does not have.
    """
    for measure in measures_of(plan):
        if measure.metric not in METRICS or (measure.base_metric or measure.metric) not in METRICS:
            raise PlanError(f"no metric {measure.metric!r}")
    for name in descriptions_of(plan):
        if name not in DESCRIPTIONS:
            raise PlanError(f"no description {name!r}")
    if plan.headlines is not None:
        return compile_headlines(plan, plan.headlines, context, MOST_ROWS)
    if any(METRICS[measure.metric].subject in {"index", "index_minute"} for measure in measures_of(plan)):
        context = indices.narrowed(context, indices.symbols_of(plan))
    other = _of_other_rows(plan, context)
    if other is not None:
        return other
    _meet(plan)
    build = Build(plan, context)
    build.prepare()
    where = f" WHERE {build.condition(plan.where)}" if plan.where is not None else ""
    if plan.rank is not None:
        select, columns = forms.rank_form(build, where)
    elif plan.share is not None:
        select, columns = forms.share_form(build, where)
    elif plan.fold is not None:
        select, columns = forms.fold_form(build, where)
    else:
        select, columns = forms.rows_form(build, where)
    limit = min(plan.limit or MOST_ROWS, MOST_ROWS)
    return Compiled(
        sql=f"WITH {build.tables()} {select} LIMIT {limit}",
        columns=tuple(columns),
        as_of=build.as_of(),
        marts=build.marts(),
    )


def _meet(plan: Plan) -> None:
    """Refuse figures that no row has together, such as a company's and a tag's."""
    own = {"sector": "sector", "tag": "tag"}.get(plan.entity, "symbol")
    for measure in measures_of(plan):
        metric = METRICS[measure.metric]
        if WHO[metric.mart][0] != own:
            raise PlanError(f"the {metric.label} does not belong to a {plan.entity}")


def _of_other_rows(plan: Plan, context: Context) -> Compiled | None:
    """A plan whose rows are not one for each entity."""
    if plan.entity == "table":
        return rows.tables(plan, context)
    if plan.entity in records.ENTITIES:
        return records.compiled(plan, context, MOST_ROWS)
    if plan.entity == "role":
        return rows.roles(plan, context)
    if plan.entity == "session" or plan.bucket is not None:
        return rows.series(plan, context, MOST_ROWS)
    return None
