"""What a question holds, found but not yet put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_api.parser.lexer.items import Item
from chat_api.parser.measures.concepts import Ask
from chat_api.plan import Condition, Statistic


@dataclass
class Parts:
    """The parts of a question, by what they do.

    Attributes:
        ask: how its figures are asked for: when, over what, of which model.
        companies, sectors, tags, roles: who it names.
        concepts: the figures that are no part of a threshold.
        attributes: descriptive columns asked for.
        where: which entities; `threshold_values` are its thresholds alone.
        by: the grouping.
        statistic, count: an aggregate that was said.
        each: an aggregate of its own for some figures ("highest high, lowest low").
    """

    ask: Ask
    companies: list[str] = field(default_factory=list)
    sectors: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    concepts: list[Item] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    where: Condition | None = None
    threshold_values: list[Condition] = field(default_factory=list)
    by: str | None = None
    limit: int | None = None
    statistic: Statistic | None = None
    count: bool = False
    chart: bool | None = None
    each: dict[str, Statistic] = field(default_factory=dict)

    def concepts_beyond_price(self) -> bool:
        """Whether anything else than the price or its change is asked."""
        return any(item.value not in {"price", "change_pct", "change"} for item in self.concepts)
