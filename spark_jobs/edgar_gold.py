"""What a visit is, and gold's counts of visits: functions from DataFrame to DataFrame, as in `edgar_requests`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lake.contracts import table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, GroupedData

    from lake.contracts.base import Table
    from lake.settings import Settings

VISITS = table("gold.visits_second")
TOTALS = table("gold.visits_total_second")
DOCUMENTS = table("gold.visits_documents")
MINUTES = table("gold.visitors_minute")
DAYS = table("gold.visitors_day")

# All are partitioned by (series, log_date), in the order in which they are committed. The last says by which definition
# a day is counted, and is there when the others are.
GOLD: tuple[Table, ...] = (VISITS, TOTALS, DOCUMENTS, MINUTES, DAYS)

# What counting reads of a request.
READ = (
    "series",
    "log_date",
    "second_of_day",
    "cik",
    "repeat_no",
    "requested_at",
    "accession",
    "ip",
    "status",
    "is_index",
    "is_crawler",
)

# Into so many parts rows go before they are gathered in groups of nearly one row each, all of a group's into one part.
# Engines would gather such rows twice: each share for itself, in vain, and then all. Four parts are the fewest of which
# Sail knows that what is parted by some columns is parted by these and others too; smaller parts are gathered faster.
GATHERED_PARTS = 8

Keep: TypeAlias = "Callable[[str, DataFrame], DataFrame]"

_DAY = ("series", "log_date")
# A visit that is human for all that its own line tells. The second form of the logs tells nothing of it.
_HUMAN_BY_ITSELF = "series = 'v1' AND status = 200 AND NOT is_crawler AND NOT is_index"
_MINUTE = "CAST(second_of_day div 60 AS int) AS minute_of_day"


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


def gold_frames(
    requests: DataFrame,
    with_provenance: Callable[[DataFrame], DataFrame],
    definition: VisitDefinition,
    keep: Keep,
    day: Sequence[str] = _DAY,
) -> dict[str, DataFrame]:
    """Every table of `GOLD` by its id, in the contract's columns.

    Args:
        requests: of silver.edgar_requests, the columns of `READ`.
        with_provenance: adds series, day and provenance to rows that are told apart by `day`.
        definition: what a visit is.
        keep: is given each table by its id, and by other names what several tables rest on; what it hands back is read
            on in its place. A job writes the frame and hands back what was written, so that nothing is counted twice.
        day: what tells days apart in counting; nothing where there is but one, since engines group and join by constants
            as by any column.
    """

    def finished(known: Table, frame: DataFrame) -> DataFrame:
        return keep(known.id, with_provenance(frame).selectExpr(*known.columns))

    counted = requests if definition.count_repeats else requests.where("repeat_no = 1")
    addresses = keep("addresses", _addresses(counted, definition.documents_a_minute, day))
    # Written by themselves they are known to be few, so that an engine joins them without parting all requests.
    robots = keep("robots", addresses.where("robot").select(*_DAY, "minute_of_day", "ip", "robot"))
    judged = _judged(counted, robots, day)
    visits = finished(VISITS, _visits_second(judged, day))
    totals = finished(TOTALS, _visits_total_second(visits, day))
    return {
        VISITS.id: visits,
        TOTALS.id: totals,
        DOCUMENTS.id: finished(DOCUMENTS, _visits_documents(judged, day)),
        MINUTES.id: finished(MINUTES, _visitors_minute(addresses, day)),
        DAYS.id: finished(DAYS, _visitors_day(visits, totals, addresses, definition)),
    }


def _addresses(counted: DataFrame, documents_a_minute: int, day: Sequence[str]) -> DataFrame:
    """Each address in each minute: whether it is a robot's then, and whether it makes a human visit.

    Documents are what is asked for beside index pages, whatever became of the request.
    """
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    asked = counted.where("series = 'v1' AND ip <> ''").selectExpr(*_DAY, _MINUTE, "ip", "is_index", _by_itself())
    sums = _parted(asked, *day, "minute_of_day", "ip").agg(
        F.expr("sum(CASE WHEN is_index THEN 0 ELSE 1 END)").alias("documents"),
        F.expr("max(by_itself)").alias("by_itself"),
    )
    robot = f"documents > {documents_a_minute}"
    human = f"CASE WHEN by_itself = 1 AND NOT {robot} THEN 1 ELSE 0 END AS human"
    return sums.selectExpr(*day, "minute_of_day", "ip", f"{robot} AS robot", human)


def _parted(rows: DataFrame, *columns: str) -> GroupedData:
    """Rows in groups that are nearly as many as they."""
    return rows.repartition(GATHERED_PARTS, *columns).groupBy(*columns)


def _by_itself() -> str:
    return f"CASE WHEN {_HUMAN_BY_ITSELF} THEN 1 ELSE 0 END AS by_itself"


def _judged(counted: DataFrame, robots: DataFrame, day: Sequence[str]) -> DataFrame:
    """Requests with `human`: 1 or 0, empty in the second form."""
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    asked = counted.selectExpr(*_DAY, "second_of_day", _MINUTE, "cik", "requested_at", "accession", "ip", _by_itself())
    # Robots' minutes are few beside requests.
    known = robots.select(*day, "minute_of_day", "ip", "robot")
    joined = asked.join(F.broadcast(known), [*day, "minute_of_day", "ip"], "left")
    human = "CASE WHEN series <> 'v1' THEN NULL WHEN robot IS NULL THEN by_itself ELSE 0 END AS human"
    return joined.selectExpr(*_DAY, "second_of_day", "cik", "requested_at", "accession", "ip", human)


def _visits_second(judged: DataFrame, day: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    return _parted(judged, *day, "second_of_day", "cik").agg(
        F.expr("min(requested_at)").alias("second"),
        F.expr("count(*)").alias("visits_all"),
        F.expr("CAST(sum(human) AS bigint)").alias("visits_human"),
    )


def _visits_total_second(visits: DataFrame, day: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    return visits.groupBy(*day, "second_of_day").agg(
        F.expr("min(second)").alias("second"),
        F.expr("CAST(sum(visits_all) AS bigint)").alias("visits_all"),
        F.expr("CAST(sum(visits_human) AS bigint)").alias("visits_human"),
    )


def _visits_documents(judged: DataFrame, day: Sequence[str]) -> DataFrame:
    """By filing; its visitors by counting each address's visits first, so that no engine holds sets of addresses."""
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    of_filings = judged.where("accession <> ''").selectExpr(
        *_DAY, "cik", "accession", "CASE WHEN ip <> '' THEN ip END AS ip", "human"
    )
    # Parted by filing, so that both gatherings rest on it.
    parted = of_filings.repartition(GATHERED_PARTS, *day, "cik", "accession")
    by_address = parted.groupBy(*day, "cik", "accession", "ip").agg(
        F.expr("count(*)").alias("visits"), F.expr("CAST(sum(human) AS bigint)").alias("human")
    )
    return by_address.groupBy(*day, "cik", "accession").agg(
        F.expr("CAST(sum(visits) AS bigint)").alias("visits_all"),
        F.expr("CAST(sum(human) AS bigint)").alias("visits_human"),
        # Nothing is known of humans just where nothing is known of addresses.
        F.expr("CAST(sum(CASE WHEN ip IS NOT NULL THEN 1 WHEN human IS NOT NULL THEN 0 END) AS bigint)").alias(
            "visitors"
        ),
    )


