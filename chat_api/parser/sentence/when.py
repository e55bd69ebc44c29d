"""The one time of a question."""

from __future__ import annotations

from dataclasses import replace

from chat_api.parser.draft import Draft, clarify, not_understood, when_of
from chat_api.parser.measures.concepts import is_period
from chat_api.times import When


def read_performance(draft: Draft, when: When | None) -> None:
    """`performance` with a period is the return over it; without one it has no meaning."""
    for item in draft.of("perform"):
        if is_period(when) and draft.of("company") and not draft.of("concept"):
            item.kind, item.value = "concept", "return"
        else:
            if draft.of("sector") and not draft.of("company"):
                names = " and ".join(str(sector.value) for sector in draft.of("sector"))
                raise clarify(
                    "A sector's performance needs a period and a weighting. Which is meant?",
                    ("today, cap-weighted change %", f"{names} cap weighted change today"),
                    ("today, average change %", f"{names} average change today"),
                    ("companies' average return this month", f"average return of {names} companies this month"),
                )
            raise clarify(
                "Performance needs a measure and a period. Which is meant?",
                *[
                    (label, f"{draft.replaced(item, words)}".rstrip("?. "))
                    for label, words in (
                        ("change % today", "change % today"),
                        ("return this month", "return this month"),
                        ("return year to date", "return year to date"),
                    )
                ],
                ("another period", None),
            )


def find_time(draft: Draft) -> When | None:
    """The one time of a question: a clock joined with its day, two days joined to a pair."""
    found = draft.take("time")
    whens = [when_of(item) for item in found]
    clocks = [when for when in whens if when.kind in {"clock", "minutes"}]
    days = [when for when in whens if when.kind not in {"clock", "minutes"}]
    if len(days) > 1:
        days = _distinct(days)
    if len(clocks) == 2 and len(days) <= 1 and all(clock.kind == "clock" for clock in clocks):
        first, second = (replace(clock, start=days[0].start if days else None) for clock in clocks)
        return When("pair", first=first, second=second, text=f"{first.text} and {second.text}")
    if len(clocks) == 1 and len(days) <= 1:
        clock = clocks[0]
        day = days[0] if days else None
        if day is not None and day.kind not in {"day", "today", "yesterday", "session", "now"}:
            raise not_understood(f"“{clock.text}” with “{day.text}”")
        if clock.kind == "minutes" and clock.clock is not None and _two_ticks(draft, clock):
            first = When("clock", start=day.start if day else None, clock=clock.clock, grain="tick", text=clock.text)
            return When("pair", first=first, second=replace(first, clock=clock.clock_end), text=clock.text)
        start = day.start if day is not None and day.kind in {"day", "yesterday"} else None
        return replace(clock, start=start, text=f"{clock.text} {day.text}" if day else clock.text)
    if clocks:
        raise not_understood("several times of the day")
    if len(days) == 2:
        return _two_days(draft, *days)
    if len(days) > 2:
        raise not_understood("several dates")
    return days[0] if days else None


def _two_ticks(draft: Draft, clock: When) -> bool:
    return "tick" in draft.lexed.words and "minute" not in draft.lexed.words and clock.clock_end is not None


def _distinct(days: list[When]) -> list[When]:
    """`now`, `today` and the latest session beside a wider time add nothing to it."""
    plain = [day for day in days if day.kind not in {"now", "today"}]
    if not plain:
        return days[:1]
    unique: list[When] = []
    for day in plain:
        if not any(replace(day, text="") == replace(other, text="") for other in unique):
            unique.append(day)
    if (
        len(unique) == 1
        and unique[0].kind in {"day", "yesterday", "session", "next", "hour"}
        and len(plain) < len(days)
    ):
        if unique[0].kind == "day":
            return [unique[0]] if not any(day.kind == "now" for day in days) else days
        return unique
    return unique


def _two_days(draft: Draft, first: When, second: When) -> When:
    if draft.has("compare") or draft.has("apart") or draft.has("change") or draft.has("and"):
        days = {"day", "yesterday"}
        if first.kind in days and second.kind in days and first.start and second.start:
            early, late = sorted((first, second), key=lambda when: str(when.start))
            draft.take("compare")
            return When("pair", first=early, second=late, text=f"{early.text} and {late.text}")
    raise not_understood(f"“{first.text}” together with “{second.text}”")
