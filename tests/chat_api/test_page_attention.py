"""The attention page in a real browser: it moves, pauses, says what it shows; phone, dark, hostile texts."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from chat_api.live_reader import NO_STREAM
from tests.chat_api import live_feed, small_attention, small_marts
from tests.chat_api.browser import chromium, requested, served, wait_for
from tests.chat_api.conftest import SmallHome
from tests.chat_api.live_feed import Feed

pytestmark = pytest.mark.browser

START = datetime(2026, 11, 20, 13, 58)
HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", ":formatter")
CIKS = [320193, 789019, 1652044, 19617, 34088, 12927, 78003, 4_000_001, *(9_000_000 + n for n in range(12))]


@pytest.fixture(scope="module")
def address(small_home: SmallHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    small_marts.fill(small_home.owner_dsn, HOSTILE)
    small_attention.fill(small_home.owner_dsn, HOSTILE)
    live_feed.clear(small_home.owner_dsn)
    port = small_home.home.move_port("chat")
    with served(small_home.settings, port, tmp_path_factory.mktemp("served") / "chat.log") as address:
        yield address
    live_feed.clear(small_home.owner_dsn)
    small_marts.fill(small_home.owner_dsn)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    with chromium(tmp_path_factory.mktemp("profile"), 1200, 2300) as driver:
        yield driver


def visits(draw: random.Random, clock: datetime) -> dict[int, int]:
    """A second's visits by company, near the band of its second of the day."""
    at = clock.hour * 3600 + clock.minute * 60 + clock.second
    found: dict[int, int] = {}
    for _ in range(round(draw.gauss(small_attention.level(at), small_attention.level(at) ** 0.5 * 1.4))):
        cik = CIKS[min(int(draw.expovariate(0.35)), len(CIKS) - 1)]
        found[cik] = found.get(cik, 0) + 1
    return found


@contextmanager
def moving(owner_dsn: str, already: int = 130, hostile: bool = False) -> Iterator[Feed]:
    """A stream that has two minutes behind it and goes on, a second twice a second."""
    live_feed.clear(owner_dsn)
    feed, draw, stop = Feed(owner_dsn, speed=2.0), random.Random(7), threading.Event()
    feed.begin()
    past = [START + timedelta(seconds=n) for n in range(already)]
    feed.put({clock: visits(draw, clock) for clock in past})
    if hostile:
        feed.put({past[-1]: {9_900_000 + n: 400 for n in range(len(HOSTILE))}})

    def go_on() -> None:
        clock = past[-1]
        while not stop.wait(0.5):
            clock += timedelta(seconds=1)
            feed.put({clock: visits(draw, clock)})

    mover = threading.Thread(target=go_on)
    mover.start()
    try:
        yield feed
    finally:
        stop.set()
        mover.join()
        feed.close()


def text(browser: WebDriver, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def opened(browser: WebDriver, address: str) -> None:
    browser.get(f"{address}/attention")
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "[aria-label='Most visited companies'] tbody tr"))


def clock(browser: WebDriver) -> str:
    return text(browser, ".tm-gauge-row .tm-figure b")


def complaints(browser: WebDriver) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_thermometer_moves_and_says_what_it_shows(browser: WebDriver, address: str, small_home: SmallHome) -> None:
    with moving(small_home.owner_dsn):
        opened(browser, address)
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".tm-moving svg path"))
        before = clock(browser)
        wait_for(lambda: clock(browser) != before, 3)
        assert text(browser, ".tm-live .tm-mark") == "Replay of 20 Nov 2026, simulated"
        page = text(browser, ".tm-live")
        assert "2 ×" in page
        assert text(browser, ".tm-big") in ("quiet", "usual", "busy", "feverish")
        assert "24 weekdays of logs" in page
        assert "above the 95th percentile" in page
        (minute,) = browser.find_elements(By.CSS_SELECTOR, "[aria-label='Most visited: Last minute']")
        assert minute.text.startswith("1\nAAPL\nApple Inc.") or "AAPL Apple Inc." in minute.text
        drawn = browser.find_element(By.CSS_SELECTOR, ".tm-moving").get_attribute("innerHTML")
        wait_for(lambda: browser.find_element(By.CSS_SELECTOR, ".tm-moving").get_attribute("innerHTML") != drawn, 3)
        assert complaints(browser) == []


