"""Where sources are, how fast they may be asked, what they are told, and what is stripped from an address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from scrapy.http import Response

from lake.home import Home
from lake.settings import load_settings
from scrapers.errors import SourceSettingsError
from scrapers.live import source_of
from scrapers.middlewares import retry_after
from scrapers.spiders.edgar import log_kind, log_path
from scrapers.spool import asked_for, request_text, without_secrets
from scrapers.urls import SLOTS, agents, limits, source_urls


def test_a_simulated_home_asks_its_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_PORT_SANDBOX", "8123")
    settings = load_settings(home=tmp_path / "home")
    urls = source_urls(settings, Home.open(settings))
    assert urls.base("query1") == "http://127.0.0.1:8123/query1"
    assert urls.base("cookie") == "http://127.0.0.1:8123/fc/"
    assert {limit["delay"] for limit in limits(settings, urls).values()} == {0.0}
    assert "@" in agents(settings, urls)["sec"]


def test_a_simulated_home_is_not_pointed_at_a_live_site(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", yahoo_query1_url="https://query1.finance.yahoo.com")
    with pytest.raises(SourceSettingsError, match="TIDEMARK_YAHOO_QUERY1_URL=https://query1"):
        source_urls(settings, Home.open(settings))


def test_a_real_home_is_never_fed_from_the_sandbox(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", world="real", source_sec="live", accept_terms="sec")
    urls = source_urls(settings, Home.open(settings))
    assert urls.base("sec") == "https://www.sec.gov"
    with pytest.raises(SourceSettingsError, match="TIDEMARK_SOURCE_X is not 'live'"):
        urls.base("x")
    with pytest.raises(SourceSettingsError, match="TIDEMARK_CONTACT"):
        agents(settings, urls)
    named = load_settings(home=tmp_path / "home", contact="Jo Doe jo@example.org", sec_requests_per_second=8)
    assert agents(named, urls)["sec"] == "Jo Doe jo@example.org"
    assert limits(named, urls)["sec"]["delay"] == 0.125


def test_each_live_source_is_chosen_alone_and_by_its_terms(tmp_path: Path) -> None:
    home = Home.open(load_settings(home=tmp_path / "home", world="real"))
    chosen = load_settings(home=home.root, source_yahoo="live")
    with pytest.raises(SourceSettingsError, match=r"forbid automated collection.*TIDEMARK_ACCEPT_TERMS=yahoo says"):
        source_urls(chosen, home)
    accepted = load_settings(home=home.root, source_yahoo="live", accept_terms="yahoo")
    urls = source_urls(accepted, home)
    assert urls.base("query1") == "https://query1.finance.yahoo.com"
    assert (urls.x, urls.sec) == (None, None)
    own = load_settings(
        home=home.root, source_yahoo="live", accept_terms="yahoo", yahoo_query1_url="http://127.0.0.1:9"
    )
    assert source_urls(own, home).base("query1") == "http://127.0.0.1:9"
    # An address alone asks nobody.
    assert source_urls(load_settings(home=home.root, sec_url="https://www.sec.gov"), home).sec is None


def test_every_slot_belongs_to_a_source_with_a_setting(tmp_path: Path) -> None:
    for slot in SLOTS:
        assert getattr(load_settings(home=tmp_path), f"source_{source_of(slot).name}") == "files"
        assert source_of(slot).terms


def test_secrets_leave_an_address() -> None:
    url = "https://u:p@q.example/v7?symbols=A,B&crumb=x%2Fy&apikey=k&token=t&a="
    assert without_secrets(url) == "https://q.example/v7?symbols=A,B&a="


def test_a_request_text_says_what_was_asked() -> None:
    asked = {"symbol": "BRK-B", "interval": "1d", "tag": "a b&c"}
    text = request_text("bars", asked)
    assert text.startswith("bars?interval=1d&symbol=BRK-B")
    assert asked_for(text) == asked


def reply(status: int = 429, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response("http://127.0.0.1/", status=status, headers=named)


def test_how_long_a_source_wants_to_be_left_alone() -> None:
    assert retry_after(reply(Retry_After="7")) == 7
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (retry_after(reply(Retry_After=soon)) or 0) <= 60
    assert retry_after(reply(Retry_After="soon")) is None
    assert retry_after(reply()) is None
    reset = str(int(datetime.now(UTC).timestamp()) + 100)
    assert 90 < (retry_after(reply(x_rate_limit_reset=reset)) or 0) <= 100
    assert retry_after(reply(200, x_rate_limit_reset=reset)) is None


def test_where_edgar_s_logs_are_and_which_form_they_have() -> None:
    day = datetime(2016, 5, 3, tzinfo=UTC).date()
    assert log_path(day) == "/dera/data/Public-EDGAR-log-file-data/2016/Qtr2/log20160503.zip"
    assert log_kind(day) == "edgar_log_v1"
    assert log_kind(day.replace(year=2026)) == "edgar_log_v2"
    with pytest.raises(ValueError, match="no EDGAR logs between"):
        log_kind(day.replace(year=2018))
