"""An EDGAR log to silver, its quarantine and gold's counts in DuckDB, as one who knows it would write it.

What the reader rejects are the lines without every field and those that are not UTF-8. What it reads is kept typed in a
temporary table, from which silver and all of gold are made; only lines that come more than once go through a window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.edgar_log import DAY, FIELDS
from lake.rows import RowAccount

if TYPE_CHECKING:
    from benchmarks.edgar_work import Job

# A field that was read to null though there was something in it.
_RULES = {
    "status_is_read": "status IS NOT NULL OR code IS NULL",
    "size_is_read": "size_bytes IS NOT NULL OR size IS NULL",
    "flags_are_read": "(is_index IS NOT NULL OR idx IS NULL) AND (is_crawler IS NOT NULL OR crawler IS NULL)",
    "zone_is_read": "zone IS NOT NULL OR zone_text IS NULL",
    "accession_is_read": "accession = '' OR regexp_full_match(accession, '[0-9]{10}-[0-9]{2}-[0-9]{6}')",
    "cik_is_positive": "cik > 0",
    "second_is_within_the_day": "second_of_day < 86400",
    "status_is_http_or_zero": "status IS NULL OR status = 0 OR (status >= 100 AND status < 600)",
    "logged_on_the_file_s_day": f"log_date = DATE '{DAY}'",
}

_KEPT = (
    "log_date, second_of_day, cik, accession, document, ip, zone, status, size_bytes, is_index, is_crawler, line_hash"
)

_READ = f"""
    CREATE TEMP TABLE lines AS
    SELECT {_KEPT}, good,
           CASE WHEN NOT good THEN CASE WHEN starts_with(ip, chr(34)) THEN 'line_has_closed_quotes' ELSE concat_ws(',',
               {", ".join(f"CASE WHEN NOT coalesce({rule}, false) THEN '{name}' END" for name, rule in _RULES.items())}
           ) END END AS rules,
           CASE WHEN NOT good THEN array_to_string([{", ".join(f"coalesce(raw_{name}, '')" for name in FIELDS)}], ',') END
               AS "row"
    FROM (
        SELECT *, NOT starts_with(ip, chr(34)) AND {" AND ".join(f"coalesce({rule}, false)" for rule in _RULES.values())}
                   AS good
        FROM (
            SELECT try_cast("date" AS DATE) AS log_date,
                   CASE WHEN regexp_full_match("time", '[0-9]{{2}}:[0-5][0-9]:[0-5][0-9]')
                        THEN substr("time", 1, 2)::INT * 3600 + substr("time", 4, 2)::INT * 60
                             + substr("time", 7, 2)::INT END AS second_of_day,
                   CASE WHEN try_cast(cik AS DOUBLE) < 1e18 THEN try_cast(cik AS DOUBLE)::BIGINT END AS cik,
                   coalesce(accession, '') AS accession,
                   CASE WHEN extention[1] IN ('-', '.') THEN accession || extention ELSE coalesce(extention, '') END
                        AS document,
                   coalesce(ip, '') AS ip, try_cast(zone AS DOUBLE) AS zone, zone AS zone_text,
                   try_cast(try_cast(code AS DOUBLE) AS INT) AS status, code,
                   try_cast(try_cast(size AS DOUBLE) AS BIGINT) AS size_bytes, size,
                   try_cast(idx AS DOUBLE) = 1 AS is_index, idx, try_cast(crawler AS DOUBLE) = 1 AS is_crawler, crawler,
                   hash({", ".join(f'"{name}"' for name in FIELDS)}) AS line_hash,
                   {", ".join(f'"{name}" AS raw_{name}' for name in FIELDS)}
            FROM read_csv(PATH, auto_detect = false, header = true, delim = ',', quote = '', escape = '',
                          store_rejects = true, rejects_limit = 0,
                          columns = {{{", ".join(f"'{name}': 'VARCHAR'" for name in FIELDS)}}})
        )
    )
"""

_REJECTED = """
    SELECT CASE any_value(error_type) WHEN 'INVALID ENCODING' THEN 'line_is_utf8' ELSE 'line_has_every_field' END AS rules,
           any_value(csv_line) AS "row"
    FROM reject_errors GROUP BY line_byte_position
"""

_SILVER = f"""
    SELECT second_of_day, cik, line_hash, repeat_no, REQUESTED AS requested_at, DATE '{DAY}' AS file_date, accession,
           document, ip, zone, status, size_bytes, is_index, is_crawler, PROVENANCE
    FROM (
        SELECT *, 1::INT AS repeat_no FROM lines WHERE good AND line_hash NOT IN (FROM repeated)
        UNION ALL
        SELECT *, (row_number() OVER (PARTITION BY line_hash))::INT AS repeat_no
        FROM lines WHERE good AND line_hash IN (FROM repeated)
    )