def _visitors_minute(addresses: DataFrame, day: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    return addresses.groupBy(*day, "minute_of_day").agg(
        F.expr("count(*)").alias("visitors"), F.expr("CAST(sum(human) AS bigint)").alias("visitors_human")
    )


def _visitors_day(visits: DataFrame, totals: DataFrame, addresses: DataFrame, definition: VisitDefinition) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812 - heavy, and its customary name

    days = totals.groupBy(*_DAY).agg(
        F.expr("CAST(sum(visits_all) AS bigint)").alias("visits_all"),
        F.expr("CAST(sum(visits_human) AS bigint)").alias("visits_human"),
    )
    companies = visits.select(*_DAY, "cik").distinct().groupBy(*_DAY).agg(F.expr("count(*)").alias("companies"))
    of_day = addresses.groupBy(*_DAY, "ip").agg(F.expr("max(human)").alias("human"))
    visitors = of_day.groupBy(*_DAY).agg(
        F.expr("count(*)").alias("visitors"), F.expr("CAST(sum(human) AS bigint)").alias("visitors_human")
    )
    joined = days.join(companies, [*_DAY]).join(visitors, [*_DAY], "left")
    none = "CASE WHEN series = 'v1' THEN coalesce({0}, 0L) END AS {0}"
    return joined.selectExpr(
        *_DAY,
        "visits_all",
        "visits_human",
        "companies",
        none.format("visitors"),
        none.format("visitors_human"),
        f"{str(definition.count_repeats).lower()} AS counts_repeats",
        f"CAST({definition.documents_a_minute} AS int) AS documents_a_minute",
    )
