"""Questions about indices: read as those about companies are, in the indices' own market, and put into its metrics.

The same words name an index and the tag of posts about it. Where a question speaks of posts, or follows one that
does, they are the tag; else the index, and the answer says so where the words allow both.
"""

from __future__ import annotations

from typing import cast

from chat_api.indices import market_of, symbols_of
from chat_api.parser.draft import Draft, Stop, not_understood
from chat_api.parser.follow.pieces import mapped
from chat_api.parser.lexer import lex
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures.concepts import OF_AN_INDEX, SIGNAL
from chat_api.parser.timing import latest_session
from chat_api.plan import Among, Condition, Day, Latest, Measure, Plan, Refusal
from chat_api.vocabulary import METRICS
from lake.indices import INDICES

TAG_OF = {"^NSEI": "nifty50", "^BSESN": "sensex", "^NSEBANK": "banknifty"}
_BARS = {f"bar.{name}": f"index.{name}" for name in ("open", "high", "low", "close", "volume", "return", "session")}
_MINUTES = {f"minute.{name}": f"index_minute.{name}" for name in ("open", "high", "low", "close", "volume")}
_TO = _BARS | _MINUTES | {"bar.adj_close": "index.close", "index_minute.close": "index_minute.close"}
_FROM = {after: before for before, after in {**_BARS, **_MINUTES}.items()}
# Figures that an index has and posts do not.
_LEVELS = {
    "price", "close", "open", "high", "low", "day_high", "day_low", "volume", "previous_close", "return", "daily_return",
    "volatility", "drawdown", "high_52w", "low_52w",
}  # fmt: skip


def not_of_an_index(what: str) -> Stop:
    """A figure that no index has here."""
    reason = f"The {what} of an index is not in the data."
    return Stop(Refusal(code="not_in_data", reason=reason, suggestion=OF_AN_INDEX))


def about_index(plan: Plan) -> bool:
    """Whether a plan's figures are an index's."""
    return any(
        METRICS[one.metric].subject in {"index", "index_minute"} for one in plan.values if isinstance(one, Measure)
    )


def settled(draft: Draft, previous: Plan | None) -> Draft:
    """The question with its indices read: as tags in place, or anew as entities of their own market.

    Raises:
        Stop: where an index stands beside companies or sectors, or posts are asked of one without a tag.
    """
    named = draft.of("index")
    every = _every_index(draft)
    if not named and not every:
        return draft
    if _about_posts(draft, previous, named):
        _as_tags(draft, named)
        return draft
    if draft.of("company", "ambiguous", "sector", "noun", "place"):
        raise Stop(
            Refusal(
                code="not_in_data",
                reason="An index together with companies or sectors is not answered in one table.",
                suggestion="Ask for the index, and for the companies, one after the other.",
            )
        )
    for item in draft.of("by"):
        raise not_understood(f"“{item.text}” with an index")
    symbols = tuple(INDICES) if every else tuple(dict.fromkeys(cast("str", item.value) for item in named))
    again = in_market(draft, symbols, every=every or draft.has("rank"))
    if not every and not {item.value for item in draft.of("concept")} & _LEVELS:
        for symbol in symbols:
            tag = f"; #{TAG_OF[symbol]} is its tag of posts" if symbol in TAG_OF else ""
            again.note(f"{INDICES[symbol].name} as the index{tag}")
    return again


def in_market(draft: Draft, symbols: tuple[str, ...], *, every: bool = False) -> Draft:
    """The same question, read in the market of some indices (or of all of them); they stand where companies do."""
    market = market_of(draft.context, tuple(INDICES) if every else symbols)
    again = Draft(draft.question, lex(draft.question, market), market, list(draft.notes))
    # Under a condition or an order they are a set to choose from; else each is asked about.
    chosen = bool(again.of("move", "movers", "good", "sup", "cmp", "between"))
    moved = bool(again.of("move", "change"))
    for item in again.items:
        if item.kind == "index":
            item.kind, item.value = "company", (cast("str", item.value),)
        elif _index_word(item) and chosen:
            item.kind, item.value = "noun", "one" if item.text == "index" else "many"
        elif _index_word(item):
            item.kind, item.value = "company", symbols
        elif item.kind == "fill" and not moved and {"level", "levels", "points"} & set(item.text.split()):
            item.kind, item.value = "concept", "price"
        elif moved and item.text == "how many" and "points" in again.lexed.words[item.end : item.end + 1]:
            item.kind = "fill"
    return again


def _index_word(item: Item) -> bool:
    return item.kind == "unit" and item.value == "tag" and item.text.split()[-1] in {"index", "indices", "indexes"}


