"""`python -m scrapers.sandbox --host --port`: serve the simulated sources. Settings come from the environment."""

from __future__ import annotations

import argparse
import sys

from lake.imports import uncollected

with uncollected():
    import uvicorn

    from lake.settings import SettingsError, load_settings
    from scrapers.sandbox.app import build_app
    from scrapers.sandbox.faults import FaultError
    from scrapers.sandbox.replies import ConnectionProtocol
    from scrapers.sandbox.state import Sandbox
    from scrapers.sandbox.world.changes import ChangeError


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 2 for a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m scrapers.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind to")
    parser.add_argument("--port", type=int, required=True, help="port to bind to; 0 takes a free one")
    given = parser.parse_args(arguments)
    try:
        sandbox = Sandbox.from_settings(load_settings())
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except FaultError as problem:
        sys.stderr.write(f"TIDEMARK_SANDBOX_FAULTS: {problem}\n")
        return 2
    except ChangeError as problem:
        sys.stderr.write(f"TIDEMARK_SANDBOX_CHANGES: {problem}\n")
        return 2
    uvicorn.run(
        build_app(sandbox),
        host=given.host,
        port=given.port,
        http=ConnectionProtocol,
        log_level="info",
        access_log=False,
        lifespan="off",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
