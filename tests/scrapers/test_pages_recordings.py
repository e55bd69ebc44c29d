"""Every recorded body of the endpoints used is read into contract rows or refused by name, and the values are right."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.contracts import table
from scrapers.errors import Reason
from scrapers.pages import (
    Parsed,
    crumb_or_reason,
    parse_chart,
    parse_news_search,
    parse_posts,
    parse_quotes,
    parse_screener,
    parse_summary,
    parse_tickers,
)
from tests.scrapers.recordings import (
    Recorded,
    quoted_errors,
    vcr_json,
    vcr_yaml,
    yahoo_samples,
    yahoo_zip,
)

SESSION = date(2025, 2, 14)
TICK = datetime(2025, 2, 14, 21, tzinfo=UTC)
REASONS = {str(reason) for reason in Reason}


def check(table_id: str, page: Parsed) -> Parsed:
    """Each element is a row of the contract or has a refusal of the closed list."""
    assert page.rows_in == page.rows.height + len(page.refusals)
    assert {refusal.reason for refusal in page.refusals} <= REASONS
    contract = table(table_id)
    facts = {
        name: kind for name, kind in contract.schema.create_empty().schema.items() if name not in contract.provenance
    }
    assert dict(page.rows.schema) == facts
    return page


def read(record: Recorded) -> tuple[str, Parsed] | None:
    """The page object of a recording's endpoint; None for an endpoint that is not used."""
    if "/v7/finance/quote" in record.path:
        return "quotes", check("silver.quotes", parse_quotes(record.body, SESSION, TICK, record.status))
    if "quoteSummary" in record.path:
        return "summary", check("silver.profiles", parse_summary(record.body, SESSION, record.last, record.status))
    if "/v8/finance/chart/" in record.path:
        interval = "1m" if record.query("interval") == "1m" else "1d"
        page = parse_chart(record.body, interval, record.last, None, record.status)
        check("silver.corporate_actions", page.actions)
        return "chart", check("silver.bars_minute" if interval == "1m" else "silver.bars_daily", page.bars)
    if record.path.endswith("/v1/finance/search"):
        return "search", check("silver.news", parse_news_search(record.body, SESSION, record.query("q"), record.status))
    if "/finance/screener" in record.path:
        return "screener", check("silver.universe", parse_screener(record.body, SESSION, "Energy", record.status))
    return None


def every_page(body: bytes, status: int | None = None) -> dict[str, Parsed]:
    """What each page object makes of one body."""
    return {
        "quotes": check("silver.quotes", parse_quotes(body, SESSION, TICK, status)),
        "summary": check("silver.profiles", parse_summary(body, SESSION, "AAPL", status)),
        "chart": check("silver.bars_daily", parse_chart(body, "1d", None, None, status).bars),
        "screener": check("silver.universe", parse_screener(body, SESSION, "Energy", status)),
        "posts": check("silver.posts", parse_posts(body, status)),
        "tickers": check("silver.sec_tickers", parse_tickers(body, status)),
        "search": check("silver.news", parse_news_search(body, SESSION, "AAPL", status)),
    }


def test_every_recording_of_a_used_endpoint_is_read_or_refused_by_name(shared: Path) -> None:
    bodies: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    refusals: dict[str, Counter[str]] = {}
    for record in (*yahoo_zip(shared), *yahoo_samples(shared)):
        if (found := read(record)) is None:
            continue
        endpoint, page = found
        bodies[endpoint] += 1
        answers[endpoint] += page.refused is None
        rows[endpoint] += page.rows.height
        refusals.setdefault(endpoint, Counter()).update(refusal.reason for refusal in page.refusals)
    assert bodies == {"quotes": 60, "summary": 944, "chart": 32, "screener": 5, "search": 42}
    assert answers == {"quotes": 57, "summary": 235, "chart": 24, "screener": 5, "search": 40}
    assert rows == {"quotes": 43, "summary": 234, "chart": 4184, "screener": 25, "search": 167}
    assert refusals["quotes"] == {
        "empty_result": 3,
        "price_missing": 5,
        "currency_not_usd": 6,
        "not_found": 3,
        "currency_missing": 3,
    }
    assert refusals["summary"] == {
        "no_fundamentals": 356,
        "no_known_module": 350,
        "symbol_mismatch": 1,
        "not_found": 3,
    }
    assert refusals["chart"] == {"empty_window": 2, "currency_not_usd": 6}
    assert refusals["screener"] == {}


