"""That every word has found its place, and is in the plan."""

from __future__ import annotations

from chat_api.parser.draft import Draft, not_understood
from chat_api.parser.parts import Parts
from chat_api.plan import Plan, Ratio


def finish(draft: Draft) -> None:
    """Refuse what has not been placed."""
    left = [
        item
        for item in draft.left()
        if item.kind not in _HARMLESS and not (item.kind == "follow" and item.value in _HARMLESS_FOLLOW)
    ]
    if left:
        raise not_understood(", ".join(f"“{' '.join(draft.lexed.raw[item.at : item.end])}”" for item in left))


_COUNTS = {
    "company.employees",
    "signal.posts",
    "attention.visits",
    "bar.volume",
    "quote.volume",
    "minute.volume",
    "sector.advancers",
    "sector.decliners",
    "sector.companies",
    "sector.volume",
}


_ARE_CHANGES = {"quote.change", "quote.change_pct", "bar.return", "sector.change_avg", "sector.change_weighted"}


def check_expressed(parts: Parts, plan: Plan) -> None:
    """What was said of aggregates, counts and changes has to be in the plan, not only placed."""
    values = [value.over if isinstance(value, Ratio) else value for value in plan.values]
    if parts.statistic is not None and plan.entity not in {"sector", "tag"} and plan.share is None:
        folded = plan.fold is not None and plan.fold.statistic == parts.statistic
        if not folded and not any(value.over == parts.statistic for value in values):
            raise not_understood(f"the {parts.statistic}")
    if (
        parts.count
        and plan.fold is None
        and plan.share is None
        and not any(value.metric in _COUNTS or value.over == "count" for value in values)
    ):
        raise not_understood("what is counted")
    if parts.ask.change and not any(
        value.base is not None or value.metric in _ARE_CHANGES or value.over == "return" for value in values
    ):
        raise not_understood("the change")


def place_by_subject(draft: Draft, plan: Plan) -> None:
    """Words that only fit some figures: filings are visited, dates are when."""
    text = plan.model_dump_json()
    if '"attention.' in text:
        draft.take("filings")
    if '"bar.split"' in text:
        draft.take("ratio")
    if (
        any(f'"{name}"' in text for name in ("quote.earnings_date", "quote.ex_dividend_date"))
        or plan.entity == "session"
    ):
        draft.take("when")


_HARMLESS = {"and", "by_metric"}


_HARMLESS_FOLLOW = {"and", "put", "now", "only", "as"}
