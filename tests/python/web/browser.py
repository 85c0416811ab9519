"""A real browser without a window, and the processes whose pages it shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

_T = TypeVar("_T")

# It is to speak with the pages alone.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A page looks once a second, and the machine may be busy.
PATIENCE_SECONDS = 60


@contextmanager
def started(folder: Path, width: int = 1280, height: int = 800) -> Iterator[Chrome]:
    """Start Chromium.

    Args:
        folder: Where it may keep what it likes.
        width: Of what it shows, in pixels.
        height: Of what it shows, in pixels.

    Yields:
        The browser.

    Raises:
        RuntimeError: It is not installed.
    """
    names = ("chromium", "chromedriver")
    found = [shutil.which(name) for name in names]
    for name, path in zip(names, found, strict=True):
        if path is None:
            raise RuntimeError(f"there is no {name}; scripts/setup.sh dev installs it")
    options = ChromeOptions()
    options.binary_location = str(found[0])
    for flag in (*_FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options, ChromeService(str(found[1])))
    try:
        browser.set_page_load_timeout(PATIENCE_SECONDS)
        yield browser
    finally:
        browser.quit()


def until(browser: Chrome, ask: Callable[[Chrome], _T]) -> _T:
    """Ask again and again until the answer is true.

    Args:
        browser: Whom to ask.
        ask: The question.

    Returns:
        The answer.
    """
    found: Any = WebDriverWait(browser, PATIENCE_SECONDS, poll_frequency=0.1).until(ask)
    return found
