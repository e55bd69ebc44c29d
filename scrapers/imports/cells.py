"""A file as text: every physical line, or every element of its JSON, a row of cells; none is lost here."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

TEXT = "_text"
_LARGEST = 1 << 30
_LONGEST_TEXT = 2_000
_ZONES = ("US/Eastern", "America/New_York")
_SERIES = {"Time Series (1min)": "alphavantage_minutes", "Time Series (Daily)": "alphavantage_days"}


class NotRecognised(ValueError):
    """A file that is of no known shape, or lacks its symbol or day; the text says what was expected and what was found."""


class Part(NamedTuple):
    """A file, or a member of a zip.

    Attributes:
        name: its own name, folders left out.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Cells:
    """A table of texts.

    Attributes:
        names: header names in plain form.
        shown: the same as the file has them.
        frame: a column a name (the first of equal ones), all text, and `_text`, the row as it stands in the file.
        ragged: rows with another number of fields than the header.
        about: what the file says of itself beside its rows.
        form: how the file is laid out.
    """

    names: tuple[str, ...]
    shown: tuple[str, ...]
    frame: pl.DataFrame
    ragged: list[str] = field(default_factory=list)
    about: Mapping[str, str] = field(default_factory=dict)
    form: str = "table"

    @property
    def rows_in(self) -> int:
        """How many rows the file has."""
        return self.frame.height + len(self.ragged)


def plain(name: str) -> str:
    """A header name without case, spaces, underscores, hyphens and numbering."""
    return re.sub(r"[\s_\-\"]", "", re.sub(r"^\s*\d+\.\s+", "", name.strip().lower()))


def parts(path: Path, name: str | None = None) -> Iterator[Part]:
    """A file, or each member of a zip.

    Args:
        path: where it lies.
        name: what it was called where it came from.

    Raises:
        NotRecognised: for a damaged zip, or one that would fill the memory.
    """
    name = name or path.name
    if not zipfile.is_zipfile(path):
        yield Part(name, path.read_bytes())
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in members) > _LARGEST:
                raise NotRecognised(f"{name}: its members are more than 1 GiB unpacked; import them one by one")
            for info in members:
                yield Part(Path(info.filename).name, archive.read(info))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise NotRecognised(f"{name}: a zip that cannot be read: {error}") from None


def cells_of(part: Part) -> Cells:
    """A part as cells, by what its first bytes are.

    Raises:
        NotRecognised: where it holds no table.
    """
    if part.data[:4] == b"PAR1":
        frame = pl.read_parquet(BytesIO(part.data))
        return _from_frame(frame)
    start = part.data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in {b"{", b"["}:
        return _from_json(part)
    return _from_lines(part)


def _from_lines(part: Part) -> Cells:
    head, _, rest = part.data.partition(b"\n")
    try:
        first = head.decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError:
        raise NotRecognised(f"{part.name}: expected a table as text; found bytes that are not UTF-8 text") from None
    shown = tuple(next(csv.reader([first]), []))
    text = pl.Series(TEXT, rest.decode("utf-8", "replace").split("\n"), dtype=pl.String).str.strip_chars_end("\r")
    lines = text.to_frame().filter(pl.col(TEXT).str.strip_chars() != "")
    whole = lines.with_columns(_split(lines[TEXT]))
    fitting = pl.col("fields").list.len() == len(shown)
    ragged = whole.filter(~fitting)[TEXT].str.slice(0, _LONGEST_TEXT).to_list()
    names = tuple(plain(name) for name in shown)
    frame = whole.filter(fitting).select(
        *[pl.col("fields").list.get(at, null_on_oob=True).alias(name) for at, name in _firsts(names)],
        pl.col(TEXT).str.slice(0, _LONGEST_TEXT),
    )
    return Cells(names, shown, frame, ragged)


def _split(lines: pl.Series) -> pl.Series:
    """Each line's fields; only lines with a quote need the reader that knows quotes."""
    numbered = lines.to_frame().with_row_index("at").with_columns(pl.col(TEXT).str.split(",").alias("fields"))
    quoted = pl.col(TEXT).str.contains('"', literal=True)
    read = numbered.filter(quoted).with_columns(
        pl.col(TEXT).map_elements(_fields, return_dtype=pl.List(pl.String)).alias("fields")
    )
    return pl.concat([numbered.filter(~quoted), read]).sort("at")["fields"]


def _firsts(names: tuple[str, ...]) -> list[tuple[int, str]]:
    return [(at, name) for at, name in enumerate(names) if names.index(name) == at and name != TEXT]


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        # A field beyond the reader's limit, or a NUL: the line has no fields that count.
        return []


def _from_frame(frame: pl.DataFrame) -> Cells:
    texts = frame.select(pl.all().cast(pl.String))
    names = tuple(plain(name) for name in texts.columns)
    kept = texts.select([pl.nth(at).alias(name) for at, name in _firsts(names)])
    row = pl.struct(texts.columns).struct.json_encode().alias(TEXT)
    return Cells(names, tuple(frame.columns), kept.with_columns(texts.select(row)[TEXT]))


def _from_json(part: Part) -> Cells:
    try:
        root = orjson.loads(part.data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise NotRecognised(f"{part.name}: expected JSON; found {error}") from None
    if isinstance(root, list):
        return _from_objects(part, root)
    for name, form in _SERIES.items():
        if isinstance(root.get(name), dict) and isinstance(root.get("Meta Data"), dict):
            return _from_series(part, root["Meta Data"], root[name], form)
    if isinstance(root.get("fields"), list) and isinstance(root.get("data"), list):
        fields = [str(name) for name in root["fields"]]
        return _from_objects(part, [_zipped(fields, row) for row in root["data"]])
    values = list(root.values())
    if values and all(isinstance(value, dict) for value in values):
        return _from_objects(part, values)
    return _from_objects(part, [root])


def _zipped(fields: list[str], row: object) -> object:
    return dict(zip(fields, row, strict=True)) if isinstance(row, list) and len(row) == len(fields) else row


def _from_objects(
    part: Part, elements: list[Any], about: Mapping[str, str] | None = None, form: str = "table"
) -> Cells:
    objects = [element for element in elements if isinstance(element, dict)]
    ragged = [json.dumps(e, ensure_ascii=False)[:_LONGEST_TEXT] for e in elements if not isinstance(e, dict)]
    if not objects:
        raise NotRecognised(f"{part.name}: expected a table; found JSON without objects")
    shown = tuple(objects[0])
    # The first element names the columns; one that lacks some of them has them empty.
    columns: dict[str, list[str | None]] = {
        plain(name): [_text(element.get(name)) for element in objects] for name in reversed(shown)
    }
    texts = [json.dumps(element, ensure_ascii=False)[:_LONGEST_TEXT] for element in objects]
    frame = pl.DataFrame({**columns, TEXT: texts}, schema={**dict.fromkeys(columns, pl.String), TEXT: pl.String})
    return Cells(tuple(plain(name) for name in shown), shown, frame, ragged, about or {}, form)


def _from_series(part: Part, meta: Mapping[str, object], series: Mapping[str, Any], form: str) -> Cells:
    told = {plain(name): str(value) for name, value in meta.items()}
    if told.get("timezone") not in _ZONES:
        raise NotRecognised(f"{part.name}: expected stamps of {_ZONES[0]}; found {told.get('timezone')!r}")
    rows = [{"timestamp": at, **value} if isinstance(value, dict) else value for at, value in series.items()]
    return _from_objects(part, rows, told, form)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
