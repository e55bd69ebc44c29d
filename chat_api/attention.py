"""Attention by logged day: which days there are, a day's visits by minute with bands, companies and documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chat_api.live import day_kind

Run = Callable[[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]
Visits = Literal["all", "human"]

_COLUMNS: dict[Visits, str] = {"all": "visits_all", "human": "visits_human"}
DEFINITIONS: dict[Visits, str] = {
    "all": "A visit is a request to a company's filings, whoever made it: people and programs alike.",
    "human": "A visit is a request that a person may have made: status 200, no crawler's, not of an index page, from "
    "an address that does not ask for more documents in a minute than a person reads.",
}
_SHOWN_DAYS = 60
_SHOWN = 12


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class DayLine(_Part):
    """A logged day: requests of all companies, those by people where the log tells, and distinct addresses."""

    series: str
    log_date: date
    companies: int
    visits_all: int
    visits_human: int | None = None
    visitors: int | None = None


class AttentionDays(_Part):
    """The days loaded.

    Attributes:
        visits: which measure pages, ranks and unusual attention go by.
        days: series and date of every day, the newest first.
        lines: the newest of them with their counts.
    """

    simulated: bool
    visits: Visits
    definition: str
    days: tuple[tuple[str, date], ...]
    lines: tuple[DayLine, ...]


class Minute(_Part):
    """A minute of a logged day, from its 60 seconds.

    Attributes:
        visits_mean, visits_peak: mean and highest visits a second.
        p25, p75, p95: means of the seconds' own percentiles, in visits a second; None where there is no band.
        visitors: distinct addresses in the minute, where the log carries them.
    """

    minute_of_day: int
    visits_mean: float
    visits_peak: int
    p25: float | None = None
    p75: float | None = None
    p95: float | None = None
    visitors: int | None = None


class Words(_Part):
    """How many of a day's seconds were quiet, usual, busy and feverish, each against its own band.

    Attributes:
        days, day_kind: how many days the bands rest on at least, and which: all, weekday or weekend.
        zeros: whether a day without a visit in a second counts as zero or was left out.
    """

    quiet: int
    usual: int
    busy: int
    feverish: int
    days: int
    day_kind: str
    zeros: str


class CompanyLine(_Part):
    """A company on a logged day.

    Attributes:
        share_pct: of the day's visits, in percent.
        usual_visits: its own usual; None where too few days are known.
        usual_days, usual_of: how many days that rests on, and which: same_weekday, weekday or weekend.
        relative: visits over the usual, a ratio.
        unusual_score: how far from its usual, in robust standard deviations; None where that is not known.
        return_pct: its share's return of the same day, in percent.
        price: bar, no_session (the exchange was closed) or no_bar (none is loaded); None where it has no ticker.
    """

    cik: int
    ticker: str | None
    name: str | None
    visits: int
    rank: int
    share_pct: float
    usual_visits: float | None
    usual_days: int
    usual_of: str | None
    relative: float | None
    unusual_score: float | None
    is_unusual: bool | None
    return_pct: float | None
    price: str | None


class DocumentLine(_Part):
    """A filing on a logged day; its form where it is known."""

    cik: int
    ticker: str | None
    name: str | None
    accession: str
    form: str | None
    filed_on: date | None
    visits: int
    visitors: int | None


class AttentionDay(_Part):
    """A logged day.

    Attributes:
        measure: what the numbers count: all requests, or those that people may have made.
        seconds_by_word: None where there are no bands or the day's seconds are not at hand.
        minutes: empty where the day's seconds are not at hand.
        by_visits, by_unusual: companies by rank, and by how unusual their day was.
    """

    simulated: bool
    series: str
    log_date: date
    measure: Visits
    definition: str
    minutes: tuple[Minute, ...] = ()
    seconds_by_word: Words | None = None
    by_visits: tuple[CompanyLine, ...] = ()
    by_unusual: tuple[CompanyLine, ...] = ()
    documents: tuple[DocumentLine, ...] = ()


_PRESENT = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'marts'"
# From one day to the next by the key: as many steps as there are days, however many rows they have.
_DAYS = (
    "WITH RECURSIVE held AS ("
    "(SELECT series, log_date FROM marts.visits_day ORDER BY series DESC, log_date DESC LIMIT 1) UNION ALL "
    "SELECT next.series, next.log_date FROM held CROSS JOIN LATERAL (SELECT series, log_date FROM marts.visits_day v "
    "WHERE (v.series, v.log_date) < (held.series, held.log_date) ORDER BY series DESC, log_date DESC LIMIT 1) AS next"
    ") SELECT series, log_date FROM held ORDER BY log_date DESC, series DESC"
)
_LINES = (
    "SELECT series, log_date, count(*) AS companies, sum(visits_all)::bigint AS visits_all, "
    "sum(visits_human)::bigint AS visits_human FROM marts.visits_day "
    "WHERE log_date = ANY(%(days)s) GROUP BY series, log_date"
)
_VISITORS = "SELECT series, log_date, visitors FROM marts.visitors_day WHERE log_date = ANY(%(days)s)"
_NO_PRICES = "SELECT NULL::float8 AS return_pct, NULL::text AS price"
_PRICES = (
    "SELECT p.return_pct, p.price FROM marts.visits_prices p "
    "WHERE p.series = v.series AND p.log_date = v.log_date AND p.cik = v.cik"
)
_COMPANIES = (
    "SELECT v.*, v.symbol AS ticker, moved.return_pct, moved.price FROM marts.visits_day v "
    "LEFT JOIN LATERAL ({prices}) AS moved ON true WHERE v.series = %(series)s AND v.log_date = %(day)s "
)
_BY_VISITS = f"{_COMPANIES} ORDER BY v.rank, v.cik LIMIT %(most)s"
_BY_UNUSUAL = f"{_COMPANIES} AND v.unusual_score > 0 ORDER BY v.is_unusual DESC NULLS LAST, v.unusual_score DESC, v.rank, v.cik LIMIT %(most)s"
_DOCUMENTS = (
    "SELECT v.*, v.symbol AS ticker FROM marts.visits_documents v WHERE v.series = %(series)s AND v.log_date = %(day)s "
    "ORDER BY CASE WHEN %(human)s THEN v.visits_human ELSE v.visits_all END DESC, v.cik, v.accession LIMIT %(most)s"
)
_TOTALS = (
    "SELECT second_of_day, CASE WHEN %(human)s THEN visits_human ELSE visits_all END AS visits "
    "FROM marts.visits_total_second WHERE series = %(series)s AND log_date = %(day)s"
)
# Where a day's total is not at hand, its companies' seconds are added up.
_SUMS = (
    "SELECT second_of_day, sum(CASE WHEN %(human)s THEN visits_human ELSE visits_all END) AS visits "
    "FROM marts.visits_second WHERE series = %(series)s AND log_date = %(day)s GROUP BY second_of_day"
)
_NO_BANDS = (
    "SELECT NULL::int AS second_of_day, NULL::float8 AS p25, NULL::float8 AS p75, NULL::float8 AS p95, "
    "NULL::bigint AS days, NULL::text AS day_kind, NULL::text AS zeros WHERE false"
)
# Of the same kind of day where enough of those are loaded, else of all days.
_BANDS = (
    "SELECT second_of_day, p25, p75, p95, days, day_kind, zeros FROM marts.visits_bands "
    "WHERE series = %(series)s AND measure = %(measure)s AND p25 IS NOT NULL AND day_kind = ("
    "SELECT day_kind FROM marts.visits_bands WHERE series = %(series)s AND measure = %(measure)s "
    "AND day_kind IN (%(kind)s, 'all') AND p25 IS NOT NULL ORDER BY day_kind = 'all' LIMIT 1)"
)
# Every second of the day counts, those without a visit too; each is held against its own band.
_MINUTES = (
    "SELECT s / 60 AS minute_of_day, avg(v)::float8 AS visits_mean, max(v)::bigint AS visits_peak, "
    "avg(p25)::float8 AS p25, avg(p75)::float8 AS p75, avg(p95)::float8 AS p95, "
    "count(*) FILTER (WHERE v < p25) AS quiet, count(*) FILTER (WHERE v >= p25 AND v <= p75) AS usual, "
    "count(*) FILTER (WHERE v > p75 AND v <= p95) AS busy, count(*) FILTER (WHERE v > p95) AS feverish, "
    "min(days) AS days, min(day_kind) AS day_kind, min(zeros) AS zeros FROM ("
    "SELECT s, coalesce(t.visits, 0) AS v, b.* FROM generate_series(0, 86399) AS s "
    "LEFT JOIN ({totals}) AS t ON t.second_of_day = s LEFT JOIN ({bands}) AS b ON b.second_of_day = s) AS second "
    "GROUP BY 1 ORDER BY 1"
)
_BY_MINUTE = (
    "SELECT minute_of_day, visitors FROM marts.visitors_minute WHERE series = %(series)s AND log_date = %(day)s"
)
_HAS_TOTALS = "SELECT 1 AS held FROM marts.{name} WHERE series = %(series)s AND log_date = %(day)s LIMIT 1"


def read_days(run: Run, *, simulated: bool, visits: Visits) -> AttentionDays:
    """The days loaded.

    Args:
        run: runs one constant SELECT with parameters and gives its rows by column name.
        visits: which measure pages go by.
    """
    days = tuple((row["series"], row["log_date"]) for row in run(_DAYS, {}))
    newest = {"days": sorted({day for _, day in days[:_SHOWN_DAYS]})}
    counted = {(row["series"], row["log_date"]): row for row in run(_LINES, newest)}
    present = _present(run)
    rows = run(_VISITORS, newest) if "visitors_day" in present else ()
    visitors = {(row["series"], row["log_date"]): row["visitors"] for row in rows}
    return AttentionDays(
        simulated=simulated,
        visits=visits,
        definition=DEFINITIONS[visits],
        days=days,
        lines=tuple(DayLine(**counted[day], visitors=visitors.get(day)) for day in days[:_SHOWN_DAYS]),
    )


def read_day(run: Run, series: str, day: date, *, simulated: bool, visits: Visits) -> AttentionDay:
    """A logged day; empty parts for what the marts do not hold of it.

    Args:
        run: as in `read_days`.
        series: v1 or v2. The second form does not tell people from programs: all its requests are counted.
        visits: which measure pages go by.
    """
    measure: Visits = visits if series == "v1" else "all"
    present = _present(run)
    asked = {
        **{"series": series, "day": day, "kind": day_kind(day)},
        **{"human": measure == "human", "measure": measure, "most": _SHOWN},
    }
    prices = _PRICES if "visits_prices" in present else _NO_PRICES
    minutes, words = _minutes(run, present, asked)
    documents = run(_DOCUMENTS, asked) if "visits_documents" in present else ()
    return AttentionDay(
        simulated=simulated,
        series=series,
        log_date=day,
        measure=measure,
        definition=DEFINITIONS[measure],
        minutes=minutes,
        seconds_by_word=words,
        by_visits=tuple(_company(row, measure) for row in run(_BY_VISITS.format(prices=prices), asked)),
        by_unusual=tuple(_company(row, measure) for row in run(_BY_UNUSUAL.format(prices=prices), asked)),
        documents=tuple(_document(row, measure) for row in documents),
    )


def _present(run: Run) -> set[str]:
    """The marts that are there: a home of an earlier version gets new ones with its next load."""
    return {row["name"] for row in run(_PRESENT, {})}


def _minutes(run: Run, present: set[str], asked: Mapping[str, Any]) -> tuple[tuple[Minute, ...], Words | None]:
    sources = (("visits_total_second", _TOTALS), ("visits_second", _SUMS))
    held = (text for name, text in sources if name in present and run(_HAS_TOTALS.format(name=name), asked))
    totals = next(held, None)
    if totals is None:
        return (), None
    bands = _BANDS if "visits_bands" in present else _NO_BANDS
    rows = run(_MINUTES.format(totals=totals, bands=bands), asked)
    by_minute = run(_BY_MINUTE, asked) if "visitors_minute" in present else ()
    visitors = {row["minute_of_day"]: row["visitors"] for row in by_minute}
    minutes = tuple(
        Minute(
            **{key: row[key] for key in Minute.model_fields if key in row}, visitors=visitors.get(row["minute_of_day"])
        )
        for row in rows
    )
    known = [row for row in rows if row["days"] is not None]
    if not known:
        return minutes, None
    counts = {word: sum(row[word] for row in known) for word in ("quiet", "usual", "busy", "feverish")}
    return minutes, Words(
        **counts, days=min(row["days"] for row in known), day_kind=known[0]["day_kind"], zeros=known[0]["zeros"]
    )


def _company(row: Mapping[str, Any], measure: Visits) -> CompanyLine:
    return CompanyLine(
        **{key: row[key] for key in ("cik", "ticker", "name", "rank", "share_pct", "usual_visits", "usual_days")},
        **{key: row[key] for key in ("usual_of", "unusual_score", "is_unusual", "return_pct", "price")},
        visits=row[_COLUMNS[measure]],
        relative=row["relative_to_usual"],
    )


def _document(row: Mapping[str, Any], measure: Visits) -> DocumentLine:
    return DocumentLine(
        **{key: row[key] for key in ("cik", "ticker", "name", "accession", "form", "filed_on", "visitors")},
        visits=row[_COLUMNS[measure]],
    )
