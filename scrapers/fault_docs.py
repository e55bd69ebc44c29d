"""`python -m scrapers.fault_docs`: the table of docs/faults.md, what a crawl does about each fault of the sandbox.

The tests hold every row against a crawl.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from scrapers.errors import Reason
from scrapers.sandbox.faults import FAULTS

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
}

_HEAD = """# When a source misbehaves

The sandbox misbehaves on purpose, so that what follows can be seen and is tested (`tests/scrapers/test_faults.py` holds every row of the table against a crawl):

```sh
TIDEMARK_SANDBOX_FAULTS=all:0.1 .venv/bin/tidemark up
```

Each part is `NAME:SHARE`, comma separated, `all` for every fault that the address can have; `NAME:SHARE:1` befalls only the first attempt. A single request names its own fault in the header `X-Sandbox-Fault: NAME`. Whether a request is hit is a function of the seed, what is asked and the attempt: a run can be repeated, and a retry usually passes. Faults are between the source and us; its data stay the same.

| fault | the source | recorded as | asked again | if it stays | to see it |
|---|---|---|---|---|---|
"""

_FOOT = """
"Asked again" is with exponential backoff and full jitter (at most 60 s), after what Retry-After says (a wish beyond 15 minutes is not waited for: the host is left alone until then). Every body is in bronze before it is parsed, refused ones too. What stays refused is named in the crawl's report (`unanswered`) and, in brackets, in the coverage.

**Exit codes of a crawl**: 0 where at least one answer came (or nothing was asked), 1 where none came, 2 for wrong use, 3 where no host was asked because all are left alone; the run that started it fails on the last three and says why.

**A host that refuses in a row** (`TIDEMARK_HOST_REFUSALS`, 20: 429, 403, 5xx, pages instead of answers, no answer at all) is left alone for `TIDEMARK_HOST_PAUSE_SECONDS` (60), twice as long each time that it refuses right afterwards, at most 15 minutes. Requests to it then end at once as `host_left_alone` (refused). All crawls of a home know this together, as they share one rate and one crumb: `HOME/run/hosts` holds it, readable by its owner alone.
"""


def page() -> str:
    """The page."""
    return _HEAD + "".join(_row(name) for name in FAULTS) + _FOOT


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
