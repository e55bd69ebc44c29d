"""What Dagster's servers load: the definitions of the environment's settings."""

from __future__ import annotations

from lake.imports import uncollected

with uncollected():
    from orchestration.definitions import build_defs

defs = build_defs()
