"""EDGAR access logs as files: what form they are of, and their lines made fit for an engine.

A log is a CSV, or a zip with one, of up to some gigabytes. It is streamed: never whole in memory, never unpacked
beside itself. What comes out is chunks of UTF-8 text with one line feed a line, no header, no quotes, no blank
lines, and the lines that no engine may see (one byte that is not UTF-8 ends a whole job) with the rule they broke.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import IO, Literal, NamedTuple

from spark_jobs import edgar_plain
from spark_jobs.edgar_lines import BLANKS, CHUNK_BYTES, ChunkWriter, Lines, fit_all, whole_lines
from spark_jobs.edgar_plain import Plain
from spark_jobs.edgar_repeats import Repeats

Series = Literal["v1", "v2"]

# Folders of a form's text.
LINES, REPEATS = "lines", "repeats"

V1_NEEDED = ("ip", "date", "time", "cik", "accession", "document", "status")
V1_ALSO = ("zone", "size", "idx", "crawler")
_V1_NAMES = {
    "accession": "accession",
    "accession number": "accession",
    "extention": "document",
    "extension": "document",
    "doc": "document",
    "code": "status",
    "filesize": "size",
}
_V2_HEADERS = {("_time", "uri_path"), ("time", "uri_path")}


class NotALog(ValueError):
    """The file is not an EDGAR access log; the text says what was found instead."""


class DamagedLog(ValueError):
    """The file is a log, but cannot be read to its end (a broken zip)."""


class LogForm(NamedTuple):
    """Which form of log, and where its fields are.

    Attributes:
        series: v1 (to 2017-06-30) or v2 (from 2020-05-19).
        places: (field, index) for each field that is read.
        width: how many fields a line has.
    """

    series: Series
    places: tuple[tuple[str, int], ...]
    width: int


class LogHead(NamedTuple):
    """What the first lines of a log tell: its form, and the day it is of (None where neither name nor rows say)."""

    form: LogForm
    log_date: date | None


@dataclass
class CleanLog(Lines):
    """A log made ready for an engine, and of which form it is."""

    form: LogForm = field(kw_only=True)


def read_head(path: Path) -> LogHead:
    """Recognise a log by its header.

    Raises:
        NotALog: when it is none.
        DamagedLog: when the zip cannot be opened.
    """
    with _opened(path) as stream:
        lines = iter(_first_lines(stream))
        form = _form(next(lines, b""), path)
        return LogHead(form, _date_in_name(path) or _date_in_rows(form, lines))


def clean(
    path: Path, folder: Path, number: int = 0, chunk_bytes: int = CHUNK_BYTES, day: date | None = None
) -> CleanLog:
    """Stream a log into clean text: chunks below `lines/file=NUMBER`, repeats below `repeats/file=NUMBER`.

    Args:
        path: the log.
        folder: where the text goes, that of several logs of one form beside each other.
        number: the log's own among those.
        chunk_bytes: the most that is in a file.
        day: the day that the log is of. With it lines that are not plain go among the repeats, where they are few.

    Raises:
        NotALog: when it has no log's header.
        DamagedLog: when the zip ends early or its checksum is wrong.
    """
    lines = folder / LINES / f"file={number}"
    lines.mkdir(parents=True, exist_ok=True)
    with _opened(path) as stream:
        blocks = whole_lines(stream)
        header, rest = _header(blocks)
        log = CleanLog(form=_form(header, path))
        repeats = Repeats(folder / REPEATS / f"file={number}", log.repeats)
        width = log.form.width if log.form.series == "v1" else None
        plain = _plain(log.form, day)
        with ChunkWriter(lines, chunk_bytes, log, repeats) as writer:
            for block in fit_all(chain([rest] if rest else [], blocks), width, plain):
                writer.write(block)
    repeats.move()
    log.plain = plain is not None and repeats.move_unusual()
    return log


def _plain(form: LogForm, day: date | None) -> Plain | None:
    """What plain lines of a form are like, where there are any."""
    places = dict(form.places)
    if day is None or form.series != "v1" or not all(name in places for name in edgar_plain.NEEDED):
        return None
    return Plain(places, form.width, day)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The log's bytes, from the file or from the one log inside a zip."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as start:
            if start.read(4) == b"PK\x03\x04":
                raise DamagedLog(f"{path.name}: a zip without its directory: it was cut short")
        with path.open("rb") as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(path) as archive:
            logs = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
            if len(logs) != 1:
                raise NotALog(f"{path.name}: a log's zip holds one CSV, this one {len(logs)}")
            if logs[0].flag_bits & 1:
                raise DamagedLog(f"{path.name}: the zip is encrypted")
            with archive.open(logs[0]) as stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DamagedLog(f"{path.name}: the zip cannot be read to its end: {error}") from error


def _first_lines(stream: IO[bytes]) -> list[bytes]:
    start = stream.read(1 << 16)
    lines = [line.rstrip(b"\r") for line in start.split(b"\n")]
    return [line for line in lines if line.strip(BLANKS)]


def _header(blocks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """The first line that is not blank, and what follows it in its block."""
    for block in blocks:
        start = 0
        while start < len(block):
            end = block.index(b"\n", start) + 1
            if block[start:end].strip(BLANKS + b"\n"):
                return block[start:end].strip(), block[end:]
            start = end
    return b"", b""


def _form(header: bytes, path: Path) -> LogForm:
    text = header.decode("utf-8-sig", errors="replace").replace("\0", "")
    names = [name.strip().strip('"').strip().lower() for name in text.split(",")]
    if tuple(names) in _V2_HEADERS:
        return LogForm("v2", (("time", 0), ("path", 1)), 2)
    known = {_V1_NAMES.get(name, name): place for place, name in enumerate(names)}
    if all(name in known for name in V1_NEEDED):
        places = tuple((name, known[name]) for name in (*V1_NEEDED, *V1_ALSO) if name in known)
        return LogForm("v1", places, len(names))
    shown = text[:80] or "nothing"
    raise NotALog(f"{path.name}: not an EDGAR access log: its first line is {shown!r}")


def _date_in_name(path: Path) -> date | None:
    found = re.search(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)", path.name)
    return _date(*found.groups()) if found else None


def _date_in_rows(form: LogForm, lines: Iterator[bytes]) -> date | None:
    place = dict(form.places)["date" if form.series == "v1" else "time"]
    for line in lines:
        fields = line.decode("utf-8", errors="replace").split(",")
        found = re.match(r'\s*"?(\d{4})-(\d{2})-(\d{2})', fields[place]) if len(fields) > place else None
        if found:
            return _date(*found.groups())
    return None


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
