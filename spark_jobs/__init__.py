"""PySpark over Spark Connect: whatever is counted in gigabytes. Nothing here knows Dagster."""
