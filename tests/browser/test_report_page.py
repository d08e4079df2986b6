"""The report as a browser shows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis.test import judge_predictions
from tests.browser.conftest import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def report(tmp_path_factory: pytest.TempPathFactory, golden_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp('report')
    stored = golden_dir / 'evaluation/verification.npz'
    judge_predictions('pairs', stored, [], out=folder / 'metrics.json', report=folder)
    return folder


def ink(browser: Browser) -> tuple[list[int], list[int]]:
    """Return the colours of paper and text."""
    style = 'getComputedStyle(document.body)'
    code = f'return [{style}.backgroundColor, {style}.color].map(c => c.match(/[0-9]+/g).slice(0, 3).map(Number))'
    return tuple(browser.script(code))


def contrast(a: list[int], b: list[int]) -> float:
    """Return the contrast of two colours by WCAG 2."""
    values = []
    for colour in (a, b):
        c = np.array(colour) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        values.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(values) / min(values)


def test_the_page_shows_its_figures_and_pictures_and_fetches_nothing(browser: Browser, report: Path) -> None:
    address = (report / 'report.html').as_uri()
    browser.open(address)
    figures = json.loads((report / 'metrics.json').read_text())
    cells = [element.text for element in browser.all('#metrics td data')]
    assert f'{figures["pairs/accuracy"]:.4f}' in cells
    sizes = browser.script('return [...document.images].map(i => [i.complete, i.naturalWidth])')
    assert len(sizes) == 3 and all(complete and width > 500 for complete, width in sizes)
    assert browser.fetched() == {address}
    assert [entry for entry in browser.driver.get_log('browser') if entry['level'] == 'SEVERE'] == []
    # Nothing sticks out at the width of a telephone, either.
    browser.driver.execute_cdp_cmd(
        'Emulation.setDeviceMetricsOverride', {'width': 390, 'height': 800, 'deviceScaleFactor': 1, 'mobile': False}
    )
    assert browser.script('return document.documentElement.scrollWidth') <= 390
    browser.driver.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_light_and_dark_are_legible(browser: Browser, report: Path) -> None:
    browser.open((report / 'report.html').as_uri())
    papers = []
    for scheme in ('light', 'dark'):
        browser.colours(scheme)
        paper, text = ink(browser)
        assert contrast(paper, text) > 10
        papers.append(sum(paper))
    assert papers[0] > 3 * 230 and papers[1] < 3 * 40
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(browser.driver.get_screenshot_as_base64()), np.uint8), 1)
    assert picture.mean() < 80  # plots are dark, too
    browser.colours('light')


def test_the_printed_page_has_the_config(browser: Browser, report: Path) -> None:
    """What can be unfolded on the screen is on paper."""
    browser.open((report / 'report.html').as_uri())

    def printed() -> int:
        return len(base64.b64decode(browser.driver.execute_cdp_cmd('Page.printToPDF', {})['data']))

    folded = printed()
    browser.script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert abs(folded - printed()) < 0.01 * folded
    browser.script("document.querySelectorAll('details').forEach(d => d.remove())")
    assert printed() < 0.97 * folded
