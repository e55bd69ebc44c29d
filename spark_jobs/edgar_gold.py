"""What a visit is, and gold's counts of visits: functions from DataFrame to DataFrame, as in `edgar_requests`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lake.contracts import table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lake.contracts.base import Table
    from lake.settings import Settings

VISITS = table("gold.visits_second")

# All are partitioned by (series, log_date), in the order in which they are committed.
GOLD: tuple[Table, ...] = (VISITS,)

Keep: TypeAlias = "Callable[[str, DataFrame], DataFrame]"


@dataclass(frozen=True)
class VisitDefinition:
    """What counts as a visit. Every request is one in `visits_all`; `visits_human` leaves out what no person reads.

    Attributes:
        count_repeats: whether exact repeats of a line count; they are real repeat requests as often as damage.
        documents_a_minute: an address that asks for more documents than these in a minute is a robot's in it.
    """

    count_repeats: bool = True
    documents_a_minute: int = 25

    @classmethod
    def from_settings(cls, settings: Settings) -> VisitDefinition:
        """The definition that the settings give."""
        return cls(settings.visits_repeats == "count", settings.visits_documents_a_minute)

    @property
    def facts(self) -> dict[str, int | float | str]:
        """The definition as a run's page shows it."""
        return {
            "visits_repeats": "count" if self.count_repeats else "once",
            "visits_documents_a_minute": self.documents_a_minute,
        }


USUAL = VisitDefinition()


def _as_it_is(name: str, frame: DataFrame) -> DataFrame:
    return frame


def gold_frames(
    requests: DataFrame, provenance: DataFrame, definition: VisitDefinition, keep: Keep = _as_it_is
) -> dict[str, DataFrame]:
    """Every table of `GOLD` by its id, in the contract's columns.

    Args:
        requests: the contract's columns of silver.edgar_requests.
        provenance: a row for each day, of `edgar_requests.PROVENANCE`.
        definition: what a visit is.
        keep: is given each table by its id, and by other names what several tables rest on; what it hands back is read
            on in its place. A job writes the frame and hands back what was written, so that nothing is counted twice.
    """
    counted = requests if definition.count_repeats else requests.where("repeat_no = 1")
    return {VISITS.id: keep(VISITS.id, _visits_second(counted, provenance))}


def _visits_second(counted: DataFrame, provenance: DataFrame) -> DataFrame:
    """Visits by series, logged day, second and company.

    A human visit is a request with status 200, no crawler's, not of an index page: the pages that lead to filings
    are not filings, and a failed request reads nothing. The second form of the logs does not carry what this takes.
    """
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    human = "CASE WHEN series <> 'v1' THEN NULL WHEN status = 200 AND NOT is_crawler AND NOT is_index THEN 1 ELSE 0 END"
    visits = counted.groupBy("series", "log_date", "second_of_day", "cik").agg(
        F.expr("min(requested_at)").alias("second"),
        F.expr("count(*)").alias("visits_all"),
        F.expr(f"sum({human})").cast("bigint").alias("visits_human"),
    )
    return visits.join(provenance, ["series", "log_date"]).selectExpr(*VISITS.columns)
