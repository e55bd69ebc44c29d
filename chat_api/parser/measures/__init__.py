"""Concepts to measures: which metric a word means at the time that is asked for."""

from __future__ import annotations

from chat_api.parser.draft import Draft, not_loaded, not_understood
from chat_api.parser.measures.concepts import ATTENTION, ATTRIBUTES, COMPANY, FORECAST, NOT_LOADED, SECTOR, SIGNAL, Ask
from chat_api.parser.measures.indices import index_measures
from chat_api.parser.measures.market import market_measures
from chat_api.parser.measures.others import attention_measure, forecast_measures, sector_measure, signal_measure
from chat_api.plan import Measure


def measures(draft: Draft, concept: str, ask: Ask) -> tuple[Measure, ...]:
    """The measures that a concept means.

    Raises:
        Stop: where the time is needed and absent, or not loaded.
    """
    if concept in ATTRIBUTES:
        raise not_understood(f"a comparison with the {ATTRIBUTES[concept]}")
    if concept in NOT_LOADED:
        raise not_loaded(*NOT_LOADED[concept])
    if draft.context.about_indices:
        return index_measures(draft, concept, ask)
    if concept in COMPANY:
        if ask.when is not None and ask.when.kind not in {"now", "today"}:
            raise not_loaded(
                "Earlier versions of a company's description are not answered from here and are",
                "the ones in force now are",
                "Ask without a date.",
            )
        return (Measure(metric=COMPANY[concept]),)
    if concept in FORECAST:
        return forecast_measures(draft, concept, ask)
    if concept in ATTENTION:
        return (attention_measure(draft, concept, ask),)
    if concept in SIGNAL:
        return (signal_measure(draft, concept, ask),)
    if concept in SECTOR:
        return (sector_measure(draft, SECTOR[concept], ask),)
    return market_measures(draft, concept, ask)
