"""Log lines made fit for an engine: clean UTF-8 text with one line feed a line, or refused with a rule.

A block of some megabytes is looked at as a whole, and line by line only where something in a line needs a look. The
unit of accounting is the physical line: bytes up to a line feed.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spark_jobs.edgar_plain import Plain
from spark_jobs.edgar_repeats import Ends, Hashes, Repeats, hashes_of

BLOCK_BYTES = 2 << 20
CHUNK_BYTES = 64 << 20
LONGEST_LINE = 1 << 20

# Of arrays as long as a block, which is where the time goes, more than one thread can work.
THREADS = 2
KEPT_OF_A_LONG_LINE = 4096

# A line of nothing else is blank.
BLANKS = b" \t\r"

# Stands for a comma inside a quoted field, so that an engine may split at commas.
INNER_COMMA = "\x1f"

_NO_BYTES = {
    b"\0": "line_has_no_nul",
    b"\r": "line_has_no_stray_carriage_return",
    b"\x1f": "line_has_no_unit_separator",
}

_LINE_FEED, _SPACE, _QUOTE, _COMMA, _ASCII_END = 10, 32, 34, 44, 128


class RefusedLine(NamedTuple):
    """A line that was kept from the engine: the rule it broke, and its text with unreadable bytes escaped."""

    rule: str
    text: str


@dataclass
class Lines:
    """What became of a log's lines: `rows_in` = `rows_clean` + the number of refused ones.

    Attributes:
        rows_in: physical lines less the header and blank lines.
        rows_clean: lines for the engine: those in the chunks, and the repeats of some of them.
        refused: lines kept back.
        chunks: the text files written, in the order of the log; a line that begins with `edgar_repeats.MOVED` is none.
        repeats: the text files with the second and later ones of equal lines, and unusual ones; see `edgar_repeats`.
        plain: whether all lines left in the chunks are plain ones; see `edgar_plain`.
    """

    rows_in: int = 0
    rows_clean: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    chunks: list[Path] = field(default_factory=list)
    repeats: list[Path] = field(default_factory=list)
    plain: bool = False


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


class Fitted(NamedTuple):
    """A block of lines made fit.

    Attributes:
        text: the lines for the engine, each with its line feed.
        ends: where in the text each line's line feed is.
        hashes: of each line.
        rows_in: lines of the block, blank ones apart.
        refused: those of them that are not in the text.
        unusual: the numbers of the lines that are not plain, where that was told.
    """

    text: bytes
    ends: Ends
    hashes: Hashes
    rows_in: int
    refused: list[RefusedLine]
    unusual: Ends


class ChunkWriter:
    """Writes blocks of whole lines to numbered files of at most a size, and tells `repeats` where each line is."""

    def __init__(self, folder: Path, limit: int, log: Lines, repeats: Repeats) -> None:
        """Nothing is opened before the first block; `log` gets what there is to count, and each file's path."""
        self._folder, self._limit, self._log, self._repeats = folder, limit, log, repeats
        self._file: IO[bytes] | None = None
        self._size = 0

    def __enter__(self) -> ChunkWriter:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the last file."""
        if self._file:
            self._file.close()

    def write(self, block: Fitted) -> None:
        """Put a block into the current file, or into a next one where it would grow past the limit."""
        self._log.rows_in += block.rows_in
        self._log.rows_clean += block.rows_in - len(block.refused)
        self._log.refused += block.refused
        if not block.text:
            return
        if self._file is None or self._size + len(block.text) > self._limit:
            if self._file:
                self._file.close()
            path = self._folder / f"chunk-{len(self._log.chunks):05d}.txt"
            self._file, self._size = path.open("wb"), 0
            self._log.chunks.append(path)
        self._repeats.note(block.hashes, block.ends, block.unusual, self._log.chunks[-1], self._size)
        self._file.write(block.text)
        self._size += len(block.text)


def fit_all(blocks: Iterable[bytes], width: int | None, plain: Plain | None = None) -> Iterator[Fitted]:
    """Blocks of whole lines made fit, in their order, some at a time; see `fit`."""
    waiting: deque[Future[Fitted]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for block in blocks:
            waiting.append(pool.submit(fit, block, width, plain))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def fit(block: bytes, width: int | None, plain: Plain | None = None) -> Fitted:
    """A block without the lines that are refused.

    Args:
        block: whole lines.
        width: how many fields each line has; None where a field may hold commas without quotes.
        plain: what plain lines are like, where that is to be told; then the width is known.
    """
    text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    ends = _places(text, _LINE_FEED)
    commas = _places(text, _COMMA) if width is not None else _NOWHERE
    count = len(ends)
    refused: list[RefusedLine] = []
    odd = _odd_lines(text, ends, commas, width)
    if len(odd):
        spans = [(int(ends[number - 1]) + 1 if number else 0, int(ends[number])) for number in odd.tolist()]
        judged = {(start, end): _judge(text[start:end], width) for start, end in spans}
        refused = [verdict for verdict in judged.values() if isinstance(verdict, RefusedLine)]
        count -= sum(verdict is None for verdict in judged.values())
        text, ends, commas = _with_judged(text, ends, commas, judged)
    told = plain.lines(text, ends, commas) if plain else np.ones(len(ends), np.bool_)
    return Fitted(text, ends, hashes_of(text, ends), count, refused, np.flatnonzero(~told))


_NOWHERE: Ends = np.empty(0, np.int64)


def _places(text: bytes, code: int) -> Ends:
    found: Ends = np.flatnonzero(np.frombuffer(text, np.uint8) == code)
    return found


def _odd_lines(text: bytes, ends: Ends, commas: Ends, width: int | None) -> Ends:
    """The numbers of lines that need a look.

    They have anything but ASCII without control bytes and quotes, or another number of fields, or an empty first one, or
    are blank or overlong.
    """
    codes = np.frombuffer(text, np.uint8)
    lengths = np.diff(ends, prepend=-1) - 1
    # A line of nothing but blanks or commas begins with one.
    first = codes[ends - lengths]
    odd = (lengths < 1) | (lengths > LONGEST_LINE) | (first == _SPACE) | (first == _COMMA)
    controls = int(np.count_nonzero(codes < _SPACE)) - len(ends)
    if controls or b'"' in text or not text.isascii():
        marks = ((codes < _SPACE) & (codes != _LINE_FEED)) | (codes == _QUOTE) | (codes >= _ASCII_END)
        odd[np.searchsorted(ends, np.flatnonzero(marks))] = True
    if width is not None:
        odd |= _of_another_width(commas, ends, width)
    found: Ends = np.flatnonzero(odd)
    return found


def _of_another_width(commas: Ends, ends: Ends, width: int) -> NDArray[np.bool_]:
    """Whether each line has another number of fields."""
    each = width - 1
    if each and len(commas) == each * len(ends):
        first, last = commas[::each], commas[each - 1 :: each]
        if (last < ends).all() and (first[1:] > ends[:-1]).all():
            return np.zeros(len(ends), np.bool_)
    other: NDArray[np.bool_] = np.diff(np.searchsorted(commas, ends), prepend=0) != each
    return other


def _with_judged(
    text: bytes, ends: Ends, commas: Ends, judged: Mapping[tuple[int, int], bytes | RefusedLine | None]
) -> tuple[bytes, Ends, Ends]:
    """The text with what was judged fit in place of the lines judged, its line feeds and its commas."""
    changed = {span: verdict for span, verdict in judged.items() if verdict != text[slice(*span)]}
    pieces: list[bytes] = []
    after = 0
    for (start, end), verdict in changed.items():
        pieces.append(text[after:start])
        after = end + 1
        if isinstance(verdict, bytes):
            pieces.append(verdict + b"\n")
    kept = b"".join([*pieces, text[after:]])
    if any(isinstance(verdict, bytes) for verdict in changed.values()):
        return kept, _places(kept, _LINE_FEED), _places(kept, _COMMA) if len(commas) else commas
    return kept, _cut(ends, changed), _cut(commas, changed)


def _cut(places: Ends, spans: Iterable[tuple[int, int]]) -> Ends:
    """Places in a text from which lines were cut, less those in them."""
    pieces: list[Ends] = []
    kept = gone = 0
    for start, end in spans:
        low, high = np.searchsorted(places, (start, end + 1))
        pieces.append(places[kept:low] - gone)
        kept, gone = int(high), gone + end + 1 - start
    pieces.append(places[kept:] - gone)
    return np.concatenate(pieces)


def _judge(line: bytes, width: int | None) -> bytes | RefusedLine | None:
    """A line ready for the engine, None for a blank one, or the line with the first rule it broke."""
    if not line.strip(BLANKS):
        return None
    line = line.rstrip(b"\r")
    rule = _broken(line)
    if rule is None:
        plain = _unquoted(line) if b'"' in line else line
        if plain is None:
            rule = "line_has_closed_quotes"
        elif not plain.strip(BLANKS + b","):
            rule = "line_has_a_field"
        elif width is not None and plain.count(b",") != width - 1:
            rule = "line_has_every_field"
        else:
            return plain
    return RefusedLine(rule, _escaped(line[:KEPT_OF_A_LONG_LINE] if len(line) > LONGEST_LINE else line))


def _broken(line: bytes) -> str | None:
    """The first rule that a line's bytes break."""
    if len(line) > LONGEST_LINE:
        return "line_is_at_most_one_mebibyte"
    for byte, rule in _NO_BYTES.items():
        if byte in line:
            return rule
    try:
        line.decode()
    except UnicodeDecodeError:
        return "line_is_utf8"
    return None


def _unquoted(line: bytes) -> bytes | None:
    """The line without its quotes, commas inside them replaced by `INNER_COMMA`; None where a quote is left open."""
    try:
        (fields,) = csv.reader([line.decode()], strict=True)
    except csv.Error:
        return None
    return ",".join(value.replace(",", INNER_COMMA) for value in fields).encode()


def _escaped(line: bytes) -> str:
    text = line.decode("utf-8", errors="backslashreplace")
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)
