"""The sandbox's SEC: logs of both forms, what is not there, who is refused, and the planted day."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from lake.clock import Clock
from scrapers.sandbox.app import build_app
from scrapers.sandbox.edgar_log import frames, write_log
from scrapers.sandbox.state import Sandbox
from scrapers.sandbox.world import companies, visits
from scrapers.sandbox.world.filers import PLANTED_DAY, PLANTED_FACTOR, PLANTED_SYMBOL

AGENT = "Tidemark Tests tests@example.com"
V1_HEADER = "ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser"
ROWS = 20_000
LOGS = "/sec/dera/data/Public-EDGAR-log-file-data"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    sandbox = Sandbox(
        seed=7,
        per_sector=20,
        edgar_rows=2_000,
        posts_per_day=100,
        tags=("nifty50",),
        # Saturday evening in New York: Friday's log is there, Saturday's is not.
        clock=Clock(start=datetime(2026, 11, 22, 1, tzinfo=UTC), frozen=True),
        files=tmp_path / "logs",
    )
    with TestClient(build_app(sandbox), headers={"user-agent": AGENT}) as made:
        yield made


def _path(day: date) -> str:
    return f"{LOGS}/{day.year}/Qtr{(day.month + 2) // 3}/log{day:%Y%m%d}.zip"


def _log(tmp_path: Path, day: date, rows: int = ROWS, seed: int = 7) -> bytes:
    path = tmp_path / "log.zip"
    write_log(path, seed, 100, day, rows)
    return _csv(path.read_bytes())


def _csv(packed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        assert len(names) == 2
        assert "README.txt" in names
        return archive.read(next(name for name in names if name.endswith(".csv")))


def _frame(raw: bytes) -> pl.DataFrame:
    return pl.read_csv(raw, infer_schema=False, quote_char=None)


def test_the_first_form(tmp_path: Path) -> None:
    day = date(2017, 6, 30)
    raw = _log(tmp_path, day)
    assert raw.split(b"\n", 1)[0].decode() == V1_HEADER
    frame = _frame(raw)
    assert frame.height == ROWS
    assert frame["date"].unique().to_list() == ["2017-06-30"]
    assert frame["time"].is_sorted()
    assert frame["ip"].str.contains(r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.[a-j]{3}$").all()
    assert frame["cik"].str.contains(r"^\d+\.0$").all()
    assert frame["accession"].str.contains(r"^\d{10}-\d{2}-\d{6}$").all()
    index = frame["extention"].str.starts_with("-index")
    assert ((frame["idx"] == "1.0") == index).all()
    assert ((frame["code"] != "404.0") | (frame["crawler"] == "1.0")).all()
    assert frame["zone"].unique().to_list() == ["0.0"]
    assert _frame(_log(tmp_path, date(2004, 3, 1)))["zone"].unique().to_list() == ["500.0"]


@pytest.mark.parametrize(("day", "column"), [(date(2020, 5, 19), "_time"), (date(2026, 11, 20), "time")])
def test_the_second_form(tmp_path: Path, day: date, column: str) -> None:
    frame = _frame(_log(tmp_path, day))
    assert frame.columns == [column, "uri_path"]
    assert frame.height == ROWS
    assert frame[column].str.slice(0, 10).unique().to_list() == [day.isoformat()]
    assert frame[column].is_sorted()
    filings = frame["uri_path"].str.extract_groups(r"^/Archives/edgar/data/(\d+)/(\d{18})/").struct.unnest()
    assert filings["1"].is_not_null().mean() > 0.98
    assert frame["uri_path"].str.starts_with("/cgi-bin/").any()


def test_the_form_is_that_of_the_recorded_rows(tmp_path: Path, shared: Path) -> None:
    recorded = (shared / "data/sources_samples/sec/log20170101_rows.csv").read_text().splitlines()
    ours = _log(tmp_path, date(2017, 1, 1)).decode().splitlines()
    assert ours[0] == recorded[0]
    kinds = [
        ["." in cell and cell.replace(".", "").isdigit() for cell in row] for row in csv.reader([recorded[1], ours[1]])
    ]
    assert kinds[0] == kinds[1]


def test_statistics_are_those_of_a_real_day(tmp_path: Path, shared: Path) -> None:
    with zipfile.ZipFile(shared / "data/edgar_logs/log20170101_subset_cs320.zip") as archive:
        real = _frame(archive.read("jan1.csv"))
    ours = _frame(_log(tmp_path, date(2017, 1, 1), 60_000))

    def share(frame: pl.DataFrame, condition: pl.Expr) -> float:
        return float(frame.select(condition.mean()).item())

    for condition, slack in (
        (pl.col("idx") == "1.0", 0.12),
        (pl.col("code") == "200.0", 0.05),
        (pl.col("code") == "301.0", 0.05),
        (pl.col("extention") == ".txt", 0.2),
        (pl.col("noagent") == "1.0", 0.03),
        (pl.col("find") == "10.0", 0.03),
    ):
        assert share(ours, condition) == pytest.approx(share(real, condition), abs=slack)
    for frame in (real, ours):
        visitors = frame["ip"].value_counts(sort=True)["count"]
        filers = frame["cik"].value_counts(sort=True)["count"]
        # A few programs do most of it, and most filers are looked up once or twice.
        assert visitors.head(20).sum() > 0.3 * frame.height
        assert filers.median() <= 2
        assert 0.002 < filers.max() / frame.height < 0.05
        assert frame["time"].str.slice(0, 2).n_unique() == 24


def test_the_day_s_curve_the_companies_and_the_bursts_are_those_of_a_real_day(shared: Path) -> None:
    with zipfile.ZipFile(shared / "data/edgar_logs/log20170101_subset_cs320.zip") as archive:
        real = _frame(archive.read("jan1.csv"))
    pieces = frames(7, 100, date(2017, 1, 1), real.height)
    ours = pl.concat([piece.select(pl.col("ip", "time"), pl.col("cik").cast(pl.String)) for piece in pieces])

    def hours(frame: pl.DataFrame) -> pl.Series:
        return frame.group_by(pl.col("time").str.head(2)).len().sort("time")["len"] / frame.height

    def of_the_busiest(frame: pl.DataFrame, column: str, count: int) -> float:
        return float(frame[column].value_counts(sort=True)["count"].head(count).sum() / frame.height)

    def within_bursts(frame: pl.DataFrame, least: int) -> float:
        minutes = frame.group_by("ip", pl.col("time").str.head(5)).len()["len"]
        return float(minutes.filter(minutes > least).sum() / frame.height)

    # Of all requests, no more than one in seven comes in another hour.
    assert float((hours(ours) - hours(real)).abs().sum()) / 2 < 0.14
    for column, count, slack in (
        ("ip", 1, 0.05),
        ("ip", 20, 0.1),
        ("cik", 1, 0.02),
        ("cik", 100, 0.08),
        ("cik", 1000, 0.12),
    ):
        assert of_the_busiest(ours, column, count) == pytest.approx(of_the_busiest(real, column, count), abs=slack)
    for column in ("ip", "cik"):
        assert 0.4 < ours[column].n_unique() / real[column].n_unique() < 2.5
    # Requests by an address in a minute in which it asked for more than 10, 25 or 60 documents.
    for least, slack in ((10, 0.06), (25, 0.015), (60, 0.015)):
        assert within_bursts(ours, least) == pytest.approx(within_bursts(real, least), abs=slack)


def test_some_lines_are_there_twice(tmp_path: Path) -> None:
    frame = _frame(_log(tmp_path, date(2026, 11, 19)))
    repeats = frame.height - frame.unique().height
    assert 5 < repeats < 0.01 * frame.height


def test_visits_are_to_companies_of_the_world_and_to_others(tmp_path: Path) -> None:
    frame = _frame(_log(tmp_path, date(2026, 11, 19)))
    ciks = frame["uri_path"].str.extract(r"/data/(\d+)/").drop_nulls().cast(pl.Int64)
    known = {company.cik for company in companies.everyone(7, 100)}
    share = ciks.is_in(list(known)).mean()
    assert isinstance(share, float)
    assert 0.3 < share < 0.6
    # A company that was not there in 2003 was not looked up either.
    young = companies.find(7, "PLTR", 100)
    assert young is not None
    old = _frame(_log(tmp_path, date(2003, 2, 3)))
    assert f"{young.cik}.0" not in set(old["cik"])


def test_the_planted_day_has_ten_times_the_visits(tmp_path: Path) -> None:
    company = companies.find(7, PLANTED_SYMBOL, 100)
    assert company is not None
    days = [PLANTED_DAY - timedelta(days=n) for n in range(8)]
    counts = []
    for day in days:
        parts = [part.cik == company.cik for part in visits.visits(7, 100, day, 100_000)]
        counts.append(int(sum(part.sum() for part in parts)))
    assert counts[0] / np.median(counts[1:]) == pytest.approx(PLANTED_FACTOR, rel=0.35)
    # … and nobody else has.
    other = companies.find(7, "MSFT", 100)
    assert other is not None
    usual = [
        int(sum((part.cik == other.cik).sum() for part in visits.visits(7, 100, day, 100_000))) for day in days[:3]
    ]
    assert usual[0] < 1.6 * max(usual[1:])


def test_a_day_is_the_same_whenever_and_however_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _log(tmp_path, date(2026, 11, 20))
    _log(tmp_path, date(2010, 1, 5))
    assert _log(tmp_path, date(2026, 11, 20)) == first
    assert _log(tmp_path, date(2026, 11, 20), seed=8) != first
    assert _log(tmp_path, date(2026, 11, 19)) != first
    monkeypatch.setattr(visits, "_PIECE_ROWS", 3_000)
    assert len(list(visits.visits(7, 100, date(2026, 11, 20), ROWS))) > 3
    assert _log(tmp_path, date(2026, 11, 20)) == first


@pytest.mark.parametrize(
    ("day", "there"),
    [
        (date(2002, 12, 31), False),
        (date(2003, 1, 1), True),
        (date(2017, 6, 30), True),
        (date(2017, 7, 1), False),
        (date(2020, 5, 18), False),
        (date(2020, 5, 19), True),
        (date(2026, 11, 20), True),
        (date(2026, 11, 21), False),
        (date(2027, 1, 4), False),
    ],
)
def test_which_days_there_are(client: TestClient, day: date, there: bool) -> None:
    reply = client.get(_path(day))
    assert reply.status_code == (200 if there else 404)
    assert not there or _frame(_csv(reply.content)).height == 2_000


@pytest.mark.parametrize(
    "path",
    [
        f"{LOGS}/2026/Qtr3/log20261120.zip",
        f"{LOGS}/2025/Qtr4/log20261120.zip",
        f"{LOGS}/2026/Qtr4/log20261131.zip",
        f"{LOGS}/2026/Qtr4/log.zip",
    ],
)
def test_wrong_addresses_are_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_part_of_a_log_can_be_had(client: TestClient) -> None:
    path = _path(date(2026, 11, 20))
    whole = client.get(path).content
    part = client.get(path, headers={"range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.content == whole[100:300]
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole)}"
    rest = client.get(path, headers={"range": f"bytes={len(whole) - 10}-"})
    assert rest.content == whole[-10:]


@pytest.mark.parametrize(
    ("agent", "allowed"),
    [
        (AGENT, True),
        ("Jane Doe jane.doe@example.org", True),
        ("Mozilla/5.0 (compatible; Tidemark/0.1; +https://example.com)", False),
        ("jane@example.org", False),
        ("Scrapy/2.19 (+https://scrapy.org)", False),
        ("", False),
    ],
)
def test_who_does_not_say_who_it_is_is_refused(client: TestClient, agent: str, allowed: bool) -> None:
    for path in (
        _path(date(2026, 11, 20)),
        "/sec/files/company_tickers.json",
        "/sec/files/company_tickers_exchange.json",
    ):
        reply = client.get(path, headers={"user-agent": agent})
        assert reply.status_code == (200 if allowed else 403)
        assert allowed or "Undeclared Automated Tool" in reply.text


def test_ticker_files_have_the_sec_s_form(client: TestClient, shared: Path) -> None:
    samples = shared / "data/sources_samples/sec"
    exchange = client.get("/sec/files/company_tickers_exchange.json").json()
    assert exchange["fields"] == json.loads((samples / "company_tickers_exchange_shape.json").read_text())["fields"]
    rows = {row[2]: row for row in exchange["data"]}
    assert rows["NVDA"] == [1045810, "NVIDIA CORP", "NVDA", "Nasdaq"]
    assert rows["JPM"][3] == "NYSE"
    plain = client.get("/sec/files/company_tickers.json").json()
    recorded = json.loads((samples / "company_tickers_shape.json").read_text())
    assert plain["0"].keys() == recorded["0"].keys()
    assert {row["ticker"]: row["cik_str"] for row in plain.values()} == {symbol: row[0] for symbol, row in rows.items()}


def test_typed_keys_are_the_sec_s(shared: Path) -> None:
    """The CIKs of well-known companies, typed by hand, against the SEC's own mappings of two years."""
    mapped: dict[str, set[int]] = {}
    frame = pl.read_csv(shared / "data/fundamentals/sec_cik_ticker_mappings_2025-02-28.csv", infer_schema=False)
    for cik, ticker in frame.select("CIK", "Ticker").iter_rows():
        mapped.setdefault(ticker, set()).add(int(cik))
    listed = [company for known in companies.listed(7).values() for company in known]
    assert len(listed) > 25 * 11
    checked = 0
    for company in listed:
        # Barrick took over the ticker B after these mappings were made.
        if company.cik and company.symbol in mapped and company.symbol != "B":
            assert company.cik in mapped[company.symbol], company.symbol
            checked += 1
    assert checked > 0.9 * len(listed)
    assert max(max(ciks) for ciks in mapped.values()) < companies.FICTIONAL_CIK_FROM
    real = {ticker for ticker in mapped if ticker.startswith(companies.FICTIONAL_PREFIX)}
    assert not {ticker for ticker in real if companies.find(7, ticker, 1000)}
