"""The clean text of days as an engine's requests, and as the lines of it that are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from spark_jobs.edgar_files import LINES, REPEATS, CleanLog, LogForm
from spark_jobs.edgar_requests import (
    FACTS,
    day_facts,
    good_requests,
    plain_requests,
    refused_requests,
    typed_requests,
)
from spark_jobs.edgar_staging import Facts, read_lines, read_text
from spark_jobs.edgar_text import fields_of_lines, first_lines, later_lines, plainly_good

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_Read: TypeAlias = "Callable[[str], DataFrame]"


@dataclass(frozen=True)
class DaysText:
    """Clean text of days of one form.

    Attributes:
        form: of their lines.
        folder: where the form's text is; there may be other days' too.
        days: a log's number in its folder → its day.
        logs: what is known of them.
    """

    form: LogForm
    folder: Path
    days: Mapping[int, date]
    logs: tuple[CleanLog, ...]

    @property
    def plain(self) -> bool:
        """Whether the lines that were not moved are all plain; see `edgar_plain`."""
        return all(log.plain for log in self.logs)

    def requests(self, spark: SparkSession) -> DataFrame:
        """The good requests of all days in the folder, which are these."""

        def read_part(part: str) -> DataFrame:
            return read_text(spark, self.form, self.folder / part)

        if not self.plain:
            return good_requests(typed_requests(self._lines(spark, read_part), self.form))
        requests = plain_requests(self._first(spark, read_part), self.form)
        moved = self._moved(spark, read_part)
        return requests.unionByName(good_requests(typed_requests(moved, self.form))) if moved is not None else requests

    def refused(self, spark: SparkSession) -> DataFrame | None:
        """The lines that break a rule, as `refused_requests`; none where no line can."""
        mine = f"file IN ({', '.join(str(number) for number in self.days)})"

        def read_part(part: str) -> DataFrame:
            text = read_lines(spark, self.folder / part).where(mine)
            if len(self.days) == 1 and part == LINES:
                (day,) = self.days.values()
                text = text.where(f"NOT ({plainly_good(self.form, day)})")
            return fields_of_lines(text, self.form)

        doubtful = self._moved(spark, read_part) if self.plain else self._lines(spark, read_part)
        return refused_requests(typed_requests(doubtful, self.form)) if doubtful is not None else None

    def _lines(self, spark: SparkSession, read_part: _Read) -> DataFrame:
        lines, moved = self._first(spark, read_part), self._moved(spark, read_part)
        return lines.unionByName(moved) if moved is not None else lines

    def _first(self, spark: SparkSession, read_part: _Read) -> DataFrame:
        return self._with_facts(spark, first_lines(read_part(LINES), self.form))

    def _moved(self, spark: SparkSession, read_part: _Read) -> DataFrame | None:
        if not any(log.repeats for log in self.logs):
            return None
        return self._with_facts(spark, later_lines(read_part(REPEATS), self.form))

    def _with_facts(self, spark: SparkSession, lines: DataFrame) -> DataFrame:
        """Lines, each with the facts of its file."""
        facts = [(number, *day_facts(day)) for number, day in self.days.items()]
        return Facts({"file": "int", **FACTS}, facts, ("file",)).joined(spark, lines)
