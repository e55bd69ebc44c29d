"""The log that the EDGAR benchmark reads: the sandbox's, with damaged lines planted in it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import NamedTuple

from scrapers.sandbox.edgar_log import frames, write_rows

DAY = date(2017, 1, 3)
FIELDS = (
    "ip", "date", "time", "zone", "cik", "accession", "extention", "code", "size", "idx", "norefer", "noagent", "find",
    "crawler", "browser",
)  # fmt: skip
SEED = 7
PER_SECTOR = 100
# One in so many lines is damaged.
PLANTED_EVERY = 5_000

_GOOD = b"1.2.3.abc,2017-01-03,23:59:59,0.0,320193.0,0000320193-16-000070,x%d.htm,200.0,10.0,0.0,0.0,0.0,9.0,0.0,"
_TORN = b"1.2.3.abc,2017-01-03,23:5"


class Planted(NamedTuple):
    """A way to damage a line, and the rules that the line then breaks."""

    old: bytes
    new: bytes
    rules: str


# What all contenders can tell: a NUL or a stray carriage return stops DuckDB's strict reader, and its other one takes
# lines with too many fields for good.
DAMAGE = (
    Planted(b",320193.0,", b",1.2e+24,", "cik_is_positive"),
    Planted(b",320193.0,", b",#NAME?,", "cik_is_positive"),
    Planted(b",320193.0,", b",0.0,", "cik_is_positive"),
    Planted(b",200.0,", b",700.0,", "status_is_http_or_zero"),
    Planted(b",200.0,", b",OK,", "status_is_read"),
    Planted(b",10.0,", b",big,", "size_is_read"),
    Planted(b",0.0,0.0,0.0,9.0,", b",yes,0.0,0.0,9.0,", "flags_are_read"),
    Planted(b"0000320193-16-000070", b"3.20193E+17", "accession_is_read"),
    Planted(b"2017-01-03", b"2017-01-04", "logged_on_the_file_s_day"),
    Planted(b"23:59:59", b"23:61:00", "second_is_within_the_day"),
    Planted(b".htm,", b".htm,x,y,", "line_has_every_field"),
    Planted(b",0.0,0.0,0.0,9.0,0.0,", b"", "line_has_every_field"),
    Planted(b".htm", b"\xff.htm", "line_is_utf8"),
    Planted(b"1.2.3.abc", b'"1.2.3.abc', "line_has_closed_quotes"),
)


def make(path: Path, rows: int) -> Counter[str]:
    """Write a day of as many requests and, spread among them, damaged lines; the last line is torn.

    Returns:
        How many damaged lines there are by the rules that they break.
    """
    planted = Counter[str]()
    with path.open("wb") as file:
        header = True
        for frame in frames(SEED, PER_SECTOR, DAY, rows):
            for part in frame.iter_slices(PLANTED_EVERY):
                write_rows(file, part, header=header)
                header = False
                number = planted.total()
                damage = DAMAGE[number % len(DAMAGE)]
                line = _GOOD % number
                assert damage.old in line
                file.write(line.replace(damage.old, damage.new, 1) + b"\n")
                planted[damage.rules] += 1
        file.write(_TORN)
    planted["line_has_every_field"] += 1
    return planted
