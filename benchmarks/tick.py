"""One more tick of the universe, from crawl to marts, beside the running services."""

from __future__ import annotations

import json
import sys
import time

from lake.clock import Clock
from lake.home import Home
from lake.market_calendar import xnys
from lake.settings import load_settings
from orchestration.assets.factory import TICK_TAG
from orchestration.jobs import INVENTORY
from orchestration.load import Step, run_steps, tables_of


def main() -> int:
    """Load the tick before the newest, which the first load has left out."""
    settings = load_settings()
    home = Home.open(settings, create=False)
    newest = xnys().latest_tick(Clock.from_settings(settings).now())
    session = newest.session
    before = [tick for tick in xnys().ticks(session) if tick < newest.tick]
    tags = {TICK_TAG: before[-1].isoformat()}
    step = Step("tick", "quotes", (*tables_of("quotes"), *INVENTORY), session, session, tags, marts=True)
    began = time.monotonic()
    summary = run_steps(home, settings, [step])
    total = time.monotonic() - began
    figures = {
        "seconds": summary.seconds["tick"],
        "seconds_with_definitions": round(total, 1),
        "limits": {"seconds": 45},
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
