"""Lines that others put into the stream: messages in JSON, or lines of EDGAR's logs in either form.

A line that is neither is refused with a reason; it is kept, and nothing else waits for it.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.clock import NEW_YORK
from spark_jobs.live_replay import WRITE_SECONDS, instant

if TYPE_CHECKING:
    from spark_jobs.live_source import StreamWriter

WRITE_LINES = 20_000
# The stream's job counts what lies between these; what it refused would be missing at the stream's end.
_FIRST, _LAST = datetime(1990, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - of clocks without zone
_V1_WIDTH = 15
_HEADERS = ("ip,date,time", "time,uri_path", "_time,uri_path")
_DAY, _TIME = r"(\d{4}-\d{2}-\d{2})", r"(\d{2}:\d{2}:\d{2})"
_STAMP = re.compile(rf"{_DAY}[T ]{_TIME}(?:[.]\d+)?(?:Z|[+-]\d{{2}}:?\d{{2}})?")
_PATH = re.compile(r"/Archives/edgar/data/(\d{1,18})/(.*)")
_FOLDER, _NAMED = re.compile(r"(\d{10})(\d{2})(\d{6})/"), re.compile(r"(\d{10}-\d{2}-\d{6})")
_WHOLE = re.compile(r"(\d{1,18})(?:[.]0)?")


class NotAMessage(ValueError):
    """A line that cannot be put in; the text says why."""


@dataclass(frozen=True)
class Visit:
    """What a line says: the second in the stream's own time, the filer, and the filing if it is named."""

    clock: datetime
    cik: int
    accession: str | None
    at: str | None = None


