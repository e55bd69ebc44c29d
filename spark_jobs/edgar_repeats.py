"""Lines of a log that are equal to the letter: found and numbered while the log streams by.

Of each line a hash and its place are kept, 12 bytes, until the log's end; so an engine reads the text once, and neither
sorts it nor gathers it to look for repeats. Lines whose hashes meet are compared by their text. The first of equal lines
stays where it is. The others are moved to a file of repeats, each behind its number, and marked in their chunk. Lines that
are not plain can be moved in the same way, behind the number 1: what stays is then read faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Ends = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Places = NDArray[np.uint32]

# The first byte of a line that was moved. No other line has it: NULs are refused.
MOVED = "\0"
_MOVED, _COMMA, _ASCII_END = 0, 44, 128

# In a file of repeats each line comes behind its number, in so many digits.
NUMBER_DIGITS = 10

# Lines whose texts are compared at a time.
COMPARED_LINES = 2_000_000

# Where more lines than one in so many are not plain, none of them is moved.
UNUSUAL_ONE_IN = 16

_SIEVE_BITS = 20


@dataclass
class _Chunk:
    """A chunk's lines: a hash of each, and where in the file each begins."""

    path: Path
    size: int = 0
    hashes: list[Hashes] = field(default_factory=list)
    starts: list[Places] = field(default_factory=list)
    unusual: list[Places] = field(default_factory=list)
    count: int = 0

    def of(self, wanted: Hashes, sieve: NDArray[np.bool_]) -> pl.DataFrame:
        """The lines that have one of some hashes: `start`, and `line` with its line feed."""
        return self._at(_among(np.concatenate(self.hashes), wanted, sieve))

    def unmoved(self) -> pl.DataFrame:
        """The lines that are not plain and not marked, as `of`."""
        unusual = self._at(np.concatenate(self.unusual).astype(np.int64))
        return unusual.filter(~pl.col("line").bin.starts_with(MOVED.encode()))

    def _at(self, rows: Ends) -> pl.DataFrame:
        if not len(rows):
            return pl.DataFrame(schema={"start": pl.UInt32, "line": pl.Binary})
        starts = np.concatenate(self.starts)
        text = np.memmap(self.path, np.uint8, "r")
        lines = _lines(text, np.append(starts, self.size).astype(np.int64)).take(pa.array(rows))
        return pl.DataFrame({"start": starts[rows], "line": _series(lines)})

    def mark(self, starts: Places) -> None:
        """Mark lines as moved; what an engine reads of them stays UTF-8 and of as many fields."""
        text = np.memmap(self.path, np.uint8, "r+")
        first = text[starts]
        odd = (first == _COMMA) | (first >= _ASCII_END)
        text[starts[~odd]] = _MOVED
        for start in starts[odd].tolist():
            _mark_odd(text, start)


