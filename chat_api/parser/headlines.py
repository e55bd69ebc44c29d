"""Questions about news: the headlines themselves, and how many there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from chat_api.context import Context
from chat_api.parser.draft import Draft, Stop, not_loaded, not_understood
from chat_api.parser.measures.concepts import Ask
from chat_api.parser.parts import Parts
from chat_api.parser.sentence.checks import finish
from chat_api.parser.sentence.when import find_time
from chat_api.parser.sentence.who import find_lists, find_who
from chat_api.plan import AllOf, Among, Condition, Headlines, Instants, Kind, Plan
from chat_api.times import When
from lake.market_calendar import NEW_YORK

USUAL = 20
_MOST = 200
_GROUPS = {
    "publisher": "publisher",
    "sector": "sector",
    "industry": "industry",
    "company": "symbol",
    "symbol": "symbol",
}
_LISTED = timedelta(days=60)  # how far back the sources' lists may reach when they are first read
_ONE = (["headline"], ["article"], ["story"])
_HOW = "Ask for headlines of a company or a sector, or how many there are, as in: news about Apple this week."


def is_news(draft: Draft) -> bool:
    """Whether a question is about news."""
    return draft.phrase is not None or draft.has("concept", "news")


def read(draft: Draft) -> Plan:
    """The plan of a question about news.

    Raises:
        Stop: where news is asked for beside other figures, at a time that is not loaded, or a word has no place.
    """
    loaded = _loaded(draft.context)
    _refuse_figures(draft)
    texts, when, parts = _asked(draft)
    by, count = _counted(draft, texts)
    ranked = by is not None and bool(draft.take("sup", True))
    number = draft.take_one("number")
    limit = _limit(cast("tuple[float, str | None]", number.value)) if number else None
    if limit is None and not count and when is not None and when.kind == "now" and texts[:1] in _ONE:
        limit = 1
    if count and not by and limit:
        raise not_understood(f"“{number.text if number else ''}”")
    draft.take("word", "had")
    nouns = draft.take("noun")
    if ranked and limit is None and (any(n.value == "one" for n in nouns) or _of_one_publisher(texts)):
        limit = 1
    draft.take("by_metric")
    if draft.phrase is not None:
        draft.note(f"searched for the words “{draft.phrase}” in headlines and summaries")
    draft.take("follow", "pronoun")
    kind: Kind = "top_n" if ranked else "aggregate" if count else "lookup"
    plan = Plan(
        kind=kind,
        entity="headline",
        headlines=Headlines(
            search=draft.phrase,
            time=_instants(draft, when, loaded, counted=count),
            counted=count,
            by=by,
            until=loaded[1],
        ),
        where=_where(parts),
        limit=limit or (None if count else USUAL),
    )
    finish(draft)
    return plan.model_copy(update={"notes": tuple(draft.notes)})


def _asked(draft: Draft) -> tuple[list[str], When | None, Parts]:
    """The words for news, the time, and whom it is about."""
    texts = [item.text for item in draft.take("concept", "news")]
    when = find_time(draft)
    parts = Parts(ask=Ask(when=when))
    find_who(draft, parts)
    find_lists(draft, parts)
    return texts, when, parts


def follow(draft: Draft, previous: Plan) -> Plan | None:
    """A short question that asks the one before about another company or time, for a count, or by group."""
    before = previous.headlines
    kinds = {item.kind for item in draft.items} - {"fill", "follow", "and", "noun", "concept"}
    beyond = {item.value for item in draft.of("concept")} - {"news"}
    if before is None or beyond or not kinds or not kinds <= {"company", "sector", "time", "agg", "by"}:
        return None
    if draft.has("concept", "news") and kinds != {"agg"}:
        return None
    texts, when, parts = _asked(draft)
    by, count = _counted(draft, texts)
    loaded = _loaded(draft.context)
    if count and when is None and before.time is not None and before.time.start < _midnight(loaded[0]):
        raise _not_collected("that time", loaded)
    changed = before.model_copy(
        update={
            "search": draft.phrase or before.search,
            "time": _instants(draft, when, loaded, counted=count or before.counted) if when else before.time,
            "counted": count or before.counted,
            "by": by or before.by,
        }
    )
    draft.take("follow")
    draft.take("noun")
    finish(draft)
    kind: Kind = "aggregate" if changed.counted else previous.kind
    updates = {
        "headlines": changed,
        "where": _where(parts) or previous.where,
        "kind": kind,
        "limit": None if changed.counted and not before.counted else previous.limit,
        "notes": tuple(draft.notes),
    }
    return previous.model_copy(update=updates)


def _loaded(context: Context) -> tuple[date, date]:
    """The first and the last day of which news was collected."""
    if context.news_days is None:
        raise not_loaded(
            "Headlines are", "no news has been collected yet", "The job `news` collects it after each close."
        )
    return context.news_days


def _refuse_figures(draft: Draft) -> None:
    named = {item.value for item in draft.of("concept")} - {"news"}
    if "sentiment" in named or any("sentiment" in item.text for item in draft.of("concept")):
        raise not_loaded("The sentiment of news is", "headlines and how many there are can be asked for", _HOW)
    if named or draft.of("cmp", "share", "rank", "bucket", "change", "tag", "role", "apart", "chart"):
        raise not_loaded(
            "News beside other figures, over time or as a share is not answered from here and is",
            "headlines and how many there are can be asked for",
            _HOW,
        )


def _counted(draft: Draft, texts: list[str]) -> tuple[str | None, bool]:
    """What headlines are counted by, and whether they are counted."""
    count = bool(draft.take("agg", "count")) or any("count" in text or "number" in text for text in texts)
    groups = {cast("str", item.value) for item in draft.take("by")}
    most = draft.has("sup")
    if not groups and most:
        groups = {"publisher"} if any(text.startswith("publisher") for text in texts) else {"symbol"}
    if len(groups) > 1 or not groups <= set(_GROUPS):
        raise not_understood(f"the grouping by {' and '.join(sorted(groups))}")
    by = _GROUPS[groups.pop()] if groups else None
    return by, count or by is not None


def _of_one_publisher(texts: list[str]) -> bool:
    return any(text.startswith("publisher") and not text.startswith("publishers") for text in texts)


def _limit(number: tuple[float, str | None]) -> int:
    value, unit = number
    if unit is not None or not value.is_integer() or not 1 <= value <= _MOST:
        raise not_understood(f"{value:g} {unit or 'headlines'}")
    return int(value)


def _where(parts: Parts) -> Condition | None:
    pieces: list[Condition] = []
    if parts.companies:
        pieces.append(Among(dimension="symbol", values=tuple(parts.companies)))
    for piece in parts.where.parts if isinstance(parts.where, AllOf) else [parts.where] if parts.where else []:
        if not isinstance(piece, Among) or piece.dimension not in {"sector", "industry"}:
            raise not_understood("the place")
        pieces.append(piece)
    if not pieces:
        return None
    return pieces[0] if len(pieces) == 1 else AllOf(parts=tuple(pieces))


def _instants(draft: Draft, when: When | None, loaded: tuple[date, date], *, counted: bool) -> Instants | None:
    """The time as instants in New York; None for all that is loaded. Of a time loaded in part nothing is counted."""
    if when is None or when.kind == "now":
        return None
    now = draft.context.now
    if when.kind == "hour":
        end = now.replace(minute=0, second=0, microsecond=0)
        return Instants(start=end - timedelta(hours=1), end=end)
    start, end_day = _days(draft, when)
    first, last = loaded
    if start > last or (start < first if counted else end_day < first - _LISTED):
        raise _not_collected(f"{start} to {end_day}", loaded)
    if start < first:
        draft.note(f"collected from {first} on; of what came before, what the sources still listed")
    return Instants(start=_midnight(start), end=_midnight(end_day + timedelta(days=1)))


def _not_collected(what: str, loaded: tuple[date, date]) -> Stop:
    return not_loaded(
        f"The headlines of {what} are not all",
        f"news is collected from {loaded[0]} to {loaded[1]}",
        "The job `news` collects it after each close.",
    )


def _days(draft: Draft, when: When) -> tuple[date, date]:
    context = draft.context
    if when.kind == "session" and context.latest_session is not None:
        return context.latest_session, context.latest_session
    if when.kind == "sessions" and 0 < when.count <= len(context.sessions):
        return context.sessions[-when.count], context.today
    if when.kind in {"today", "yesterday", "day", "period", "since"} and when.start is not None:
        return when.start, when.end or context.today
    raise not_understood(f"“{when.text}” with headlines")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


__all__ = ["USUAL", "follow", "is_news", "read"]
