"""Steps: plain functions that make a table, from a `Work` to an `Outcome`. Nothing here imports Dagster."""
