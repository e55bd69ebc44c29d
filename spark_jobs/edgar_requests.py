"""EDGAR log lines to typed requests: functions from DataFrame to DataFrame.

No reading, no writing, no engine in sight: what is used here exists, with the same results, in Sail and in Apache
Spark (their tests compare the tables row for row). Expressions are SQL texts, as the contract's rules are. Casts are
`try_cast`, because a cluster may run in ANSI mode; zones are plain arithmetic on facts that come with each file,
because engines differ about hours that clocks skip.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from lake.clock import NEW_YORK
from lake.contracts import table
from spark_jobs.edgar_files import LogForm, Series
from spark_jobs.edgar_lines import INNER_COMMA
from spark_jobs.edgar_text import columns_of_text, texts_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

REQUESTS = table("silver.edgar_requests")

# What comes with each line, from its file; `day_facts` makes them.
FACTS = {
    "file_date": "date",
    "file_day": "string",
    "midnight": "bigint",
    "offset_before": "int",
    "offset_after": "int",
    "switch_second": "int",
}

LINE = ("line", "line_hash", "repeat_no")

# A day's provenance, joined to what is made of it: carried along, it would be sorted and shuffled with every row.
PROVENANCE = {
    "series": "string",
    "log_date": "date",
    "observed_at": "timestamp",
    "_run_id": "string",
    "_payload_sha256": "string",
}

# Rules of reading, as SQL over the columns of `_read_v1` and `_read_v2`. The contract's own rules follow them.
READING_RULES: dict[Series, dict[str, str]] = {
    "v1": {
        "status_is_read": "status IS NOT NULL OR coalesce(status_text, '') = ''",
        "size_is_read": "size_bytes IS NOT NULL OR coalesce(size_text, '') = ''",
        "flags_are_read": "(is_index IS NOT NULL OR coalesce(idx_text, '') = '')"
        " AND (is_crawler IS NOT NULL OR coalesce(crawler_text, '') = '')",
        "zone_is_read": "zone IS NOT NULL OR coalesce(zone_text, '') = ''",
        "accession_is_read": "coalesce(accession, '') = '' OR translate(accession, '123456789', '000000000') = '0000000000-00-000000'",
    },
    "v2": {
        "line_has_every_field": "width = expected_width",
        "path_is_of_a_filer": "path LIKE '/Archives/edgar/data/%'",
    },
}


# Adds nothing, but is not the same at each call, so no engine moves a condition on it to below the reading. Moved, the
# whole reading is written out in the condition once for each mention of a column: a million lines then take 68 s of
# processor time instead of 2.
_STAYS_HERE = "CASE WHEN rand() < 0 THEN 1 ELSE 0 END"


def day_facts(day: date) -> tuple[date, str, int, int, int, int]:
    """A day's facts, in the order of `FACTS`.

    The day comes as a date and as a text. Midnight is in seconds since 1970 as if the day were of UTC; then New York's offset to UTC, in seconds, before
    and from the second at which it changes. Of an hour that the clock shows twice it is the first.
    """
    offsets = [_new_york_offset(day, hour) for hour in range(24)]
    change = next((hour for hour in range(24) if offsets[hour] != offsets[0]), 24)
    midnight = int(datetime.combine(day, time(), UTC).timestamp())
    return day, day.isoformat(), midnight, offsets[0], offsets[-1], change * 3600


def _new_york_offset(day: date, hour: int) -> int:
    offset = datetime.combine(day, time(hour), NEW_YORK).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def rules_of(series: Series) -> dict[str, str]:
    """Every rule that a line must keep: name → SQL. Null fails."""
    return READING_RULES[series] | REQUESTS.sql_rules


def typed_requests(lines: DataFrame, form: LogForm) -> DataFrame:
    """Lines as typed requests, good and bad alike.

    Args:
        lines: of `first_lines` and `later_lines`, each with the `FACTS` of its file.
        form: where the fields are.

    Returns:
        The contract's columns less provenance, `line`, and `broken`: bit N is set where rule N of `rules_of` does
        not hold.
    """
    whole = "value" if form.series == "v2" else f"concat_ws(',', {texts_of(form)})"
    whole_lines = lines.selectExpr("*", f"{whole} AS line")
    read = _read_v1(whole_lines, form) if form.series == "v1" else _read_v2(whole_lines)
    made = {"series": f"'{form.series}'", "requested_at": _instant(f"coalesce(own_offset, {_OFFSET})")}
    kept = [c for c in REQUESTS.columns if c not in made and c not in REQUESTS.provenance]
    broken = " + ".join(
        f"CASE WHEN coalesce({text}, false) THEN 0 ELSE {1 << bit} END"
        for bit, text in enumerate(rules_of(form.series).values())
    )
    made["broken"] = f"{broken} + {_STAYS_HERE}"
    return read.selectExpr(*kept, "line", *(f"{text} AS {name}" for name, text in made.items()))


def plain_requests(lines: DataFrame, form: LogForm) -> DataFrame:
    """Plain lines of the first form as requests, as `good_requests` of `typed_requests` has them.

    Args:
        lines: as there, and each of them plain; see `edgar_plain`.
        form: where the fields are.
    """
    text = {name: columns_of_text(form)[place] for name, place in form.places}
    digits = f"CAST(replace({text['time']}, ':', '') AS int)"
    document = f"coalesce({text['document']}, '')"
    made = {
        "series": f"'{form.series}'",
        "log_date": "file_date",
        "cik": f"CAST(CAST({text['cik']} AS double) AS bigint)",
        "requested_at": _instant(_OFFSET),
        "accession": f"coalesce({text['accession']}, '')",
        # Two patterns are told faster than a first letter is cut out.
        "document": f"CASE WHEN {document} LIKE '-%' OR {document} LIKE '.%'"
        f" THEN concat(coalesce({text['accession']}, ''), {document}) ELSE {document} END",
        "ip": f"coalesce({text['ip']}, '')",
        "zone": f"CASE {text['zone']} WHEN '0.0' THEN 0D ELSE 500D END",
        "status": f"CAST(CAST({text['status']} AS double) AS int)",
        "size_bytes": f"CAST(CAST({text['size']} AS double) AS bigint)",
        "is_index": f"{text['idx']} = '1.0'",
        "is_crawler": f"{text['crawler']} = '1.0'",
    }
    timed = lines.selectExpr("*", f"{digits} AS digits").selectExpr("*", f"CAST({_SECONDS} AS int) AS second_of_day")
    wanted = (c for c in REQUESTS.columns if c not in REQUESTS.provenance)
    return timed.selectExpr(*(f"{made[name]} AS {name}" if name in made else name for name in wanted))


_OFFSET = "CASE WHEN second_of_day < switch_second THEN offset_before ELSE offset_after END"


def _instant(offset: str) -> str:
    return f"timestamp_seconds(midnight + second_of_day - {offset})"


def _shape(text: str) -> str:
    """A text with a 0 for each digit. Engines read dates and numbers with different tolerance; shapes alike."""
    return f"translate({text}, '123456789', '000000000')"


def _whole(text: str) -> str:
    """A whole number of at most 15 digits, written plainly or as a float (`1111711.0`); null for anything else."""
    # So many digits are exact in a double, and engines read those fastest.
    return rf"CASE WHEN {text} RLIKE r'^-?[0-9]{{1,15}}([.]0)?\z' THEN CAST(try_cast({text} AS double) AS bigint) END"


def _flag(text: str) -> str:
    return f"CASE {text} WHEN '1.0' THEN true WHEN '1' THEN true WHEN '0.0' THEN false WHEN '0' THEN false END"


def _digits(clock: str) -> str:
    """A text HH:MM:SS as the number HHMMSS; null for anything else."""
    return f"CASE WHEN {_shape(clock)} = '00:00:00' THEN try_cast(replace({clock}, ':', '') AS int) END"


# The second of the day by the column `digits`; then null where there is no such minute or second.
_SECONDS = "digits div 10000 * 3600 + digits div 100 % 100 * 60 + digits % 100"
_SECOND = f"CASE WHEN digits % 100 <= 59 AND digits div 100 % 100 <= 59 THEN {_SECONDS} END"


def _day(text: str) -> str:
    """The date of a text YYYY-MM-DD; null for anything else."""
    # Nearly every line is of its file's day, so that reading is the exception.
    return (
        f"CASE WHEN {text} = file_day THEN file_date"
        f" WHEN {_shape(text)} = '0000-00-00' THEN try_cast({text} AS date) END"
    )


def _read_v1(lines: DataFrame, form: LogForm) -> DataFrame:
    places, columns = dict(form.places), columns_of_text(form)

    def field(name: str) -> str:
        return columns[places[name]] if name in places else "CAST(NULL AS string)"

    texts = lines.selectExpr(
        *LINE,
        *FACTS,
        *(f"{field(name)} AS {name}_text" for name in ("date", "cik", "status", "size", "idx", "crawler", "zone")),
        f"{_digits(field('time'))} AS digits",
        *(f"coalesce({field(name)}, '') AS {name}" for name in ("ip", "accession", "document")),
    )
    return texts.selectExpr(
        *LINE,
        *FACTS,
        *("status_text", "size_text", "idx_text", "crawler_text", "zone_text"),
        f"{_day('date_text')} AS log_date",
        f"CAST({_SECOND} AS int) AS second_of_day",
        "CAST(NULL AS int) AS own_offset",
        f"{_whole('cik_text')} AS cik",
        "accession",
        # A bare ending (`.txt`, `-index.htm`) means that the file is named for the accession.
        "replace(concat(CASE WHEN substr(document, 1, 1) IN ('-', '.') THEN accession ELSE '' END, document),"
        f" '{INNER_COMMA}', ',') AS document",
        "ip",
        r"CASE zone_text WHEN '0.0' THEN 0D WHEN '500.0' THEN 500D ELSE"
        r" CASE WHEN zone_text RLIKE r'^-?[0-9]{1,9}([.][0-9]{1,9})?\z' THEN try_cast(zone_text AS double) END END AS zone",
        f"try_cast({_whole('status_text')} AS int) AS status",
        f"{_whole('size_text')} AS size_bytes",
        f"{_flag('idx_text')} AS is_index",
        f"{_flag('crawler_text')} AS is_crawler",
    )


def _read_v2(lines: DataFrame) -> DataFrame:
    split = lines.selectExpr(*LINE, *FACTS, "substring_index(line, ',', 1) AS stamp")
    parts = split.selectExpr(
        *LINE,
        *FACTS,
        "substr(stamp, 1, 10) AS date_text",
        f"{_digits('substr(stamp, 12, 8)')} AS digits",
        "substr(stamp, 11, 1) AS between",
        "substr(stamp, 20) AS tail",
        f"translate(substr(line, length(stamp) + 2), '{INNER_COMMA}', ',') AS path",
        "CASE WHEN length(line) > length(stamp) THEN 2 ELSE 1 END AS width",
    )
    # Pieces of the path by splitting, not by regular expressions: four of those doubled the time.
    filers = parts.selectExpr(
        "*",
        r"regexp_extract(tail, r'^([.][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})\z', 2) AS own",
        "CASE WHEN path LIKE '/Archives/edgar/data/%/%' THEN substring_index(substr(path, 22), '/', 1) END AS cik_text",
    )
    below = filers.selectExpr("*", "substr(path, length(cik_text) + 23) AS below")
    first = _shape("substring_index(below, '/', 1)")
    pieces = below.selectExpr(
        "*",
        f"CASE WHEN {first} = '{'0' * 18}' THEN substr(below, 1, 18) ELSE '' END AS folder",
        f"CASE WHEN {_shape('substr(below, 1, 20)')} = '0000000000-00-000000' THEN substr(below, 1, 20) END AS named",
    )
    return pieces.selectExpr(
        *LINE,
        *FACTS,
        "path",
        "width",
        "2 AS expected_width",
        f"{_day('date_text')} AS log_date",
        "CASE WHEN between IN ('T', ' ') AND (own <> '' OR tail RLIKE r'^([.][0-9]+)?\\z')"
        f" THEN CAST({_SECOND} AS int) END AS second_of_day",
        "CASE WHEN own = 'Z' THEN 0 WHEN own <> '' THEN"
        " (try_cast(substr(own, 2, 2) AS int) * 3600 + try_cast(substr(own, -2) AS int) * 60)"
        " * CASE WHEN own LIKE '-%' THEN -1 ELSE 1 END END AS own_offset",
        "CASE WHEN translate(cik_text, '0123456789', '') = '' AND length(cik_text) < 19 THEN try_cast(cik_text AS bigint)"
        " END AS cik",
        "CASE WHEN folder <> '' THEN concat_ws('-', substr(folder, 1, 10), substr(folder, 11, 2), substr(folder, 13))"
        " ELSE named END AS accession",
        "nullif(CASE WHEN folder <> '' THEN substr(below, 20) ELSE below END, '') AS document",
        "CAST(NULL AS string) AS ip",
        "CAST(NULL AS double) AS zone",
        "CAST(NULL AS int) AS status",
        "CAST(NULL AS bigint) AS size_bytes",
        r"path RLIKE r'(-index(-headers)?[.]html?|/)\z' AS is_index",
        "CAST(NULL AS boolean) AS is_crawler",
    )


def good_requests(typed: DataFrame) -> DataFrame:
    """The requests that keep every rule, in the contract's columns less provenance.

    Args:
        typed: from `typed_requests`.
    """
    return typed.where("broken = 0").select(*(c for c in REQUESTS.columns if c not in REQUESTS.provenance))


def refused_requests(typed: DataFrame) -> DataFrame:
    """The lines that break a rule: `file_date`, `line`, `broken`."""
    return typed.where("broken <> 0").selectExpr(
        "file_date", f"translate(line, '{INNER_COMMA}', ',') AS line", "broken"
    )


def broken_rules(series: Series, broken: int) -> str:
    """The names behind the bits of `broken`, comma separated."""
    return ",".join(name for bit, name in enumerate(rules_of(series)) if broken >> bit & 1)
