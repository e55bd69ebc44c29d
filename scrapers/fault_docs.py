"""`python -m scrapers.fault_docs`: the tables of docs/faults.md, what becomes of each fault and change of the sandbox.

The tests hold every row against a crawl.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from scrapers.errors import Reason
from scrapers.sandbox.faults import FAULTS
from scrapers.sandbox.world.changes import FORMS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "faults.md"


@dataclass(frozen=True)
class Outcome:
    """What a crawl makes of a fault.

    Attributes:
        refused: the name under which such a body, or its absence, is refused; None where it is an answer.
        body: whether there is a body to keep in bronze.
        row: the name under which a single row of the answer is quarantined.
        done: what else is done.
    """

    refused: Reason | None = None
    body: bool = True
    row: Reason | None = None
    done: str = ""


OUTCOMES = {
    "throttled": Outcome(Reason.THROTTLED, done="all crawls of the home wait as long as it says"),
    "throttled_bare": Outcome(Reason.THROTTLED),
    "crumb_expired": Outcome(Reason.CRUMB_INVALID, done="the crumb is renewed once, by one request for all"),
    "forbidden": Outcome(Reason.FORBIDDEN),
    "server_error": Outcome(Reason.SERVER_ERROR),
    "unavailable": Outcome(Reason.SERVER_ERROR),
    "consent": Outcome(Reason.CONSENT_PAGE),
    "maintenance": Outcome(Reason.MAINTENANCE_PAGE),
    "html": Outcome(Reason.HTML_INSTEAD_OF_JSON),
    "truncated": Outcome(Reason.TRUNCATED_JSON),
    "cut_short": Outcome(Reason.TRUNCATED_JSON),
    "slow": Outcome(done="waited for"),
    "stalled": Outcome(Reason.TIMED_OUT, body=False),
    "reset": Outcome(Reason.NO_RESPONSE, body=False),
    "wrong_type": Outcome(done="judged by what it is; the type is kept in bronze"),
    "nulls": Outcome(row=Reason.NULL_BAR, done="the other bars are taken"),
    "duplicates": Outcome(row=Reason.REPEATED_SESSION, done="one of the two is taken; a quote's repeat is a duplicate"),
    "out_of_order": Outcome(done="rows are known by their key, not their place"),
    "daily_cap": Outcome(Reason.DAILY_CAP, done="nothing more is asked; the key is cut out of the body"),
    "premium_function": Outcome(Reason.PREMIUM_FUNCTION, done="nothing more is asked"),
    "throttled_note": Outcome(Reason.THROTTLED),
    "damaged_zip": Outcome(Reason.DAMAGED_ZIP, done="from its first byte"),
    "undeclared_agent": Outcome(Reason.UNDECLARED_AGENT, done="SEC is left alone for ten minutes"),
    "rate_exceeded": Outcome(Reason.RATE_EXCEEDED, done="SEC is left alone for ten minutes"),
}
# Where SEC's zips, which go to disk, come to something else than a body of JSON.
OF_ZIPS = {
    "truncated": Reason.TRUNCATED_FILE,
    "stalled": Reason.TIMED_OUT,
    "cut_short": Reason.DAMAGED_ZIP,
    "html": Reason.HTML_INSTEAD_OF_FILE,
}


@dataclass(frozen=True)
class Change:
    """What a change of the data comes to.

    Attributes:
        source: what the source says from its day on.
        tick: the rows of a tick.
        rest: the rows of everything else.
    """

    source: str
    tick: str
    rest: str


CHANGES = {
    "rename": Change(
        "the company under its new symbol, with all its history; the old one is unknown (`not_in_answer`, 404); SEC's "
        "mapping has the new one",
        "`universe` of the session has the new symbol, with the rank of the old; quotes go on under it, equal but for "
        "the symbol. A tick that still goes by the universe of the session before asks for the old one: `coverage` has "
        "it as `not_found`, detail `not_in_answer`, and nothing else is missing",
        "`companies`: the last version of the old symbol ends at the open of the new one's first session "
        "(`is_current` false) and the new one begins there, under the same `company_id` (the CIK), once SEC's mapping "
        "names the new symbol and no longer the old. `bars_daily`: the old symbol's rows stay and end, the new one's "
        "begin; `tidemark backfill bars_daily` brings its history under the new name",
    ),
    "split": Change(
        "prices of all days in new shares, shares outstanding and volumes multiplied, from the start of the day; the "
        "split among the chart's events",
        "price, previous close, range, 52 weeks and EPS in new shares, so that `change_pct` and `market_cap` are what "
        "they would have been, to a cent's rounding. Target and forward dividend are in new shares with the session's "
        "profile; until then `summary_observed_at` says how old they are",
        "`corporate_actions`: one row of kind `split`, new shares per old. `bars_daily`: bars received before stay as "
        "they were; `split_ratio` on the day; `adj_close` of the days before divided, so that `return_pct` does not "
        "jump. `companies`: nothing",
    ),
    "leave": Change(
        "the company in its new sector, in the screener and in its profile; its prices know nothing of it",
        "`universe` of the session: in the new sector by its size, whose last member it may push out, and the old "
        "sector's next in line moves up; `sectors` and `coverage` follow the universe in force. Its quotes are equal",
        "`companies`: a new version from the session's open with the new sector. `bars_daily`: nothing",
    ),
    "clock": Change(
        "the time of the last trade too late, in quotes, summaries and charts; the bar of a running session is stamped "
        "with it; minutes keep the exchange's",
        "`tick` is the schedule's; `quoted_at` stays as the source gave it, after the tick. Everything else is equal",
        "a daily bar counts as finished by our own clock alone: one that is stamped past the close, or tomorrow, while "
        "the session runs is `partial_bar` in quarantine, and comes after the close like any other",
    ),
}

_HEAD = """# When a source misbehaves