def test_a_paused_page_stands_still_and_tells_how_far_behind_it_is(
    browser: WebDriver, address: str, small_home: SmallHome
) -> None:
    with moving(small_home.owner_dsn):
        opened(browser, address)
        wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".tm-moving svg path"))
        button = browser.find_element(By.XPATH, "//button[.//text()='Pause']")
        button.send_keys(Keys.ENTER)
        wait_for(lambda: "behind the stream" in text(browser, ".tm-live"))
        still = clock(browser)
        drawn = browser.find_element(By.CSS_SELECTOR, ".tm-moving").get_attribute("innerHTML")
        wait_for(lambda: re.search(r"Paused: ([4-9]|\d\d) s behind", text(browser, ".tm-live")), 10)
        assert clock(browser) == still
        assert browser.find_element(By.CSS_SELECTOR, ".tm-moving").get_attribute("innerHTML") == drawn
        assert button.get_attribute("aria-pressed") == "true"
        button.send_keys(Keys.SPACE)
        wait_for(lambda: clock(browser) != still, 3)
        assert "Paused" not in text(browser, ".tm-live")


def test_the_end_of_a_stream_is_told(browser: WebDriver, address: str, small_home: SmallHome) -> None:
    with moving(small_home.owner_dsn) as feed:
        opened(browser, address)
    ending = Feed(small_home.owner_dsn, stream="edgar-20261120-end", speed=None)
    ending.begin()
    ending.put({START: {320193: 3}, START + timedelta(seconds=1): {320193: 1}})
    wait_for(lambda: "full speed" in text(browser, ".tm-live"))
    ending.end()
    wait_for(lambda: "all of its 4 visits are counted" in text(browser, ".tm-live"))
    ending.close()
    assert feed.rows > 4


def test_without_a_stream_the_page_says_what_to_type(browser: WebDriver, address: str, small_home: SmallHome) -> None:
    live_feed.clear(small_home.owner_dsn)
    opened(browser, address)
    # The stream before it, which is over, may be shown first, and that says what to type as well.
    wait_for(lambda: NO_STREAM in text(browser, ".tm-live"))
    assert "tidemark replay edgar --date 2026-11-20" in text(browser, ".tm-live")
    assert not browser.find_element(By.CSS_SELECTOR, ".tm-moving").is_displayed()


def test_names_and_forms_are_shown_as_text(browser: WebDriver, address: str, small_home: SmallHome) -> None:
    with moving(small_home.owner_dsn, hostile=True):
        opened(browser, address)
        wait_for(lambda: HOSTILE[0] in text(browser, "[aria-label='Most visited: Last minute']"))
        for shown in HOSTILE:
            assert shown in text(browser, "[aria-label='Most visited: Last minute']")
            assert shown in text(browser, "[aria-label='Most visited documents']")
        assert browser.find_elements(By.CSS_SELECTOR, "main td img, main td script, main h2 img") == []
        assert complaints(browser) == []


def test_the_logged_day_shows_its_curve_companies_documents_and_days(
    browser: WebDriver, address: str, small_home: SmallHome
) -> None:
    live_feed.clear(small_home.owner_dsn)
    requested(browser)
    opened(browser, address)
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".tm-curve svg path"))
    page = text(browser, "[aria-label='Logged days']:not(input)")
    for said in ("20 November 2026", "24 weekdays of logs", "10-K", "CIK 4000001", "3 Jan 2017", "61,234"):
        assert said in page, said
    host = address.removeprefix("http://")
    own = (f"http://{host}/", f"ws://{host}/", "data:", "blob:", "chrome:", "about:")
    assert [url for url in requested(browser) if not url.startswith(own)] == []
    assert complaints(browser) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_without_scrolling_sideways(
    address: str, small_home: SmallHome, tmp_path: Path, dark: bool
) -> None:
    with moving(small_home.owner_dsn), chromium(tmp_path / "profile", 380, 800, dark) as phone:
        opened(phone, address)
        wait_for(lambda: phone.find_elements(By.CSS_SELECTOR, ".tm-moving svg path"))
        assert phone.execute_script("return document.documentElement.scrollWidth") <= 380
        assert ("body--dark" in str(phone.find_element(By.TAG_NAME, "body").get_attribute("class"))) is dark
