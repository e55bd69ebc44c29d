"""Importing this floor loads none of the frameworks that take seconds."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import ml.predict, ml.scores, ml.signals, ml.train
heavy = {"mlflow", "sklearn", "scipy", "pandas", "matplotlib", "pyspark"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""


def test_nothing_heavy_is_loaded():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
