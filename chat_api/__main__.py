"""`python -m chat_api --host 127.0.0.1 --port N`: the chat of the home that the settings name."""

from __future__ import annotations

import argparse
import logging
import sys

from lake.home import Home, HomeError
from lake.imports import uncollected
from lake.settings import SettingsError, load_settings


def main() -> int:
    """Serve until ended; 2 for settings that cannot be used."""
    parser = argparse.ArgumentParser(prog="chat_api", description="Serve the chat of a home.")
    parser.add_argument("--host", help="address to bind to; the settings' host by default")
    parser.add_argument("--port", type=int, help="port; the one that the home keeps by default")
    words = parser.parse_args()
    try:
        settings = load_settings(**({"host": words.host} if words.host else {}))
        home = Home.open(settings, create=False)
        port = words.port if words.port is not None else home.port("chat")
    except (SettingsError, HomeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2

    with uncollected():
        import uvicorn

        from chat_api.app import build_app

    # sqlglot reports what it cannot read, text included; the guard refuses it and says so to who asked.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    uvicorn.run(
        build_app(settings, home),
        host=settings.host,
        port=port,
        log_level="info",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
