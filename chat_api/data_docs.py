"""Great Expectations' Data Docs, served beside the pages: files that run nothing and fetch nothing."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
_NONE_YET = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Data Docs</title>'
    "<p>There are no Data Docs yet: the first load, an import and the loads after the close make them.</p></html>"
)


class DataDocs(StaticFiles):
    """The folder of pages; before there is one, a page that says so."""

    def __init__(self, site: Path) -> None:
        super().__init__(directory=site, html=True, check_dir=False)
        self._site = site

    async def check_config(self) -> None:
        """Nothing: the folder is there once the first Data Docs have been made."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file with a policy under which no script runs, whatever a page holds."""
        if not (self._site / "index.html").is_file():
            return HTMLResponse(_NONE_YET, headers={"content-security-policy": _POLICY})
        response = await super().get_response(path, scope)
        response.headers["content-security-policy"] = _POLICY
        return response