def test_recordings_of_other_endpoints_are_refused_by_every_page(shared: Path) -> None:
    seen = 0
    for record in (*yahoo_zip(shared), *yahoo_samples(shared)):
        if not record.url or read(record) is not None:
            continue
        for page in every_page(record.body, record.status).values():
            seen += 1
            assert page.rows.height == 0
            assert page.refusals
    assert seen > 1_000


def named(shared: Path, name: str) -> Recorded:
    return next(record for record in yahoo_samples(shared) if record.name == name)


def test_a_quote_s_values_are_those_of_its_recording(shared: Path) -> None:
    page = parse_quotes(named(shared, "quote-AAPL.json").body, SESSION, TICK)
    row = page.rows.row(0, named=True)
    assert row == {
        "symbol": "AAPL",
        "tick": TICK,
        "session": SESSION,
        "quoted_at": datetime(2025, 2, 14, 21, 0, tzinfo=UTC),
        "price": 244.6,
        "previous_close": 241.53,
        "change": 3.0700073,
        "change_pct": 1.2710667,
        "open": 241.07,
        "day_high": 245.41,
        "day_low": 241.0,
        "volume_shares": 40896227,
        "average_volume_3m_shares": 50443058,
        "market_cap": 3674405863424.0,
        "pe_trailing": 38.763866,
        "eps": 6.31,
        "dividend_yield_pct": 0.41,
        "high_52w": 260.1,
        "low_52w": 164.08,
        "bid": 244.44,
        "ask": 253.37,
    }


def test_a_loss_has_no_price_earnings_ratio(shared: Path) -> None:
    record = next(r for r in yahoo_zip(shared) if r.name == "fixtures/http/quote-BFLY.json")
    row = parse_quotes(record.body, SESSION, TICK).rows.row(0, named=True)
    assert (row["eps"], row["pe_trailing"]) == (-0.47, None)


def test_a_profile_s_values_are_those_of_its_recordings(shared: Path) -> None:
    about = parse_summary(named(shared, "quoteSummary-assetProfile-AAPL.json").body, SESSION, "AAPL").rows.row(
        0, named=True
    )
    assert (about["address"], about["city"], about["country"]) == ("One Apple Park Way", "Cupertino", "United States")
    assert (about["sector"], about["industry"], about["employees"]) == ("Technology", "Consumer Electronics", 150000)
    price = parse_summary(named(shared, "quoteSummary-price-AAPL.json").body, SESSION, "AAPL").rows.row(0, named=True)
    assert (price["name"], price["exchange"], price["currency"]) == ("Apple Inc.", "NasdaqGS", "USD")
    detail = parse_summary(named(shared, "quoteSummary-summaryDetail-AAPL.json").body, SESSION, "AAPL").rows
    row = detail.row(0, named=True)
    assert (row["beta"], row["forward_dividend"], row["ex_dividend_date"]) == (1.2, 1.0, date(2025, 2, 10))
    record = next(r for r in yahoo_zip(shared) if r.name == "fixtures/http/quoteSummary-calendarEvents-AAPL.json")
    calendar = parse_summary(record.body, SESSION, "AAPL").rows.row(0, named=True)
    assert calendar["earnings_at"] == datetime(2025, 4, 30, 10, 59, tzinfo=UTC)


def test_a_company_in_pence_keeps_its_description_and_no_money(shared: Path) -> None:
    record = named(shared, "quoteSummary-all-OCDO.L.json")
    row = parse_summary(record.body, SESSION, "OCDO.L").rows.row(0, named=True)
    assert row["currency"] == "GBp"
    assert row["name"] is not None
    assert (row["target_1y"], row["forward_dividend"]) == (None, None)


