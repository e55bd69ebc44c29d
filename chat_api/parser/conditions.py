"""Thresholds of a question: comparisons with numbers and with other metrics, and words that are conditions.

Each is found where it stands ("P/E below 15", "up over 3%", "at least double the 3-month average volume"), placed
with its metric and its number, and joined by the connective between it and the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

from chat_api.parser.draft import Draft, clarify, not_understood
from chat_api.parser.lexer.items import Item
from chat_api.parser.measures import measures
from chat_api.parser.measures.concepts import Ask, is_period
from chat_api.plan import AllOf, AnyOf, Compare, Condition, Known, Measure, Op

_OPPOSITE: dict[str, Op] = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "="}
_NEGATED: dict[str, Op] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "!="}
_AVERAGES = {"ma_20", "ma_50", "ma_200"}
_SMALL_WORDS = ("agg", "percent", "noun", "follow", "and", "by")


@dataclass
class Found:
    """A condition, and where in the question it begins and ends."""

    at: int
    end: int
    condition: Condition


def conditions(draft: Draft, ask: Ask) -> list[Found]:
    """All thresholds of a question, placed."""
    found: list[Found] = []
    for item in list(draft.items):
        if item.used:
            continue
        got = None
        if item.kind == "between":
            got = _between(draft, item, ask)
        elif item.kind == "cmp":
            got = _comparison(draft, item, ask)
        elif item.kind == "number":
            got = _after_number(draft, item, ask)
        elif item.kind == "word":
            got = _word(draft, item, ask)
        elif item.kind == "not":
            got = _absent(draft, item, ask)
        if got:
            found.append(got)
    return found


def joined(draft: Draft, found: list[Found]) -> Condition | None:
    """The thresholds joined by the words between them: `and` unless `or` stands there, never a mix."""
    if not found:
        return None
    if len(found) == 1:
        return found[0].condition
    found = sorted(found, key=lambda one: one.at)
    joints = set()
    for before, after in pairwise(found):
        between = [item for item in draft.items if before.end <= item.at < after.at]
        either = [item for item in between if item.text in {"or", "or else", "either"}]
        for item in either:
            item.used = True
        joints.add("or" if either else "and")
    parts = tuple(one.condition for one in found)
    if joints == {"or"}:
        return AnyOf(parts=parts)
    if "or" in joints:
        raise clarify(
            "“And” and “or” together can be read in two ways. Which conditions belong together?",
            ("ask with only “and”, or only “or”", None),
        )
    return AllOf(parts=parts)


# --- one comparison -------------------------------------------------------------------------------------------------


def _value(item: Item) -> tuple[float, str | None]:
    value = cast("tuple[float, str | None]", item.value)
    return value


def _comparison(draft: Draft, sign: Item, ask: Ask) -> Found | None:
    """`METRIC over 15`, `over 15 METRIC`, `up over 3%`, `closing above their 50 day average`."""
    op = cast("Op", sign.value)
    right = draft.neighbour(sign, 1, "follow")
    before = draft.neighbour(sign, -1, "follow")
    if before is not None and before.kind == "not" and not before.used:
        op = _NEGATED[op]
        before.used = True
        before = draft.neighbour(before, -1, "follow")
    if right is None or right.used:
        if sign.text == "within":
            sign.used = True
        return None
    if sign.text == "within" and right.kind != "number":
        sign.used = True
        return None
    if right.kind == "number":
        return _against_number(draft, sign, op, right, ask)
    factor = 1.0
    span = [sign]
    if right.kind in {"double", "half_of"}:
        factor = cast("float", right.value)
        span.append(right)
        nxt = draft.neighbour(right, 1, "follow")
        if nxt is None:
            return None
        if nxt.kind == "usual":
            right.value, right.kind = (factor, "times"), "number"
            return _against_number(draft, sign, op, right, ask)
        right = nxt
    if right.kind == "concept" and (
        factor != 1.0 or right.value in _AVERAGES | {"average_volume", "high_52w", "low_52w", "previous_close", "open"}
    ):
        return _against_metric(draft, sign, op, factor, right, ask, span)
    return None


def _against_metric(draft: Draft, sign: Item, op: Op, factor: float, right: Item, ask: Ask, span: list[Item]) -> Found:
    left = _metric_before(draft, sign)
    concept = "close" if right.value in _AVERAGES else "price"
    if left is not None:
        concept = cast("str", left.value)
    elif right.value == "average_volume":
        concept = "volume"
    if right.value == "average_volume" and concept not in {"volume", "average_volume"}:
        raise not_understood(f"“{right.text}”")
    rights = [right]
    # "above both their 50- and 200-day averages"
    other = draft.neighbour(right, 1, "and", "follow")
    if other is not None and other.kind == "concept" and other.value in _AVERAGES and right.value in _AVERAGES:
        rights.append(other)
    parts: list[Condition] = []
    for item in rights:
        name = cast("str", item.value)
        if name in _AVERAGES and concept == "price":
            concept = "close"
        left_measure = _one(measures(draft, concept, ask))
        parts.append(Compare(left=left_measure, op=op, right=_one(measures(draft, name, ask)), factor=factor))
    items = [*span, *rights, *([left] if left else [])]
    _place(items)
    _place(
        [
            i
            for i in draft.items
            if min(x.at for x in items) < i.at < max(x.end for x in items) and i.kind in {"and", "follow"}
        ]
    )
    return Found(
        min(i.at for i in items), max(i.end for i in items), parts[0] if len(parts) == 1 else AllOf(parts=tuple(parts))
    )


def _against_number(draft: Draft, sign: Item, op: Op, number: Item, ask: Ask) -> Found | None:
    value, unit = _value(number)
    items = [sign, number]
    suffix = draft.neighbour(number, 1)
    if suffix is not None and suffix.kind == "cmp_after":
        items.append(suffix)
        op = cast("Op", suffix.value)
    measure, metric_items, op, value = _measure_for(draft, sign, number, op, value, unit, ask)
    if measure is None:
        return None
    items += metric_items
    _place(items)
    return Found(min(i.at for i in items), max(i.end for i in items), Compare(left=measure, op=op, number=value))


def _measure_for(
    draft: Draft, sign: Item, number: Item, op: Op, value: float, unit: str | None, ask: Ask
) -> tuple[Measure | None, list[Item], Op, float]:
    """The metric that a threshold is about: a verb of rising or falling, the metric before, else the one after."""
    before = draft.neighbour(sign, -1, "follow", "noun")
    after = draft.neighbour(number, 1, "follow", "move")
    beyond = draft.neighbour(number, 1, "follow")
    if before is not None and before.kind == "move" and not before.used:
        return _moved(draft, before, op, value, unit, ask, [before])
    if beyond is not None and beyond.kind == "move" and not beyond.used and unit == "percent":
        return _moved(draft, beyond, op, value, unit, ask, [beyond])
    usual = _usual(draft, number, ask) if unit == "times" else None
    if unit == "times" and usual is None:
        raise not_understood(f"“{number.text}”")
    if usual:
        return usual[0], usual[1], op, value
    left = _metric_before(draft, sign)
    # “The P/E of companies with more than 500 employees”: beyond a noun, the figure after the number is the nearer.
    beside = before is not None and before is left and draft.neighbour(sign, -1, "follow") is left
    follows = draft.neighbour(number, 1)
    if left is not None and (beside or follows is None or follows.kind != "concept" or follows.used):
        return _one(measures(draft, cast("str", left.value), _at(ask, left))), [left], op, value
    if after is not None and after.kind == "concept" and not after.used:
        near = {"high_52w": "below_high_52w", "low_52w": "above_low_52w"}.get(cast("str", after.value))
        if sign.text == "within" and (near is None or unit != "percent"):
            raise not_understood("“within”")
        return (
            _one(
                measures(
                    draft,
                    near if sign.text == "within" and near else cast("str", after.value),
                    replace(ask, statistic=None),
                )
            ),
            [after],
            op,
            value,
        )
    return None, [], op, value


def _at(ask: Ask, item: Item) -> Ask:
    """A threshold's own metric never takes the sentence's aggregate."""
    return replace(ask, statistic=None)


def _moved(
    draft: Draft, verb: Item, op: Op, value: float, unit: str | None, ask: Ask, items: list[Item]
) -> tuple[Measure, list[Item], Op, float]:
    if unit != "percent":
        raise clarify("In percent or in dollars?", (f"{value:g} percent", None), (f"{value:g} dollars", None))
    concept = "return" if ask.when is not None and ask.when.kind in {"period", "since", "sessions"} else "change_pct"
    measure = _one(measures(draft, concept, replace(ask, statistic=None)))
    if verb.value == -1:
        return measure, items, _OPPOSITE[op], -value
    return measure, items, op, value


def _metric_before(draft: Draft, sign: Item) -> Item | None:
    other = draft.neighbour(sign, -1, *_SMALL_WORDS, "time", "not")
    if other is not None and other.kind == "concept" and not other.used:
        return other
    return None


# --- other forms ----------------------------------------------------------------------------------------------------


def _between(draft: Draft, item: Item, ask: Ask) -> Found | None:
    low = draft.neighbour(item, 1)
    joint = draft.neighbour(low, 1) if low and low.kind == "number" else None
    high = draft.neighbour(joint, 1) if joint and joint.kind in {"and"} else None
    if low is None or joint is None or high is None or high.kind != "number":
        return None
    (first, first_unit), (second, unit) = _value(low), _value(high)
    left = _metric_before(draft, item)
    after = draft.neighbour(high, 1)
    concept_item = left or (after if after is not None and after.kind == "concept" and not after.used else None)
    if concept_item is None:
        return None
    if first >= second and (first_unit is None and unit is not None):
        raise not_understood(f"“{low.text} and {high.text}”")
    measure = _one(measures(draft, cast("str", concept_item.value), _at(ask, concept_item)))
    items = [item, low, joint, high, concept_item]
    _place(items)
    both = AllOf(parts=(Compare(left=measure, op=">=", number=first), Compare(left=measure, op="<=", number=second)))
    return Found(min(i.at for i in items), max(i.end for i in items), both)


def _after_number(draft: Draft, number: Item, ask: Ask) -> Found | None:
    """`3x the usual or more`, `5 percent or more`."""
    for step in (draft.neighbour(number, 1, "concept", "usual"), draft.neighbour(number, 1)):
        if step is not None and step.kind == "cmp_after" and not step.used:
            sign = Item("cmp", step.value, number.at, number.at, "")
            draft.items.insert(draft.items.index(number), sign)
            step.used = True
            return _against_number(draft, sign, cast("Op", step.value), number, ask)
    return None


def _usual(draft: Draft, number: Item, ask: Ask) -> tuple[Measure, list[Item]] | None:
    """`3x normal`, `twice the usual` after visits."""
    after = draft.neighbour(number, 1, "follow")
    if after is None or after.kind != "usual":
        return None
    items = [after]
    visits = draft.take_one("concept", "visits")
    if visits is not None:
        items.append(visits)
    return _one(measures(draft, "relative", replace(ask, statistic=None))), items


def _word(draft: Draft, item: Item, ask: Ask) -> Found | None:
    if item.value in {"positive", "negative"}:
        near = draft.neighbour(item, 1, "follow")
        if near is None or near.kind != "concept" or near.used:
            near = _metric_before(draft, item)
        if near is None:
            return None
        measure = _one(measures(draft, cast("str", near.value), replace(ask, statistic=None)))
        _place([item, near])
        return Found(
            min(item.at, near.at),
            max(item.end, near.end),
            Compare(left=measure, op=">" if item.value == "positive" else "<", number=0.0),
        )
    if item.value == "had":
        item.used = True
        return None
    if item.value == "paid":
        near = draft.neighbour(item, 1, "follow")
        if near is None or near.kind != "concept" or near.value not in {"dividend", "split"} or near.used:
            return None
        # A dividend paid or a split had is a row of the period: the shape of the answer decides how it is shown.
        item.used = True
        return None
    return None


def _absent(draft: Draft, item: Item, ask: Ask) -> Found | None:
    """`without a dividend`, `have no P/E`."""
    near = draft.neighbour(item, 1, "follow", "word")
    paid = draft.neighbour(item, 1, "follow")
    if (
        near is None
        or near.kind != "concept"
        or near.used
        or near.value
        not in {"pe", "dividend", "dividend_yield", "eps", "beta", "target", "forward_dividend", "employees"}
    ):
        return None
    concept = cast("str", near.value)
    if concept == "dividend" and is_period(ask.when):
        return None
    _place([item, near, *([paid] if paid is not None and paid.kind == "word" else [])])
    if concept in {"dividend", "dividend_yield", "forward_dividend"}:
        measure = _one(measures(draft, "dividend_yield", replace(ask, statistic=None, when=None)))
        nothing = AnyOf(parts=(Compare(left=measure, op="=", number=0.0), Known(left=measure, known=False)))
        return Found(item.at, near.end, nothing)
    measure = _one(measures(draft, concept, replace(ask, statistic=None)))
    return Found(item.at, near.end, Known(left=measure, known=False))


def _one(found: tuple[Measure, ...]) -> Measure:
    if len(found) != 1:
        raise clarify("A threshold on which of the two?", ("the return", None), ("the close", None))
    return found[0]


def _place(items: list[Item]) -> None:
    for item in items:
        item.used = True
