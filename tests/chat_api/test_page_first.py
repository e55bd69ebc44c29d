"""The first page in a real browser: ask and read; hostile texts stay texts; phone, dark, keyboard; nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from tests.chat_api import small_marts
from tests.chat_api.attack_corpus import attacks
from tests.chat_api.browser import chromium, requested, served, wait_for
from tests.chat_api.conftest import SmallHome
from tests.conftest import SHARED

pytestmark = pytest.mark.browser

# Beside the corpus: what ends a script, a template, an attribute, a comment.
OWN = (
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "${alert(4)}",
    "<!-- --> <b>bold</b>",
    "javascript:alert(5)",
    ":formatter",
    "a\u202eb",
)


def hostile() -> list[str]:
    """Every stored text of the corpus and our own."""
    corpus = [a.payload for c in ("DATA-", "UI-") for a in attacks(SHARED, c)] if SHARED.exists() else []
    return [*corpus, *OWN]


@pytest.fixture(scope="module")
def address(small_home: SmallHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    small_marts.fill(small_home.owner_dsn, hostile())
    with served(
        small_home.settings, small_home.home.move_port("chat"), tmp_path_factory.mktemp("served") / "chat.log"
    ) as address:
        yield address
    small_marts.fill(small_home.owner_dsn)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def opened(browser: WebDriver, address: str) -> None:
    browser.get(f"{address}/")
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "main h2"))
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".tm-chip"))


def answers(browser: WebDriver) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, ".tm-answers article")


def ask(browser: WebDriver, question: str) -> WebElement:
    """Type a question and press Enter; the newest answer stands on top."""
    before = len(answers(browser))
    browser.find_element(By.CSS_SELECTOR, "input[aria-label=Question]").send_keys(question, Keys.ENTER)
    wait_for(lambda: len(answers(browser)) > before)
    return answers(browser)[0]


def no_alert(browser: WebDriver) -> None:
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text


def complaints(browser: WebDriver) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_ask_and_get_sentence_table_chart_csv_and_the_simulated_mark(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    mark = browser.find_element(By.CSS_SELECTOR, "header .tm-mark")
    assert (mark.text, mark.is_displayed()) == ("Simulated data", True)
    answer = ask(browser, "top 3 gainers in Technology")
    wait_for(lambda: answer.find_elements(By.CSS_SELECTOR, "svg, canvas"))
    assert "%" in answer.find_element(By.CSS_SELECTOR, ".tm-sentence").text
    assert len(answer.find_elements(By.CSS_SELECTOR, "tbody tr")) == 3
    assert "16:00 New York" in answer.text
    assert "Simulated data" in answer.text
    assert answer.find_element(By.LINK_TEXT, "Download CSV").get_attribute("href").startswith(f"{address}/api/answers/")  # type: ignore[union-attr]
    answer.find_element(By.XPATH, ".//*[text()='SQL']").click()
    wait_for(lambda: answer.find_element(By.CSS_SELECTOR, "pre").text.startswith(("SELECT", "WITH")))
    assert complaints(browser) == []


def test_a_question_back_is_answered_by_a_button(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    answer = ask(browser, "Alphabet price")
    buttons = answer.find_elements(By.CSS_SELECTOR, ".tm-choice")
    assert len(buttons) >= 2
    buttons[0].click()
    wait_for(lambda: len(answers(browser)) == 2)
    assert answers(browser)[0].find_elements(By.CSS_SELECTOR, "tbody tr")


def test_every_example_question_is_answered(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    count = len(browser.find_elements(By.CSS_SELECTOR, ".tm-chip"))
    assert count >= 3
    for n in range(count):
        browser.find_elements(By.CSS_SELECTOR, "section .tm-chips > .tm-chip")[n].click()
        wait_for(lambda n=n: len(answers(browser)) == n + 1)
        assert answers(browser)[0].find_elements(By.CSS_SELECTOR, "pre, tbody tr"), answers(browser)[0].text


def test_stored_texts_are_shown_literally_and_nothing_runs(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    browser.execute_script("window.ran = 0; window.alert = () => { window.ran += 1 }")
    texts = hostile()
    for n in range(0, len(texts), 6):
        answer = ask(
            browser, ", ".join(small_marts.ticker("HX", k) for k in range(n, min(n + 6, len(texts)))) + " price"
        )
        wait_for(lambda answer=answer: answer.find_elements(By.CSS_SELECTOR, "tbody tr"))
        shown = browser.execute_script(
            "return [...arguments[0].querySelectorAll('tbody td')].map(cell => cell.textContent)", answer
        )
        for text in texts[n : n + 6]:
            assert text in shown, text
        assert answer.find_elements(By.CSS_SELECTOR, "script, td img, td b, td svg, iframe") == []
    assert browser.execute_script("return window.ran") == 0
    no_alert(browser)
    assert complaints(browser) == []


def test_headlines_lead_to_addresses_of_the_web_alone(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    browser.execute_script("window.ran = 0; window.alert = () => { window.ran += 1 }")
    shown = ask(browser, "headlines about hostile texts")
    wait_for(lambda: shown.find_elements(By.CSS_SELECTOR, "tbody tr"))
    assert shown.find_elements(By.CSS_SELECTOR, "script, td img, td b, td svg, td a") == []
    cells = browser.execute_script(
        "return [...arguments[0].querySelectorAll('tbody td')].map(c => c.textContent)", shown
    )
    assert "javascript:alert(0)" in cells
    about = ask(browser, "news about Apple")
    wait_for(lambda: about.find_elements(By.CSS_SELECTOR, "tbody td a"))
    (card,) = browser.find_elements(By.CSS_SELECTOR, "[aria-label='Latest headlines']")
    for link in (*about.find_elements(By.CSS_SELECTOR, "td a"), *card.find_elements(By.CSS_SELECTOR, "a")):
        assert (link.get_attribute("href") or "").startswith("https://news.example.com/")
        assert "noopener" in (link.get_attribute("rel") or "")
    assert card.find_elements(By.CSS_SELECTOR, "script, img, b, svg") == []
    assert browser.execute_script("return window.ran") == 0
    no_alert(browser)


def test_stored_texts_in_a_chart_are_labels(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    browser.execute_script(
        "window.ran = 0; window.alert = () => { window.ran += 1 }; window.fetch = () => { window.ran += 1 }"
    )
    answer = ask(browser, "average market cap by industry")
    drawn = wait_for(lambda: answer.find_elements(By.CSS_SELECTOR, "svg text"))
    labels = [text.get_attribute("textContent") or "" for text in drawn]
    assert any(label.startswith('{"tooltip"') for label in labels), labels
    assert any(label.startswith("<script>") for label in labels), labels
    assert answer.find_elements(By.CSS_SELECTOR, "svg script, svg foreignObject, script, img") == []
    assert browser.execute_script("return window.ran") == 0
    no_alert(browser)


def test_a_hostile_question_is_shown_literally(browser: WebDriver, address: str) -> None:
    opened(browser, address)
    for text in ("<img src=x onerror=alert(1)>", "{{constructor.constructor('alert(1)')()}}"):
        answer = ask(browser, text)
        assert answer.find_element(By.CSS_SELECTOR, ".tm-question").text == text
        assert answer.find_elements(By.CSS_SELECTOR, "img") == []
    no_alert(browser)


def test_everything_comes_from_this_address(browser: WebDriver, address: str) -> None:
    requested(browser)
    opened(browser, address)
    ask(browser, "top 3 gainers in Technology")
    host = address.removeprefix("http://")
    own = (f"http://{host}/", f"ws://{host}/", "data:", "blob:", "chrome:", "about:")
    assert [url for url in requested(browser) if not url.startswith(own)] == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_without_scrolling_sideways(address: str, tmp_path: Path, dark: bool) -> None:
    with chromium(tmp_path / "profile", 380, 800, dark) as phone:
        opened(phone, address)
        ask(phone, "top 3 gainers in Technology")
        width = phone.execute_script("return document.documentElement.scrollWidth")
        assert width <= 380
        assert ("body--dark" in str(phone.find_element(By.TAG_NAME, "body").get_attribute("class"))) is dark


def test_empty_marts_say_how_to_load(small_home: SmallHome, browser: WebDriver, address: str) -> None:
    small_marts.fill(small_home.owner_dsn, empty=True)
    try:
        browser.get(f"{address}/")
        wait_for(lambda: "make run" in browser.find_element(By.TAG_NAME, "main").text)
        assert "make run" in ask(browser, "AAPL price").text
    finally:
        small_marts.fill(small_home.owner_dsn, hostile())
