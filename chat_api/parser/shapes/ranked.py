"""The place of some among others, and parts of a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.measures import measures
from chat_api.parser.measures.others import sector_measure
from chat_api.parser.parts import Parts
from chat_api.parser.shapes.common import (
    TO_SECTOR,
    asked_values,
    both,
    condition_values,
    direction_of,
    moved_condition,
    named_companies,
)
from chat_api.plan import (
    Among,
    Condition,
    Known,
    Measure,
    Order,
    Plan,
    Rank,
    Share,
)  # fmt: skip
from chat_api.vocabulary import METRICS


def where_in(draft: Draft, parts: Parts) -> bool:
    """`where is X in SECTOR by METRIC` asks for its place there."""
    return "where" in draft.lexed.words[:1] + [
        "where" for w in draft.lexed.raw[:1] if w.lower().startswith("where")
    ] and bool(parts.companies and parts.sectors and draft.has("by_metric"))


def build_rank(draft: Draft, parts: Parts) -> Plan:
    draft.take("rank")
    draft.take("by_metric")
    draft.take("follow", "sort")
    _limit_one(draft)
    descending = direction_of(draft)
    own = bool(draft.take("own_sector"))
    everything = bool(draft.take("everything"))
    if parts.sectors:
        draft.take("unit", "sector")
    draft.take("noun")
    at_sector = not parts.companies and len(parts.sectors) == 1
    if at_sector:
        names = [cast("str", item.value) for item in parts.concepts]
        if len(names) != 1 or names[0] not in TO_SECTOR or parts.statistic not in {None, "median", "sum"}:
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
        measure = sector_measure(draft, TO_SECTOR[names[0]], parts.ask)
        return Plan(
            kind="rank", entity="sector", values=(measure,), rank=Rank(of=tuple(parts.sectors), descending=descending)
        )
    if not parts.companies:
        raise clarify("Whose rank is asked, and by which figure?", ("name a company and a figure", None))
    if parts.threshold_values or parts.statistic is not None or parts.by:
        raise not_understood("a rank with a threshold or an aggregate")
    values = asked_values(draft, parts)
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
    elif among is None and not everything and not draft.context.about_indices:
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


def build_share(draft: Draft, parts: Parts) -> Plan:
    if parts.statistic == "sum":
        parts.ask = replace(parts.ask, statistic=None)
    names = {cast("str", item.value) for item in parts.concepts}
    everything = bool(draft.take("everything"))
    if names == {"visits"} and parts.companies and parts.where is None:
        draft.take("share")
        parts.concepts[0].used = True
        values = measures(draft, "visit_share", parts.ask)
        return Plan(kind="share", entity="company", values=values, where=named_companies(parts))
    if parts.tags:
        draft.take("share")
        draft.take("unit", "tag")
        values = asked_values(draft, parts)
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
        values = asked_values(draft, parts)
        _additive(values)
        if parts.where is None and not everything:
            raise clarify(
                "A share of which whole?",
                ("of all companies", f"{draft.question} of all companies"),
                ("of its sector", None),
            )
        return Plan(
            kind="share", entity="company", values=values, where=parts.where, share=Share(part=named_companies(parts))
        )
    if by and len(parts.concepts) <= 1 and not parts.sectors and not parts.threshold_values:
        values = asked_values(draft, parts)
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
        measure = sector_measure(draft, TO_SECTOR[names.pop()], parts.ask)
        return Plan(
            kind="share",
            entity="sector",
            values=(measure,),
            share=Share(part=Among(dimension="sector", values=tuple(parts.sectors))),
        )
    if not parts.concepts and not parts.companies:
        part = both(*parts.threshold_values) or moved_condition(draft, parts)
        if part is not None:
            whole = Among(dimension="sector", values=tuple(parts.sectors)) if parts.sectors else None
            if len(parts.threshold_values) > 1:
                raise not_understood("a share under several conditions")
            first = condition_values(part)[0]
            return Plan(
                kind="share", entity="company", values=(), where=both(whole, _quoted(first)), share=Share(part=part)
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
