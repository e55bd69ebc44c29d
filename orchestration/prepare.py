"""What an installation does once and a start then need not: dbt's manifest. A second call finds it done."""

from __future__ import annotations

from dbt_project.runner import ensure_manifest

if __name__ == "__main__":
    ensure_manifest()
