"""EDGAR access logs as files: what form they are of, and their lines made fit for an engine.

A log is a CSV, or a zip with one, of up to some gigabytes. It is streamed: never whole in memory, never unpacked
beside itself. What comes out is chunks of UTF-8 text with one line feed a line, no header, no quotes, no blank
lines, and the lines that no engine may see (one byte that is not UTF-8 ends a whole job) with the rule they broke.
The unit of accounting is the physical line: bytes up to a line feed.
"""

from __future__ import annotations

import csv
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

Series = Literal["v1", "v2"]

BLOCK_BYTES = 4 << 20
CHUNK_BYTES = 256 << 20
LONGEST_LINE = 1 << 20
KEPT_OF_A_LONG_LINE = 4096

# A line of nothing else is blank.
BLANKS = b" \t\r"

# Stands for a comma inside a quoted field, so that an engine may split at commas.
INNER_COMMA = "\x1f"

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


class RefusedLine(NamedTuple):
    """A line that was kept from the engine: the rule it broke, and its text with unreadable bytes escaped."""

    rule: str
    text: str


@dataclass
class CleanLog:
    """A log made ready for an engine: `rows_in` = `rows_clean` + the number of refused lines.

    Attributes:
        form: of which form it is.
        rows_in: physical lines less the header and blank lines.
        rows_clean: lines in the chunks.
        refused: lines kept back.
        chunks: the text files written, in the order of the log.
    """

    form: LogForm
    rows_in: int = 0
    rows_clean: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    chunks: list[Path] = field(default_factory=list)


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


def clean(path: Path, out: Path, chunk_bytes: int = CHUNK_BYTES) -> CleanLog:
    """Stream a log into chunks of clean text below a folder.

    Raises:
        NotALog: when it has no log's header.
        DamagedLog: when the zip ends early or its checksum is wrong.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _opened(path) as stream:
        blocks = whole_lines(stream)
        header, rest = _header(blocks)
        log = CleanLog(_form(header, path))
        with ChunkWriter(out, chunk_bytes, log.chunks) as writer:
            for block in chain([rest] if rest else [], blocks):
                _take(block, log, writer)
    return log


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


def whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in blocks that end with a line feed; one is added where the last line has none.

    A line much longer than `LONGEST_LINE` is cut, to no less than that length and one byte, so memory stays bounded.
    """
    carry = b""
    while True:
        data = stream.read(BLOCK_BYTES)
        if not data:
            break
        end = data.rfind(b"\n") + 1
        if end:
            yield carry + data[:end]
            carry = data[end:]
        else:
            carry = (carry + data)[: LONGEST_LINE + 1]
    if carry:
        yield carry + b"\n"


class ChunkWriter:
    """Writes blocks of whole lines to numbered files of at most a size."""

    def __init__(self, folder: Path, limit: int, written: list[Path]) -> None:
        """Nothing is opened before the first block; `written` gets each file's path."""
        self._folder, self._limit, self._written = folder, limit, written
        self._file: IO[bytes] | None = None
        self._size = 0

    def __enter__(self) -> ChunkWriter:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the last file."""
        if self._file:
            self._file.close()

    def write(self, block: bytes) -> None:
        """Put a block into the current file, or into a next one where it would grow past the limit."""
        if self._file is None or self._size + len(block) > self._limit:
            if self._file:
                self._file.close()
            path = self._folder / f"chunk-{len(self._written):05d}.txt"
            self._file, self._size = path.open("wb"), 0
            self._written.append(path)
        self._file.write(block)
        self._size += len(block)


def _take(block: bytes, log: CleanLog, writer: ChunkWriter) -> None:
    """Count a block's lines and pass it on: as it is where nothing in it needs a look, else line by line."""
    text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if _is_plain(text):
        lines = text.count(b"\n")
    else:
        kept: list[bytes] = []
        for line in block[:-1].split(b"\n"):
            judged = _judge(line)
            if isinstance(judged, RefusedLine):
                log.refused.append(judged)
                log.rows_in += 1
            elif judged is not None:
                kept.append(judged)
        lines = len(kept)
        text = b"".join(line + b"\n" for line in kept)
    log.rows_in += lines
    log.rows_clean += lines
    if text:
        writer.write(text)


def _is_plain(text: bytes) -> bool:
    """Whether every line may go to the engine unread: ASCII, no control bytes, quotes, blank or overlong lines."""
    if text[:1] in b"\n \t" or any(mark in text for mark in (b'"', b"\r", b"\0", b"\x1f", b"\n\n", b"\n ", b"\n\t")):
        return False
    return text.isascii() and (len(text) <= LONGEST_LINE or _no_overlong(text))


def _no_overlong(text: bytes) -> bool:
    """Whether a line feed comes at least every `LONGEST_LINE` bytes."""
    start = 0
    while len(text) - start > LONGEST_LINE:
        end = text.rfind(b"\n", start, start + LONGEST_LINE + 1)
        if end < 0:
            return False
        start = end + 1
    return True


def _judge(line: bytes) -> bytes | RefusedLine | None:  # noqa: PLR0911 - one way out for each rule
    """A line ready for the engine, None for a blank one, or the line with the first rule it broke."""
    if not line.strip(BLANKS):
        return None
    line = line.rstrip(b"\r")
    if len(line) > LONGEST_LINE:
        return RefusedLine("line_is_at_most_one_mebibyte", _escaped(line[:KEPT_OF_A_LONG_LINE]))
    if b"\0" in line:
        return RefusedLine("line_has_no_nul", _escaped(line))
    if b"\r" in line:
        return RefusedLine("line_has_no_stray_carriage_return", _escaped(line))
    if b"\x1f" in line:
        return RefusedLine("line_has_no_unit_separator", _escaped(line))
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            return RefusedLine("line_is_utf8", _escaped(line))
    return _unquoted(line) if b'"' in line else line


def _unquoted(line: bytes) -> bytes | RefusedLine:
    """The line without its quotes, commas inside them replaced by `INNER_COMMA`."""
    try:
        (fields,) = csv.reader([line.decode()], strict=True)
    except csv.Error:
        return RefusedLine("line_has_closed_quotes", _escaped(line))
    plain = ",".join(value.replace(",", INNER_COMMA) for value in fields).encode()
    return plain if plain.strip(BLANKS) else RefusedLine("line_has_a_field", _escaped(line))


def _escaped(line: bytes) -> str:
    text = line.decode("utf-8", errors="backslashreplace")
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)
