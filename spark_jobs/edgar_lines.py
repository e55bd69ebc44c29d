"""Log lines made fit for an engine: clean UTF-8 text with one line feed a line, or refused with a rule.

A block of some megabytes is looked at as a whole, and line by line only where something in it needs a look. The unit
of accounting is the physical line: bytes up to a line feed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

BLOCK_BYTES = 4 << 20
CHUNK_BYTES = 256 << 20
LONGEST_LINE = 1 << 20
KEPT_OF_A_LONG_LINE = 4096

# A line of nothing else is blank.
BLANKS = b" \t\r"

# Stands for a comma inside a quoted field, so that an engine may split at commas.
INNER_COMMA = "\x1f"


class RefusedLine(NamedTuple):
    """A line that was kept from the engine: the rule it broke, and its text with unreadable bytes escaped."""

    rule: str
    text: str


@dataclass
class Lines:
    """What became of a log's lines: `rows_in` = `rows_clean` + the number of refused ones.

    Attributes:
        rows_in: physical lines less the header and blank lines.
        rows_clean: lines in the chunks.
        refused: lines kept back.
        chunks: the text files written, in the order of the log.
    """

    rows_in: int = 0
    rows_clean: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    chunks: list[Path] = field(default_factory=list)


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


def take(block: bytes, log: Lines, writer: ChunkWriter) -> None:
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
