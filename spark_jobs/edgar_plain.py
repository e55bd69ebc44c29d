"""Lines of the first form as nearly all of them are, told by their bytes, many at a time.

A plain line breaks no rule, and each of its fields has one of the few shapes given here, so that an engine may read it
without a look at each text (`edgar_requests.plain_requests`). A line that is not plain may be as good: it is only looked at
in full. Eight bytes are compared at a time, as one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Words = NDArray[np.uint64]
Told = NDArray[np.bool_]

NEEDED = ("date", "time", "zone", "cik", "accession", "status", "size", "idx", "crawler")

_UNIT_SEPARATOR = 31
_TOPS = np.uint64(0x8080808080808080)
_ZEROS = np.uint64(int.from_bytes(b"0" * 8, "little"))
# The first N bytes of a word.
_FIRST = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)


@dataclass(frozen=True)
class Plain:
    """What the plain lines of a day's log are like.

    Attributes:
        places: field → its place in a line; those of `NEEDED` are there.
        width: how many fields a line has.
        day: the day in every line.
    """

    places: Mapping[str, int]
    width: int
    day: date

    def lines(self, text: bytes, ends: Places, commas: Places) -> Told:
        """Whether each line is plain.

        Args:
            text: whole lines of so many fields.
            ends: where each line's line feed is.
            commas: where each comma is.
        """
        block = _Block(text, ends, commas.reshape(-1, self.width - 1), self)
        plain = block.is_text("date", self.day.isoformat().encode())
        for told in (
            block.is_time("time"),
            block.is_one_of("zone", b"0.0", b"500.0"),
            block.is_number("cik", b"1"),
            block.is_accession("accession"),
            block.is_shape("status", b"100.0", b"599.0") | block.is_one_of("status", b"0.0"),
            block.is_empty("size") | block.is_number("size", b"0"),
            block.is_one_of("idx", b"0.0", b"1.0"),
            block.is_one_of("crawler", b"0.0", b"1.0"),
        ):
            plain &= told
        if b"\x1f" in text:
            # It stands for a comma inside a field.
            plain[np.searchsorted(ends, np.flatnonzero(np.frombuffer(text, np.uint8) == _UNIT_SEPARATOR))] = False
        return plain


class _Block:
    def __init__(self, text: bytes, ends: Places, commas: Places, plain: Plain) -> None:
        # Words of a field that is shorter than it should be go beyond the text.
        self._words: Words = np.ndarray(len(text) + 16, "<u8", text + bytes(24), strides=(1,))
        self._plain = plain
        # By field, where it ends; each of them together, since they are looked at often.
        used = sorted({place + side for place in plain.places.values() for side in (-1, 0)})
        self._fields = {place: np.ascontiguousarray(commas[:, place]) for place in used if 0 <= place < plain.width - 1}
        self._fields |= {-1: np.append(-1, ends[:-1]), plain.width - 1: ends}

    def _start(self, name: str) -> Places:
        start: Places = self._fields[self._plain.places[name] - 1] + 1
        return start

    def _end(self, name: str) -> Places:
        return self._fields[self._plain.places[name]]

    def _after(self, name: str) -> bytes:
        return b"," if self._plain.places[name] < self._plain.width - 1 else b"\n"

    def is_empty(self, name: str) -> Told:
        empty: Told = self._start(name) == self._end(name)
        return empty

    def is_one_of(self, name: str, *texts: bytes) -> Told:
        """Whether a field is one of some texts of at most seven bytes."""
        words = self._words[self._start(name)]
        told = np.zeros(len(words), np.bool_)
        for text in texts:
            whole = text + self._after(name)
            told |= words & _FIRST[len(whole)] == _word(whole)
        return told

    def is_text(self, name: str, text: bytes) -> Told:
        """Whether a field is a text of eight to sixteen bytes."""
        start = self._start(name)
        told: Told = self._end(name) - start == len(text)
        for at in (0, len(text) - 8):
            told &= self._words[start + at] == _word(text[at : at + 8])
        return told

    def is_shape(self, name: str, low: bytes, high: bytes) -> Told:
        """Whether a field is of at most seven bytes, each between those of two texts."""
        size = len(low) + 1
        words = self._words[self._start(name)] & _FIRST[size]
        return _between(words, low + self._after(name), high + self._after(name))

    def is_number(self, name: str, first: bytes) -> Told:
        """Whether a field is a whole number of at most eight digits, written as a float; and the least first digit."""
        start, end = self._start(name), self._end(name)
        digits = end - start - 2
        told: Told = (digits >= 1) & (digits <= 8)
        tail = b".0" + self._after(name)
        told &= self._words[np.maximum(end - 2, 0)] & _FIRST[len(tail)] == _word(tail)
        kept = _FIRST[np.clip(digits, 0, 8)]
        words = self._words[start] & kept | _ZEROS & ~kept
        told &= _between(words, first + b"0" * 7, b"9" * 8)
        return told

    def is_time(self, name: str) -> Told:
        """Whether a field is a time of day as HH:MM:SS."""
        start = self._start(name)
        words = self._words[start]
        told: Told = self._end(name) - start == 8
        told &= _between(words, b"00:00:00", b"29:59:59")
        # Of the hours from 20 on there are four.
        told &= ~_between(words, b"24:00:00", b"29:99:99")
        return told

    def is_accession(self, name: str) -> Told:
        """Whether a field is an accession number or empty."""
        start, size = self._start(name), self._end(name) - self._start(name)
        told: Told = size == 20
        for at, shape in ((0, b"00000000"), (8, b"00-00-00"), (12, b"0-000000")):
            told &= _between(self._words[start + at], shape, shape.replace(b"0", b"9"))
        told |= size == 0
        return told


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


def _between(words: Words, low: bytes, high: bytes) -> Told:
    """Whether each byte of each word is ASCII and between those of two texts."""
    # With its top bit set no byte borrows from the next one, and the bit goes where the byte is too small or too large.
    kept = ((words | _TOPS) - _word(low)) & ((_word(high) | _TOPS) - words) & ~words & _TOPS
    told: Told = kept == _TOPS
    return told