"""

_ADDRESSES = """
    CREATE TEMP TABLE addresses AS
    SELECT second_of_day // 60 AS minute_of_day, ip, count(*) FILTER (NOT is_index) > 25 AS robot,
           bool_or(status = 200 AND NOT is_crawler AND NOT is_index) AND NOT robot AS human
    FROM lines WHERE good AND ip <> '' GROUP BY ALL
"""

_SECONDS = """
    CREATE TEMP TABLE seconds AS
    SELECT second_of_day, cik, count(*) AS visits_all, count(*) FILTER (human) AS visits_human
    FROM judged GROUP BY ALL
"""

_JUDGED = """
    CREATE TEMP VIEW judged AS
    SELECT l.second_of_day, l.cik, l.accession, l.ip,
           l.status = 200 AND NOT l.is_crawler AND NOT l.is_index AND r.ip IS NULL AS human
    FROM lines l LEFT JOIN (FROM addresses WHERE robot) r ON r.ip = l.ip AND r.minute_of_day = l.second_of_day // 60
    WHERE l.good
"""

_GOLD = {
    "visits_second": "SELECT second_of_day, cik, REQUESTED AS second, visits_all, visits_human FROM seconds",
    "visits_total_second": """
        SELECT second_of_day, REQUESTED AS second, sum(visits_all)::BIGINT AS visits_all,
               sum(visits_human)::BIGINT AS visits_human FROM seconds GROUP BY second_of_day""",
    "visits_documents": """
        SELECT cik, accession, sum(visits)::BIGINT AS visits_all, sum(human)::BIGINT AS visits_human,
               count(ip) AS visitors
        FROM (SELECT cik, accession, nullif(ip, '') AS ip, count(*) AS visits, count(*) FILTER (human) AS human
              FROM judged WHERE accession <> '' GROUP BY ALL) GROUP BY cik, accession""",
    "visitors_minute": """
        SELECT minute_of_day, count(*) AS visitors, count(*) FILTER (human) AS visitors_human
        FROM addresses GROUP BY ALL""",
    "visitors_day": """
        SELECT * FROM (SELECT sum(visits_all)::BIGINT AS visits_all, sum(visits_human)::BIGINT AS visits_human,
                              count(DISTINCT cik) AS companies FROM seconds),
                      (SELECT count(*) AS visitors, count(*) FILTER (human) AS visitors_human
                       FROM (SELECT ip, bool_or(human) AS human FROM addresses GROUP BY ip)),
                      (SELECT true AS counts_repeats, 25 AS documents_a_minute)""",
}  # fmt: skip


def run(job: Job) -> RowAccount:
    """Do the work; the account is of what was written."""
    import duckdb

    con = duckdb.connect(config={"temp_directory": str(job.out / "spilled")})
    con.execute("SET TimeZone = 'UTC'")
    requested = f"make_timestamp(({job.midnight} + second_of_day::BIGINT) * 1000000)::TIMESTAMPTZ"

    def sql(text: str) -> str:
        provenance = ", ".join(f"{value} AS {name}" for name, value in job.provenance_sql.items())
        return text.replace("PATH", f"'{job.csv}'").replace("REQUESTED", requested).replace("PROVENANCE", provenance)

    def write(name: str, query: str) -> int:
        target = job.out / f"{name}.parquet"
        con.execute(f"COPY ({sql(query)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
        ((rows,),) = con.execute(f"SELECT count(*) FROM '{target}'").fetchall()
        return int(rows)

    con.execute(sql(_READ))
    con.execute("CREATE TEMP TABLE repeated AS SELECT line_hash FROM lines GROUP BY ALL HAVING count(*) > 1")
    rows_out = write("silver", _SILVER)
    quarantined = write("quarantine", f'SELECT rules, "row" FROM lines WHERE NOT good UNION ALL ({_REJECTED})')
    for text in (_ADDRESSES, _JUDGED, _SECONDS):
        con.execute(sql(text))
    for name, query in _GOLD.items():
        write(name, f"SELECT *, PROVENANCE FROM ({query})")
    counted = "SELECT (SELECT count(*) FROM lines) + (SELECT count(DISTINCT line_byte_position) FROM reject_errors)"
    ((rows_in,),) = con.execute(counted).fetchall()
    return RowAccount(int(rows_in), rows_out, 0, quarantined).check("DuckDB")
