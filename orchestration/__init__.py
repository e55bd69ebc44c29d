"""The only floor that imports Dagster: assets, checks, sensors, and the `tidemark` command."""
