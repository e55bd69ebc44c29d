"""`python -m tests.tick_worker [--kill-after WRITTEN] TICK…`: ticks from crawl to marts, each a run of Dagster's job.

The home is that of the environment; its sandbox and its PostgreSQL run. With `--kill-after` the process is killed with
the last tick, as soon as that is written (`orchestration.crash`).
"""

from __future__ import annotations

import os
import sys
from datetime import datetime

from lake.imports import uncollected

with uncollected():
    from lake.home import Home
    from lake.settings import load_settings
    from orchestration import crash
    from orchestration.assets.factory import TICK_TAG
    from orchestration.jobs import INVENTORY
    from orchestration.load import Step, runner, tables_of


def main(arguments: list[str]) -> None:
    """Take the ticks."""
    kill_after = arguments.pop(1) if arguments[0] == "--kill-after" else None
    ticks = [datetime.fromisoformat(text) for text in arguments if not text.startswith("--")]
    settings = load_settings()
    with runner(Home.open(settings, create=False)) as run:
        for tick in ticks:
            if kill_after is not None and tick == ticks[-1]:
                os.environ[crash.SETTING] = kill_after
            tables, tags = (*tables_of("quotes"), *INVENTORY), {TICK_TAG: tick.isoformat()}
            run(Step("tick", "quotes", tables, tick.date(), tick.date(), tags, marts=True))
            sys.stdout.write(f"taken {tick.isoformat()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