@dataclass
class Put:
    """Lines on their way into one stream.

    Attributes:
        refused: called with each line that is neither form, and why.
    """

    writer: StreamWriter
    stream: str
    simulated: bool
    refused: Callable[[str, str], object] = lambda _line, _why: None
    now: Callable[[], float] = time.time
    put: int = 0
    refusals: int = 0
    _held: list[tuple[int | None, str]] = field(default_factory=list)
    _since: float = 0.0

    def begin(self) -> None:
        """Say what the stream is, where it begins."""
        if self.writer.position == 0:
            about = {"simulated": self.simulated, "source": "tidemark stream put", "speed": 1.0}
            self._hold(None, {"clock": _clock_now(self.now()).isoformat(), "start": about})
            self.flush()

    def take(self, lines: Iterable[str]) -> None:
        """Put lines in; blank ones and logs' headers say nothing."""
        for text in lines:
            line = text.strip("\r\n")
            if not line.strip() or line.lower().startswith(_HEADERS):
                continue
            try:
                visit = read_line(line, self.stream, self.now())
            except NotAMessage as error:
                self.refusals += 1
                self.refused(line, str(error))
                continue
            self.put += 1
            said = {"clock": visit.clock.isoformat(), "cik": visit.cik, "accession": visit.accession}
            self._hold(visit.cik, said, visit.at)
        self.flush_when_due()

    def end(self) -> None:
        """Say that the stream is over: all that is put in by now is all of it."""
        rows = self.writer.position + len(self._held) - 1
        self._hold(None, {"clock": _clock_now(self.now()).isoformat(), "end": True, "rows": rows})
        self.flush()

    def flush_when_due(self) -> None:
        """Write what is held, where it is much or has waited."""
        if len(self._held) >= WRITE_LINES or (self._held and self.now() - self._since >= WRITE_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            messages = pl.DataFrame(self._held, schema={"cik": pl.Int64, "line": pl.String}, orient="row")
            self.writer.write(messages, self.writer.position + len(self._held))
            self._held = []

    def _hold(self, cik: int | None, said: dict[str, Any], at: str | None = None) -> None:
        if not self._held:
            self._since = self.now()
        place = {"stream": self.stream, "seq": self.writer.position + len(self._held), "at": at or instant(self.now())}
        self._held.append((cik, json.dumps({**place, **said})))


def read_line(line: str, stream: str, now: float) -> Visit:
    """A line of any of the three forms.

    Args:
        stream: that it is put into.
        now: seconds since 1970, for a message that does not say its time.

    Raises:
        NotAMessage: when it is of none.
    """
    if line.lstrip().startswith("{"):
        try:
            return _message(line, stream, now)
        except NotAMessage:
            raise
        except (ValueError, OverflowError, RecursionError) as error:
            # Numbers of thousands of digits, nesting without end, times at the ends of the calendar.
            raise NotAMessage(f"not a message: {error}") from None
    try:
        (cells,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise NotAMessage(f"neither JSON nor a line of EDGAR's logs: {error}") from None
    if len(cells) == _V1_WIDTH:
        return _logged(f"{cells[1]} {cells[2]}", cells[3 + 1], cells[5])
    stamp, comma, path = line.strip().strip('"').partition(",")
    found = _PATH.fullmatch(path.strip('"')) if comma else None
    if found is None:
        raise NotAMessage(
            f"neither JSON, nor a log's line of {_V1_WIDTH} fields, nor a time and a path below /Archives/edgar/data/"
        )
    folder, named = _FOLDER.match(found[2]), _NAMED.match(found[2])
    accession = "-".join(folder.groups()) if folder else named[1] if named else None
    return _logged(stamp.strip('"'), found[1], accession or "")


def _logged(stamp: str, cik: str, accession: str) -> Visit:
    when, whole = _STAMP.fullmatch(stamp), _WHOLE.fullmatch(cik)
    if when is None:
        raise NotAMessage(f"{stamp!r} is not a time as 2017-01-01 00:00:00")
    if whole is None or int(whole[1]) < 1:
        raise NotAMessage(f"{cik!r} is not the number of a filer")
    if accession and not _NAMED.fullmatch(accession):
        raise NotAMessage(f"{accession!r} is not an accession number")
    try:
        clock = datetime.fromisoformat(f"{when[1]} {when[2]}")
    except ValueError:
        raise NotAMessage(f"{stamp!r} is no time of any day") from None
    if not _FIRST <= clock < _LAST:
        raise NotAMessage(f"{stamp!r} is not a time from {_FIRST:%Y} to before {_LAST:%Y}")
    return Visit(clock, int(whole[1]), accession or None)


def _message(line: str, stream: str, now: float) -> Visit:
    try:
        said = json.loads(line)
    except json.JSONDecodeError as error:
        raise NotAMessage(f"not JSON: {error}") from None
    cik, accession = said.get("cik"), said.get("accession")
    if said.get("stream", stream) != stream:
        raise NotAMessage(f"it is of the stream {said['stream']!r}, and {stream!r} is being put in")
    if not isinstance(cik, int) or isinstance(cik, bool) or not 0 < cik < 1 << 63:
        raise NotAMessage(f"cik is the number of a filer, not {cik!r}")
    if accession is not None and not (isinstance(accession, str) and _NAMED.fullmatch(accession)):
        raise NotAMessage(f"{accession!r} is not an accession number")
    try:
        at = datetime.fromisoformat(said["at"]) if "at" in said else datetime.fromtimestamp(now, UTC)
        clock = datetime.fromisoformat(said["clock"]) if "clock" in said else None
    except (TypeError, ValueError):
        raise NotAMessage("at and clock are times as 2026-11-25T14:00:00Z and 2017-01-01T00:00:00") from None
    if at.tzinfo is None or (clock is not None and clock.tzinfo is not None):
        raise NotAMessage("at is an instant with a zone, clock the stream's own time without one")
    known = clock or _clock_now(at.timestamp())
    if not (_FIRST <= known < _LAST and _FIRST <= at.astimezone(UTC).replace(tzinfo=None) < _LAST):
        raise NotAMessage(f"at and clock are times from {_FIRST:%Y} to before {_LAST:%Y}")
    return Visit(known.replace(microsecond=0), cik, accession, instant(at.timestamp()) if "at" in said else None)


def _clock_now(now: float) -> datetime:
    """New York's second."""
    return datetime.fromtimestamp(int(now), NEW_YORK).replace(tzinfo=None)
