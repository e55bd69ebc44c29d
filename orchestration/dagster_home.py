"""Dagster's own folder in a home: its instance settings, and where its code server is. Written anew at each start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.home import Home

DSN = "TIDEMARK_DAGSTER_DSN"


def instance_settings(home: Home) -> dict[str, Any]:
    """The content of `dagster.yaml`; the database's URL, which holds a password, stays in the environment."""
    return {
        "storage": {"postgres": {"postgres_url": {"env": DSN}}},
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home.dagster)},
        },
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            # A tick waits for this before its run begins; Dagster's own 5 s are for queues of hundreds.
            "config": {"dequeue_interval_seconds": 1},
        },
        "concurrency": {
            "runs": {"max_concurrent_runs": 2},
            # Runs that write one table take turns.
            "pools": {"default_limit": 1, "granularity": "op"},
        },
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "cancel_timeout_seconds": 60,
            "max_runtime_seconds": 3600,
            "free_slots_after_run_end_seconds": 60,
            "poll_interval_seconds": 30,
        },
        # A run whose process was killed is run again; one whose step failed waits for somebody to look.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "code_servers": {"local_startup_timeout": 180},
        "sensors": {"use_threads": True, "num_workers": 2},
        "retention": {
            "sensor": {"purge_after_days": {"skipped": 2, "failure": 30, "success": -1}},
            "schedule": {"purge_after_days": {"skipped": 2, "failure": 30, "success": -1}},
        },
        "freshness": {"enabled": True},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


def workspace(code_port: int) -> dict[str, Any]:
    """The content of the `workspace.yaml` by which webserver and daemon find the code server."""
    server = {"host": "127.0.0.1", "port": code_port, "location_name": "tidemark"}
    return {"load_from": [{"grpc_server": server}]}


def write(home: Home, code_port: int) -> Path:
    """Write both files.

    Returns:
        The path of `workspace.yaml`.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (home.dagster / "dagster.yaml").write_text(json.dumps(instance_settings(home), indent=1))
    path = home.dagster / "workspace.yaml"
    path.write_text(json.dumps(workspace(code_port), indent=1))
    return path
