"""Chromium for the browser tests: the system's, else the one that playwright installed."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def found() -> str | None:
    """Return where the system keeps its Chromium; None stands for the one that playwright installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for the whole run; each test opens contexts of its own."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        except Error as error:
            pytest.fail(f"no Chromium starts ({error.message.splitlines()[0]}); `playwright install chromium` gets one")
        yield browser
        browser.close()
