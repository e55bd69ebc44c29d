"""An answer as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from chat_api.values import Plain

# What spreadsheets read as the start of a formula, the wide forms included.
_FORMULA = re.compile(r"^\s*[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"-\d+(\.\d+)?([eE][+-]?\d+)?")


def cell(value: Plain) -> str:
    """One cell: text that would begin a formula gets an apostrophe in front; a negative number stays one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = " ".join(str(part) for part in value) if isinstance(value, list) else value
    if text[:1] in ("\t", "\r", "\n") or (_FORMULA.match(text) and not _NUMBER.fullmatch(text)):
        return f"'{text}"
    return text


def to_csv(header: Sequence[str], rows: Sequence[Sequence[Plain]]) -> str:
    """A table as CSV: a header of column names, quoted where needed, lines ended as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()