def test_a_chart_s_bars_and_events_are_those_of_its_recording(shared: Path) -> None:
    record = named(shared, "chart-AAPL-2020-08-31-to-2020-11-07.json")
    page = parse_chart(record.body, "1d", "AAPL")
    assert page.bars.rows.height == 49
    first = page.bars.rows.row(0, named=True)
    assert first["session"] == date(2020, 8, 31)
    assert first["close"] == 129.0399932861328
    assert first["source_adj_close"] == 125.82673645019531
    assert (first["basis"], first["origin"], first["year"]) == ("split_adjusted", "yahoo_chart", 2020)
    assert page.bars.rows["session"].max() == date(2020, 11, 6)
    actions = page.actions.rows.sort("date").select("date", "kind", "amount").rows()
    assert actions == [(date(2020, 8, 31), "split", 4.0), (date(2020, 11, 6), "dividend", 0.205)]


def test_a_year_of_bars_has_every_session(shared: Path) -> None:
    page = parse_chart(named(shared, "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json").body)
    assert page.bars.rows.height == 252
    assert page.bars.rows["session"].is_sorted()
    assert page.actions.rows["amount"].to_list() == pytest.approx([0.56, 0.56, 0.56, 0.62])


def test_minutes_outside_the_session_are_refused_by_name(shared: Path) -> None:
    page = parse_chart(named(shared, "chart-AMZN-1m-recorded-trim.json").body, "1m", "AMZN")
    assert page.bars.rows.height == 5
    assert page.bars.rows["minute"].max() == datetime(2023, 5, 2, 19, 59, tzinfo=UTC)
    assert [refusal.reason for refusal in page.bars.refusals] == ["closing_print"]
    pence = parse_chart(named(shared, "chart-BARC.L-1m-nulls-2017.json").body, "1m", "BARC.L")
    assert pence.bars.refused is Reason.CURRENCY_NOT_USD
    weekend = named(shared, "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json")
    assert parse_chart(weekend.body, "1m", "AAPL").bars.refused is Reason.EMPTY_WINDOW


def test_a_futures_chart_s_last_row_is_partial(shared: Path) -> None:
    body = (shared / "data/yahoo/other_chart_v8_BZF_2026.json").read_bytes()
    page = parse_chart(body, "1d", "BZ=F")
    assert (page.bars.rows.height, [r.reason for r in page.bars.refusals]) == (22, ["partial_bar"])


def test_a_saved_screener_s_rows_are_ranked_as_they_stand(shared: Path) -> None:
    page = parse_screener(named(shared, "screener-aggressive_small_caps.json").body, SESSION, "Energy")
    assert page.total == 314
    assert page.rows["rank"].to_list() == [1, 2, 3, 4, 5]
    assert page.rows["name"].null_count() == 0
    assert page.rows["market_cap"].null_count() == 0


def test_errors_as_users_quoted_them_are_named(shared: Path) -> None:
    found = [
        (record.status, str(parse_quotes(record.body, SESSION, TICK, record.status).refused))
        for record in quoted_errors(shared)
    ]
    assert found == [
        (401, "crumb_invalid"),
        (401, "crumb_invalid"),
        (429, "throttled"),
        (429, "throttled"),
        (404, "not_found"),
        (200, "unexpected_shape"),
        (200, "unexpected_shape"),
    ]
    crumbs = [crumb_or_reason(record.body, record.status) for record in quoted_errors(shared)]
    assert all(isinstance(crumb, Reason) for crumb in crumbs)


def test_recorded_crumbs_and_consent_pages(shared: Path) -> None:
    records = [*yahoo_zip(shared), *yahoo_samples(shared)]
    crumbs = [crumb_or_reason(r.body, r.status) for r in records if "getcrumb" in r.path]
    assert crumbs == ["haT3oykhHqZ", "CRUMBCRUMBX", "haT3oykhHqZ"]
    forms = [r for r in records if "collectConsent" in r.url and r.status == 200 and r.body]
    assert len(forms) == 2
    for form in forms:
        assert {str(page.refused) for page in every_page(form.body, form.status).values()} == {"consent_page"}
        assert crumb_or_reason(form.body, form.status) is Reason.CONSENT_PAGE


