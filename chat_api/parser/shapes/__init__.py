"""The form of an answer: rank, share, count, series, fold, top N, comparison, list or look-up.

Each builder takes the found parts and places the words that belong to its form.
"""

from __future__ import annotations

from typing import cast

from chat_api.parser.draft import Draft, clarify
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import NOT_LOADED
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import PRICED, number_of
from chat_api.parser.shapes.companies import build_companies, build_fold, build_list
from chat_api.parser.shapes.days import (
    actions_listed,
    build_actions,
    build_days,
    build_every,
    build_hours,
    build_session_count,
    days_listed,
    hours_listed,
    sessions_counted,
)
from chat_api.parser.shapes.groups import build_errors, build_sectors, build_tags, entity_of, role_errors
from chat_api.parser.shapes.moments import (
    average_a_minute,
    build_minutes,
    build_moments,
    minutes_listed,
    moments_ranked,
)
from chat_api.parser.shapes.ranked import build_rank, build_share, where_in
from chat_api.parser.shapes.series import average_a_day, build_series, forecast_pairs
from chat_api.parser.shapes.top import build_top
from chat_api.plan import Plan


def build(draft: Draft, parts: Parts) -> Plan:
    """The plan of the parts, in the form that the words ask for."""
    for item in parts.concepts:
        if item.value in NOT_LOADED:
            measures(draft, cast("str", item.value), parts.ask)
    if draft.has("rank") or where_in(draft, parts):
        return build_rank(draft, parts)
    if draft.has("share"):
        return build_share(draft, parts)
    if sessions_counted(draft, parts):
        return build_session_count(draft, parts)
    if moments_ranked(draft, parts):
        return build_moments(draft, parts)
    if days_listed(draft, parts):
        return build_days(draft, parts)
    if hours_listed(draft, parts):
        return build_hours(draft, parts)
    if minutes_listed(draft, parts):
        return build_minutes(draft, parts)
    if parts.chart or (draft.has("bucket") and not average_a_day(draft, parts) and not average_a_minute(draft, parts)):
        return build_series(draft, parts)
    if forecast_pairs(parts):
        return build_series(draft, parts)
    if actions_listed(draft, parts):
        return build_actions(draft, parts)
    if draft.has("every"):
        return build_every(draft, parts)
    entity = entity_of(draft, parts)
    if entity == "sector":
        return build_sectors(draft, parts)
    if entity == "tag":
        return build_tags(draft, parts)
    if parts.companies and len(parts.companies) == 1 and draft.of(*PRICED):
        raise clarify(
            "Over which period?", *[(period, f"{draft.question} {period}") for period in ("this month", "year to date")]
        )
    if draft.of("sup", *PRICED, "vague_sup", "good", "movers") or (
        number_of(draft) is not None and not parts.companies
    ):
        return build_top(draft, parts)
    if role_errors(draft, parts):
        return build_errors(draft, parts)
    if parts.count or (parts.statistic is not None and parts.ask.statistic is None):
        return build_fold(draft, parts)
    if parts.statistic == "sum" and not parts.companies and [item.value for item in parts.concepts] == ["visits"]:
        return build_fold(draft, parts)
    if parts.companies:
        return build_companies(draft, parts)
    return build_list(draft, parts)
