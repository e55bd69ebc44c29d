"""The system's Chromium, headless, and the chat in a process of its own: what the browser tests share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as DriverService
from selenium.webdriver.remote.webdriver import WebDriver

from lake.settings import Settings
from tests.conftest import ROOT

T = TypeVar("T")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _program(setting: str, *names: str) -> str:
    found = os.environ.get(setting) or next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no {names[0]} here: install it with the system's packages, or set {setting} to its path")
    return found


@contextmanager
def chromium(profile: Path, width: int = 1200, height: int = 1600, dark: bool = False) -> Iterator[WebDriver]:
    """A browser with a fresh profile and a window of a size; it goes nowhere by itself."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("TIDEMARK_CHROMIUM", "chromium", "chromium-browser", "google-chrome")
    driver_path = _program("TIDEMARK_CHROMEDRIVER", "chromedriver")
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=DriverService(driver_path))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        if dark:
            features = [{"name": "prefers-color-scheme", "value": "dark"}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        yield driver
    finally:
        driver.quit()


def wait_for(what: Callable[[], T], seconds: float = 60) -> T:
    """What a function gives once it gives something."""
    deadline = time.monotonic() + seconds
    while True:
        if found := what():
            return found
        assert time.monotonic() < deadline, "the page did not come to show it"
        time.sleep(0.05)


def requested(driver: WebDriver) -> set[str]:
    """The addresses that pages have asked for since the last call."""
    found = set()
    for entry in driver.get_log("performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.add(message["params"]["request"]["url"])
        elif message["method"] == "Network.webSocketCreated":
            found.add(message["params"]["url"])
    return found


@contextmanager
def served(settings: Settings, port: int, log: Path) -> Iterator[str]:
    """The chat of a home in a process of its own; gives its address once it answers."""
    environment = {
        **os.environ,
        "TIDEMARK_HOME": str(settings.home),
        "TIDEMARK_NOW": settings.now or "",
        "PYTHONPATH": str(ROOT),
    }
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "chat_api", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=out,
            stderr=out,
            cwd=settings.home,
        )
    try:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=5) as response:
                    return bool(response.status == 200)
            except (urllib.error.URLError, ConnectionError):
                return False

        wait_for(ready, 60)
        yield address
    finally:
        process.terminate()
        process.wait(15)