def test_pages_and_normalised_output_are_refused_by_name(shared: Path) -> None:
    folder = shared / "data/yahoo"
    for path in sorted((folder / "financequery_2026_normalised").iterdir()):
        found_by = {name: str(page.refused) for name, page in every_page(path.read_bytes()).items()}
        if path.name == "search.json":
            # The search's own form, without a story.
            assert found_by.pop("search") == "None"
        assert set(found_by.values()) == {"unexpected_shape"}, path.name
    for path in sorted((folder / "html_quote_2020-06").iterdir()):
        assert {str(p.refused) for p in every_page(path.read_bytes()).values()} == {"html_instead_of_json"}, path.name
    found: Counter[str] = Counter()
    for path in sorted((folder / "html_cassettes_2022").iterdir()):
        for record in vcr_yaml(path):
            for page in every_page(record.body, record.status).values():
                assert page.rows.height == 0
                found[str(page.refused)] += 1
    assert set(found) == {"unexpected_shape", "html_instead_of_json", "redirected", "maintenance_page", "not_found"}


def test_recorded_search_pages_of_x(shared: Path) -> None:
    folder = shared / "data/tweets/x_api_v2_cassettes"
    for name in ("test_client_search_recent_tweets.yaml", "test_client_search_all_tweets.yaml"):
        (record,) = vcr_yaml(folder / name)
        page = check("silver.posts", parse_posts(record.body, record.status))
        # They were asked for without fields, so each post lacks what the contract needs.
        assert (page.refused, page.rows_in, page.rows.height) == (None, 10, 0)
        assert {refusal.reason for refusal in page.refusals} == {"time_missing"}
        assert page.next_token is not None
    (counts,) = vcr_yaml(folder / "test_client_get_recent_tweets_count.yaml")
    assert parse_posts(counts.body, counts.status).refused is Reason.UNEXPECTED_SHAPE
    for record in vcr_json(folder / "v1.1_testsearchtweets.json"):
        assert parse_posts(record.body, record.status).refused is Reason.API_V1_1
    quickstart = parse_posts((shared / "data/sources_samples/x/search_recent.json").read_bytes())
    assert [refusal.reason for refusal in quickstart.refusals] == ["no_tag"]


def test_posts_in_other_forms_are_refused_by_name(shared: Path) -> None:
    for path in sorted((shared / "data/tweets").rglob("*")):
        if path.suffix in (".csv", ".parquet", ".zip"):
            assert parse_posts(path.read_bytes()).refused is Reason.NOT_JSON, path.name


def test_lines_of_v1_1_statuses_are_refused_by_name(shared: Path) -> None:
    from zipfile import ZipFile

    with ZipFile(shared / "data/tweets/stocknet_raw_XOM_2015Q1.zip") as archive:
        days = [name for name in archive.namelist() if not name.endswith("/")]
        found = {str(parse_posts(archive.read(name)).refused) for name in days}
    assert found == {"api_v1_1"}


def test_sec_s_two_forms_of_the_ticker_mapping(shared: Path) -> None:
    folder = shared / "data/sources_samples/sec"
    plain = check("silver.sec_tickers", parse_tickers((folder / "company_tickers_shape.json").read_bytes()))
    assert plain.rows.rows() == [("NVDA", 1045810, "NVIDIA CORP", None)]
    exchange = check("silver.sec_tickers", parse_tickers((folder / "company_tickers_exchange_shape.json").read_bytes()))
    assert exchange.rows.rows() == [("NVDA", 1045810, "NVIDIA CORP", "Nasdaq")]
    assert isinstance(exchange.rows, pl.DataFrame)


def test_the_crsp_form_reproduces_the_source_s_own_adjusted_close(shared: Path) -> None:
    from scrapers.gold import bars_gold

    record = named(shared, "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json")
    page = parse_chart(record.body)
    seen = [
        pl.lit(datetime(2022, 2, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("observed_at"),
        pl.lit("run-1").alias("_run_id"),
        pl.lit("0" * 64).alias("_payload_sha256"),
    ]
    gold = bars_gold(page.bars.rows.with_columns(seen), page.actions.rows.with_columns(seen))
    both = gold.join(page.bars.rows.select("session", "source_adj_close"), on="session").sort("session")
    # The source has taken off dividends after the window too: one factor over all of it.
    ratio = both["adj_close"] / both["source_adj_close"]
    assert ratio.max() == pytest.approx(ratio.min(), rel=2e-5)
    assert both["dividend"].sum() == pytest.approx(0.56 * 3 + 0.62)
