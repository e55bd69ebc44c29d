"""Great Expectations' Data Docs: a page a staging table with the newest verdict on it, readable without a network.

The library's pages take their styles and scripts from other hosts, and write the values that failed into them as markup.
Here the values are escaped before a page is made of them, and what points to other hosts is replaced by a style of ours.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

_SITE, _STORE = "site", "store"
_COLUMNS = "expect_table_columns_to_match_ordered_list"
# Scripts, styles of other hosts, the maker's logo and its footer.
_FOREIGN = re.compile(
    r"<script\b[^>]*>.*?</script>|<link\b[^>]*>|<img\b[^>]*>|<footer\b[^>]*>.*?</footer>", re.DOTALL | re.IGNORECASE
)
_STYLE = Path(__file__).with_name("data_docs.css")


def site(docs: Path) -> Path:
    """Where the pages are; `index.html` is the first."""
    return docs / _SITE


def open_context(docs: Path | None) -> Any:
    """A Great Expectations context: in memory alone, or with suites and verdicts kept below a folder.

    The address of the database is never written: data sources live in memory either way.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        FilesystemStoreBackendDefaults,
        ProgressBarsConfig,
    )

    if docs is None:
        context = gx.get_context(mode="ephemeral")
    else:
        kept = FilesystemStoreBackendDefaults(root_directory=str((docs / _STORE).resolve()))
        kept.data_docs_sites = {"staging": _site_config(docs)}
        context = gx.get_context(
            project_config=DataContextConfig(store_backend_defaults=kept, analytics_enabled=False), mode="ephemeral"
        )
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _site_config(docs: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(_next_site(docs).resolve()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _next_site(docs: Path) -> Path:
    return docs / f"{_SITE}.next"


def _verdicts(docs: Path) -> Path:
    return docs / _STORE / "uncommitted" / "validations"


def forget(docs: Path, name: str) -> None:
    """Let go of the last verdict on a table: the pages show one a table."""
    shutil.rmtree(_verdicts(docs) / name, ignore_errors=True)


def build_site(context: Any, docs: Path) -> None:
    """Make all pages anew and put them in place of the old ones."""
    new, old = _next_site(docs), docs / f"{_SITE}.old"
    for path in _verdicts(docs).rglob("*.json"):
        _make_showable(path)
    shutil.rmtree(new, ignore_errors=True)
    context.build_data_docs()
    style = _STYLE.read_text()
    for page in new.rglob("*.html"):
        page.write_text(_own_style(page.read_text(), style))
    (new / "index.html").write_text(_index(docs, style))
    shutil.rmtree(old, ignore_errors=True)
    if site(docs).exists():
        site(docs).rename(old)
    new.rename(site(docs))
    shutil.rmtree(old, ignore_errors=True)


def _make_showable(path: Path) -> None:
    """What was found in a table becomes text in a verdict; the same however often this runs."""
    verdict = json.loads(path.read_text())
    for result in verdict.get("results", []):
        judged = result["expectation_config"]
        found = _escaped(result.get("result")) or {}
        if judged["type"] == _COLUMNS and result["success"]:
            # The pages need the columns found, which a plain yes leaves out: they are those that were wanted.
            found.setdefault("observed_value", judged["kwargs"]["column_list"])
        result["result"] = found
    path.write_text(json.dumps(verdict))


def _index(docs: Path, style: str) -> str:
    """The first page: a line a table. The library's own needs its scripts."""
    lines = []
    for path in sorted(_verdicts(docs).rglob("*.json")):
        verdict = json.loads(path.read_text())
        counts = verdict["statistics"]
        failed = counts["unsuccessful_expectations"]
        page = Path("validations") / path.relative_to(_verdicts(docs)).with_suffix(".html")
        mark = '<td class="text-danger">fails</td>' if failed else '<td class="text-success">holds</td>'
        lines.append(
            f'<tr><td><a href="{html.escape(page.as_posix())}">{html.escape(verdict["suite_name"])}</a></td>{mark}'
            f"<td>{counts['evaluated_expectations']}</td><td>{failed}</td>"
            f"<td>{html.escape(verdict['meta']['run_id']['run_time'][:19])} UTC</td></tr>"
        )
    heads = "".join(f"<th>{head}</th>" for head in ("table", "verdict", "expectations", "failed", "judged"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data Docs</title><style>{style}</style></head>'
        "<body><h1>Data Docs</h1><p>The staging tables held against their contracts, before the marts are built of them."
        f"</p><table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></body></html>"
    )


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(html.unescape(value), quote=False)
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    return value


def _own_style(page: str, style: str) -> str:
    kept = _FOREIGN.sub("", page)
    return kept.replace("</head>", f"<style>{style}</style></head>", 1)
