"""MLflow's tracking server in one process: `python -m orchestration.mlflow_server --host --port`.

`mlflow server` stays beside the server that it starts, with everything imported twice: 220 MB and some seconds for
nothing. The database's URL and the artifacts' folder come from `MLFLOW_BACKEND_STORE_URI` and
`MLFLOW_ARTIFACTS_DESTINATION`, as for `mlflow server`.
"""

from __future__ import annotations

import argparse
import os

# Clients are told this root, and go through the server.
ARTIFACT_ROOT = "mlflow-artifacts:/"


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="mlflow_server")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    words = parser.parse_args()

    from lake.imports import uncollected

    with uncollected():
        import uvicorn
        from mlflow.server import constants, handlers

    store = os.environ["MLFLOW_BACKEND_STORE_URI"]
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: ARTIFACT_ROOT,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: os.environ["MLFLOW_ARTIFACTS_DESTINATION"],
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    # Makes the tables, or brings them up to this version.
    handlers.initialize_backend_stores(store, store, ARTIFACT_ROOT)
    uvicorn.run("mlflow.server.fastapi_app:app", host=words.host, port=words.port, access_log=False)


if __name__ == "__main__":
    main()
