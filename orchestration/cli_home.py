"""What the commands share: the home that they work in, and the option to write JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lake.home import Home
    from lake.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def open_home(*, create: bool = False) -> tuple[Home, Settings]:
    """The settings and their home."""
    from lake.home import Home
    from lake.settings import load_settings

    settings = load_settings()
    home = Home.open(settings, create=create)
    if create:
        home.lake.claim(home.world)
    return home, settings