def _every_index(draft: Draft) -> bool:
    """`which index rose most today`, `all indices`: where a figure or a move is asked of them."""
    words = [item for item in draft.of("unit") if _index_word(item)]
    done = draft.lexed.words[:1] == ["how"] and {"do", "done"} & set(draft.lexed.words)
    asked = (
        draft.of("move", "movers", "change", "good", "perform")
        or done
        or {item.value for item in draft.of("concept")} & _LEVELS
    )
    return bool(words) and not draft.of("index") and bool(asked)


def _about_posts(draft: Draft, previous: Plan | None, named: list[Item]) -> bool:
    concepts = {item.value for item in draft.of("concept")}
    tagged = (
        draft.of("tag") or draft.has("by", "tag") or {"tag", "tags", "hashtag", "hashtags"} & set(draft.lexed.words)
    )
    if concepts & set(SIGNAL) or tagged:
        return True
    return previous is not None and previous.entity == "tag" and bool(named) and not concepts & _LEVELS


def _as_tags(draft: Draft, named: list[Item]) -> None:
    for item in named:
        tag = TAG_OF.get(cast("str", item.value))
        if tag is None:
            name = INDICES[cast("str", item.value)].name
            raise Stop(
                Refusal(
                    code="not_in_data",
                    reason=f"Posts about {name} are not collected.",
                    suggestion=f"Posts by #{', #'.join(TAG_OF.values())} can be asked, and the level of {name}.",
                )
            )
        item.kind, item.value = "tag", tag


# --- plans ----------------------------------------------------------------------------------------------------------


def to_index(plan: Plan, draft: Draft) -> Plan:
    """A plan that was read in the indices' market, with their own metrics.

    Raises:
        Stop: where it asks for what an index does not have.
    """
    for name in plan.attributes:
        if name not in {"symbol", "name", "exchange", "currency"}:
            raise not_of_an_index(name.replace("_", " "))
    if any(symbol not in INDICES for symbol in symbols_of(plan)):
        raise Stop(
            Refusal(
                code="not_in_data",
                reason="An index together with companies is not answered in one table.",
                suggestion="Ask for the index, and for the companies, one after the other.",
            )
        )
    if plan.attributes and not plan.values:
        plan = plan.model_copy(update={"values": (Measure(metric="bar.close", time=Day(day=latest_session(draft))),)})
    changed: Plan = mapped(plan, lambda measure: _translated(measure, draft))
    where, notes = changed.where, changed.notes
    by_day = any(isinstance(one, Measure) and METRICS[one.metric].subject == "index" for one in changed.values)
    if by_day and len({INDICES[symbol].exchange for symbol in symbols_of(plan)}) > 1:
        notes = (*notes, "days and ends of periods are those on which both exchanges had a session")
    if changed.entity == "company" and where is None:
        where = cast("Condition", Among(dimension="symbol", values=tuple(INDICES)))
    entity = "index" if changed.entity in {"company", "minute"} else changed.entity
    return changed.model_copy(update={"entity": entity, "where": where, "notes": notes})


def _translated(measure: Measure, draft: Draft) -> Measure:
    if measure.metric == "quote.price" and measure.base_metric in {"quote.open", "bar.open"}:
        newest = Day(day=latest_session(draft))
        base = measure.base if isinstance(measure.base, Day) else newest
        return measure.model_copy(
            update={"metric": "index.close", "time": newest, "base": base, "base_metric": "index.open"}
        )
    plain = measure.over == "value" and isinstance(measure.time, Latest)
    if measure.metric == "quote.price" and plain and draft.context.indices[0].latest_minute is not None:
        return Measure(metric="index_minute.close", time=Latest())
    if measure.metric not in _TO:
        raise not_of_an_index(METRICS[measure.metric].label)
    base_metric = _TO.get(measure.base_metric or "")
    return measure.model_copy(update={"metric": _TO[measure.metric], "base_metric": base_metric})


def from_index(plan: Plan) -> Plan:
    """A plan about indices as if they were companies, for an edit."""

    def changed(measure: Measure) -> Measure:
        metric = _FROM.get(measure.metric, measure.metric)
        base = _FROM.get(measure.base_metric or "", measure.base_metric)
        return measure.model_copy(update={"metric": metric, "base_metric": base})

    moved: Plan = mapped(plan, changed)
    return moved.model_copy(update={"entity": "company" if plan.entity == "index" else plan.entity})


__all__ = ["about_index", "from_index", "in_market", "not_of_an_index", "settled", "to_index"]