class Repeats:
    """What is known of a log's lines, and the moving of those that repeat an earlier one."""

    def __init__(self, folder: Path, written: list[Path]) -> None:
        """Nothing is made before there is a repeat; `written` gets each file's path."""
        self._folder, self._written = folder, written
        self._chunks: list[_Chunk] = []

    def note(self, hashes: Hashes, ends: Ends, unusual: Ends, chunk: Path, offset: int) -> None:
        """Take in a block of whole lines.

        Args:
            hashes: of the lines.
            ends: where in the block each line's line feed is.
            unusual: the numbers of those in the block that are not plain.
            chunk: the file that the block goes to.
            offset: where in the file.
        """
        if not self._chunks or self._chunks[-1].path != chunk:
            self._chunks.append(_Chunk(chunk))
        known = self._chunks[-1]
        known.hashes.append(hashes)
        known.starts.append((_starts(ends) + offset).astype(np.uint32))
        known.unusual.append((unusual + known.count).astype(np.uint32))
        known.count += len(ends)
        known.size = offset + int(ends[-1]) + 1

    def move(self) -> None:
        """Move the second and later ones of equal lines; for when the chunks are written and closed."""
        for wanted in self._met_more_than_once():
            sieve = np.zeros(1 << _SIEVE_BITS, np.bool_)
            sieve[_sieved(wanted)] = True
            found = pl.concat(
                chunk.of(wanted, sieve).with_columns(chunk=pl.lit(number)) for number, chunk in enumerate(self._chunks)
            )
            # In the order of the log.
            numbered = found.with_columns(number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("line"))
            self._move(numbered.filter(pl.col("number") > 1))

    def move_unusual(self) -> bool:
        """Move the lines that are not plain, after those that repeat others; tell whether that was done.

        Where they are many, nothing is moved.
        """
        unusual = sum(len(rows) for chunk in self._chunks for rows in chunk.unusual)
        if unusual * UNUSUAL_ONE_IN > sum(chunk.count for chunk in self._chunks):
            return False
        # Each by itself, so that memory holds those of one chunk.
        for number, chunk in enumerate(self._chunks):
            self._move(chunk.unmoved().with_columns(chunk=pl.lit(number), number=pl.lit(1, pl.Int64)))
        return True

    def _met_more_than_once(self) -> Iterator[Hashes]:
        """The hashes that more than one line has, in parts of `COMPARED_LINES` lines."""
        every = [hashes for chunk in self._chunks for hashes in chunk.hashes]
        if not every:
            return
        ordered = np.concatenate(every)
        ordered.sort()
        again = np.flatnonzero(ordered[1:] == ordered[:-1])
        met, counts = np.unique(ordered[again], return_counts=True)
        del ordered, again
        part = np.cumsum(counts + 1) // COMPARED_LINES
        for edge in np.split(np.arange(len(met)), np.flatnonzero(np.diff(part)) + 1):
            if len(edge):
                yield met[edge]

    def _move(self, moved: pl.DataFrame) -> None:
        if moved.is_empty():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"repeats-{len(self._written):05d}.txt"
        numbers = pl.col("number").cast(pl.String).str.zfill(NUMBER_DIGITS)
        line = pl.col("line").cast(pl.String).str.head(-1)
        moved.select(pl.concat_str(numbers, line)).write_csv(path, include_header=False, quote_style="never")
        self._written.append(path)
        for (number,), lines in moved.group_by("chunk"):
            self._chunks[int(str(number))].mark(lines["start"].to_numpy())


def _mark_odd(text: NDArray[np.uint8], start: int) -> None:
    """Mark a line that begins with a comma or a character of several bytes: its first character that is no comma goes."""
    at = start
    while text[at] == _COMMA:
        at += 1
    end = at + 1
    while text[end] & 0xC0 == 0x80:
        end += 1
    text[at:end] = _MOVED
    if at > start:
        # The first comma makes room for the mark.
        text[at] = _COMMA
        text[start] = _MOVED


def _lines(text: NDArray[np.uint8], places: Ends) -> pa.LargeBinaryArray:
    """Lines as Arrow's array on the text itself: line N is from place N to place N + 1."""
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(places) - 1, [None, pa.py_buffer(places), pa.py_buffer(text)]
    )


def hashes_of(text: bytes, ends: Ends) -> Hashes:
    """A hash of each line of a text.

    Args:
        text: whole lines.
        ends: where each line's line feed is.
    """
    if not text:
        return np.empty(0, np.uint64)
    places = np.append(_starts(ends), len(text))
    return _series(_lines(np.frombuffer(text, np.uint8), places)).hash().to_numpy()


def _starts(ends: Ends) -> Ends:
    return np.append(0, ends[:-1] + 1)


def _series(lines: pa.LargeBinaryArray) -> pl.Series:
    series = pl.from_arrow(lines)
    assert isinstance(series, pl.Series)
    return series


def _sieved(hashes: Hashes) -> NDArray[np.uint64]:
    return hashes >> np.uint64(64 - _SIEVE_BITS)


def _among(hashes: Hashes, wanted: Hashes, sieve: NDArray[np.bool_]) -> Ends:
    """The places of hashes that are among the wanted ones (in order); most are told by the sieve."""
    perhaps = np.flatnonzero(sieve[_sieved(hashes)])
    at = np.searchsorted(wanted, hashes[perhaps])
    found: Ends = perhaps[wanted[np.minimum(at, len(wanted) - 1)] == hashes[perhaps]]
    return found
