"""A real browser without a window."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
_FLAGS = (
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    # A camera that shows a moving picture, and nobody has to be asked.
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    '--window-size=1280,1000',
)


class Browser:
    """A browser of a test: it opens pages and tells what they fetched."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        """Open a page, from an empty log on."""
        self.driver.get('about:blank')
        self.driver.get_log('performance')
        self.driver.get(address)

    def fetched(self) -> set[str]:
        """Return the addresses that the page has asked for since it was opened."""
        messages = (json.loads(entry['message'])['message'] for entry in self.driver.get_log('performance'))
        sent = (m['params']['request']['url'] for m in messages if m['method'] == 'Network.requestWillBeSent')
        return {address for address in sent if not address.startswith(('data:', 'blob:', 'about:'))}

    def all(self, selector: str) -> list[Any]:
        """Return all elements that a CSS selector matches."""
        return self.driver.find_elements('css selector', selector)

    def script(self, code: str) -> Any:
        """Return what JavaScript in the page returns."""
        return self.driver.execute_script(code)

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Return what a condition returns as soon as it is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f'not after {seconds} s: {what}; the page says {self.all("body")[0].text[:500]!r}')

    def colours(self, scheme: str) -> None:
        """Pretend that the user prefers ``light`` or ``dark``."""
        features = [{'name': 'prefers-color-scheme', 'value': scheme}]
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': features})


@pytest.fixture(scope='session')
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    binary = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    chromedriver = shutil.which('chromedriver')
    if binary is None or chromedriver is None:
        pytest.skip('needs Chromium and chromedriver (Debian: chromium, chromium-driver)')
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}'):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'performance': 'ALL', 'browser': 'ALL'})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def picture_size(browser: Browser, selector: str) -> list[int]:
    """Return [width, height] in pixels of a picture that the browser has decoded; zeros where it could not."""
    return browser.script(f'const i = document.querySelector({selector!r}); return [i.naturalWidth, i.naturalHeight]')


def repo_file(*parts: str) -> Path:
    """Return a file of the checkout."""
    return Path(__file__).resolve().parents[2].joinpath(*parts)
