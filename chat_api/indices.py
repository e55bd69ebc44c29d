"""Indices as entities of a plan: which it names, and the context as their market sees it."""

from __future__ import annotations

from dataclasses import replace

from chat_api.context import Company, Context, IndexHeld
from chat_api.plan import AllOf, Among, Plan
from lake.indices import INDICES


def symbols_of(plan: Plan) -> tuple[str, ...]:
    """The indices that a plan names; all of them where it names none."""
    where = plan.where
    for part in where.parts if isinstance(where, AllOf) else (where,) if where is not None else ():
        if isinstance(part, Among) and part.dimension == "symbol" and not part.negated:
            return part.values
    return tuple(INDICES)


def narrowed(context: Context, symbols: tuple[str, ...]) -> Context:
    """The context with what is loaded of some indices alone, in the order given."""
    held = {one.symbol: one for one in context.indices}
    return replace(context, indices=tuple(held.get(symbol, IndexHeld(symbol)) for symbol in symbols))


def market_of(context: Context, symbols: tuple[str, ...]) -> Context:
    """The context in which the indices stand where companies do.

    Sessions and minutes are those loaded of all of them. Of indices on several exchanges the calendar holds the days
    on which all have a session, and no minutes: their hours differ.
    """
    held = narrowed(context, symbols).indices
    calendars = list({id(one.calendar): one.calendar for one in held}.values())
    calendar = calendars[0]
    for other in calendars[1:]:
        calendar = other.shared_with(calendar)
    one_exchange = len({INDICES[symbol].exchange for symbol in symbols}) == 1
    sessions = set(held[0].sessions).intersection(*(one.sessions for one in held[1:]))
    minutes = set(held[0].minute_sessions).intersection(*(one.minute_sessions for one in held[1:]))
    return replace(
        context,
        companies=tuple(Company(symbol=index.symbol, name=index.name) for index in INDICES.values()),
        ticks=(),
        sessions=tuple(sorted(day for day in sessions if one_exchange or calendar.is_session(day))),
        minute_sessions=tuple(sorted(minutes)) if one_exchange else (),
        hours=(),
        visit_days=(),
        forecasts=(),
        indices=held,
        calendar=calendar,
        about_indices=True,
    )
