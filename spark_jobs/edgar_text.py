"""A log's clean text as an engine reads it: its columns, its lines with their hash and number, and the lines in doubt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from spark_jobs.edgar_files import LogForm
from spark_jobs.edgar_repeats import MOVED, NUMBER_DIGITS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Fields of the first form as nearly all lines have them; what they match keeps every rule.
_USUAL = {
    "ip": "[^,]*",
    "date": "",
    "time": "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "cik": "[1-9][0-9]{0,9}(?:[.]0)?",
    "accession": "(?:[0-9]{10}-[0-9]{2}-[0-9]{6})?",
    "document": "[^,]*",
    "status": "(?:(?:[1-5][0-9]{2}|0)(?:[.]0)?)?",
    "zone": "(?:[0-9]{1,9}[.]0)?",
    "size": "(?:[0-9]{1,15}(?:[.]0)?)?",
    "idx": "(?:[01](?:[.]0)?)?",
    "crawler": "(?:[01](?:[.]0)?)?",
}


def columns_of_text(form: LogForm) -> tuple[str, ...]:
    """The columns of a log's text, all of them texts, empty ones null: a line's fields, or the whole line in the second form."""
    return tuple(f"field_{place}" for place in range(form.width)) if form.series == "v1" else ("value",)


def first_lines(text: DataFrame, form: LogForm) -> DataFrame:
    """The lines of chunks, less those that were moved.

    Args:
        text: the form's `columns_of_text`, and `file` (the number in the name of the file's folder).
        form: of the lines.

    Returns:
        These columns, and `line_hash`, `repeat_no`.
    """
    first, *_ = columns_of_text(form)
    kept = text.where(f"NOT coalesce(startswith({first}, '{MOVED}'), false)")
    return _hashed(kept.selectExpr("*", "1 AS repeat_no"), form)


def later_lines(text: DataFrame, form: LogForm) -> DataFrame:
    """The second and later ones of equal lines, as `first_lines`.

    Args:
        text: as there, but the first column's text begins with the line's number.
        form: of the lines.
    """
    first, *others = columns_of_text(form)
    split = text.selectExpr(
        f"nullif(substr({first}, {NUMBER_DIGITS + 1}), '') AS {first}",
        *others,
        "file",
        f"CAST(substr({first}, 1, {NUMBER_DIGITS}) AS int) AS repeat_no",
    )
    return _hashed(split, form)


def fields_of_lines(text: DataFrame, form: LogForm) -> DataFrame:
    """Whole lines as the form's `columns_of_text`.

    Args:
        text: `value`, and `file`.
        form: of the lines.
    """
    if form.series == "v2":
        return text
    fields = text.selectExpr("split(value, ',') AS fields", "file")
    return fields.selectExpr(
        *(f"nullif(get(fields, {place}), '') AS {name}" for place, name in enumerate(columns_of_text(form))), "file"
    )


def plainly_good(form: LogForm, day: date) -> str:
    """A condition on `value`, a whole line, that holds for no line that breaks a rule, and for nearly all others.

    One pattern is read faster than each field by itself. A line that it does not know is looked at in full.
    """
    if form.series == "v2":
        return "false"
    usual = {place: _USUAL[name] for name, place in form.places}
    usual[dict(form.places)["date"]] = day.isoformat()
    return f"value RLIKE r'^{','.join(usual.get(place, '[^,]*') for place in range(form.width))}\\z'"


def _hashed(text: DataFrame, form: LogForm) -> DataFrame:
    return text.selectExpr("*", f"xxhash64({texts_of(form)}) AS line_hash")


def texts_of(form: LogForm) -> str:
    """A line's fields, empty ones as texts: a hash passes nulls over, and would not tell which field is empty."""
    return ", ".join(f"coalesce({name}, '')" for name in columns_of_text(form))