The sandbox misbehaves on purpose, so that what follows can be seen and is tested (`tests/scrapers/test_faults.py` holds every row of the table against a crawl):

```sh
TIDEMARK_SANDBOX_FAULTS=all:0.1 .venv/bin/tidemark up
```

Each part is `NAME:SHARE`, comma separated, `all` for every fault that the address can have; `NAME:SHARE:1` befalls only the first attempt. A single request names its own fault in the header `X-Sandbox-Fault: NAME`. Whether a request is hit is a function of the seed, what is asked and the attempt: a run can be repeated, and a retry usually passes. Faults are between the source and us; its data stay the same. What changes the data themselves is [further down](#when-the-data-change).

| fault | the source | recorded as | asked again | if it stays | to see it |
|---|---|---|---|---|---|
"""

_MIDDLE = """
SEC's logs are files and not JSON: ZIPS. What came before a connection ended stays on disk, and the next attempt goes on from there ([loading days](attention.md#loading-days)).

"Asked again" is with exponential backoff and full jitter (at most 60 s), after what Retry-After says (a wish beyond 15 minutes is not waited for: the host is left alone until then). Every body is in bronze before it is parsed, refused ones too. What stays refused is named in the crawl's report (`unanswered`) and, in brackets, in the coverage.

**Exit codes of a crawl**: 0 where at least one answer came (or nothing was asked), 1 where none came, 2 for wrong use, 3 where no host was asked because all are left alone; the run that started it fails on the last three and says why.

**A host that refuses in a row** (`TIDEMARK_HOST_REFUSALS`, 20: 429, 403, 5xx, pages instead of answers, no answer at all) is left alone for `TIDEMARK_HOST_PAUSE_SECONDS` (60), twice as long each time that it refuses right afterwards, at most 15 minutes. Requests to it then end at once as `host_left_alone` (refused). All crawls of a home know this together, as they share one rate and one crumb: `HOME/run/hosts` holds it, readable by its owner alone.

## When the data change

A fault is between the source and us; a company that takes another symbol is not. Such changes of the data are wished for apart, comma separated (`tests/scrapers/test_sandbox_changes.py` holds what the sandbox serves, `tests/orchestration/test_changes.py` the rows in gold, against a home in which nothing happens):

```sh
TIDEMARK_SANDBOX_CHANGES='EXAMPLES' .venv/bin/tidemark up
```

A single request names its own in the header `X-Sandbox-Changes`, in the place of the setting's. A change is there from the start of its day in New York, which has to be a session; asked about an instant before it, the sandbox answers as if nothing were to come. A symbol is renamed once, to one that is free; a company goes by its first symbol in all of its changes. A ratio is new shares per old (`4`, `3/2`, `1/10`), a time seconds, minutes, hours or days (`+90s`, `+2h`). What happens to one company changes no row of another, the sums over its sector and the places in it apart.

| change | the source | a tick's rows | the other rows | to see it |
|---|---|---|---|---|
"""


def page() -> str:
    """The page."""
    zips = ", ".join(
        f"`{name}` is `{reason}` there" for name, reason in OF_ZIPS.items() if OUTCOMES[name].refused != reason
    )
    middle = _MIDDLE.replace("EXAMPLES", ",".join(form.example for form in FORMS.values())).replace("ZIPS", zips)
    return _HEAD + "".join(_row(name) for name in FAULTS) + middle + "".join(_change(name) for name in FORMS)


def _row(name: str) -> str:
    fault, outcome = FAULTS[name], OUTCOMES[name]
    recorded = f"`{outcome.refused or outcome.row or 'an answer'}`"
    if outcome.refused is None and outcome.row is None:
        recorded = "an answer"
    elif outcome.row is not None:
        recorded = f"an answer; the row `{outcome.row}` in quarantine"
    stays = f"`{outcome.refused}` ({outcome.refused.coverage})" if outcome.refused else "the same"
    cells = [
        f"`{name}`",
        fault.what,
        recorded + ("" if outcome.body else ", no body"),
        _again(outcome),
        stays,
        f"`TIDEMARK_SANDBOX_FAULTS={name}:0.2`",
    ]
    return f"| {' | '.join(cells)} |\n"


def _change(name: str) -> str:
    change, form = CHANGES[name], FORMS[name]
    cells = [f"`{form.shape}`", change.source, change.tick, change.rest, f"`TIDEMARK_SANDBOX_CHANGES='{form.example}'`"]
    return f"| {' | '.join(cells)} |\n"


def _again(outcome: Outcome) -> str:
    times = (
        "once"
        if outcome.refused is Reason.CRUMB_INVALID
        else f"up to {outcome.refused.tries} times"
        if outcome.refused
        else "no"
    )
    return f"{times}; {outcome.done}" if outcome.done else times


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
