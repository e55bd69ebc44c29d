"""How long the definitions take once their imports are there, and which heavy modules they have loaded."""

from __future__ import annotations

import json
import sys
import time


def main() -> int:
    """Build them in a fresh process and print the figures."""
    import dagster_dbt  # noqa: F401 - its imports are not what is measured
    import dbt.graph  # noqa: F401 - dagster-dbt brings it in with the first model

    import orchestration.definitions

    began = time.perf_counter()
    orchestration.definitions.build_defs()
    seconds = time.perf_counter() - began
    heavy = [name for name in ("pyspark", "pandas", "mlflow", "great_expectations") if name in sys.modules]
    print(json.dumps({"seconds": round(seconds, 3), "heavy_modules": heavy, "limits": {"seconds": 1.0}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
