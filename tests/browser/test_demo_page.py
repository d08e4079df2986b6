"""The demo page in a browser: an image goes in, the drawn result and its values are seen."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis.model import inference, init_model
from faceresearch.zoo.convert import convert_checkpoint
from tests.browser.conftest import Browser, picture_size

pytest.importorskip('gradio', reason='needs gradio (requirements/demo.txt)')
pytestmark = pytest.mark.slow
MODEL = 'retinaface_mnet025_widerface'
INPUT = '#input input[type=file]'


@pytest.fixture(scope='module')
def weights(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp('weights') / 'retinaface.safetensors'
    convert_checkpoint(shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth', MODEL, target)
    return target


@pytest.fixture(scope='module')
def address(weights: Path) -> Iterator[str]:
    from faceresearch.apis.demo import run_demo

    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    page = run_demo(MODEL, weights, device='cpu', port=port, block=False)
    try:
        yield f'http://127.0.0.1:{port}/'
    finally:
        page.close()


@pytest.fixture
def photo(test_data: Path) -> Path:
    return (
        next((test_data / 'widerface/WIDER_val/images').glob('13--Interview/*_401.jpg'), None)
        or sorted((test_data / 'widerface/WIDER_val/images/13--Interview').iterdir())[0]
    )


def open_demo(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait(lambda: browser.all(INPUT), 'the page has an input')


def message(browser: Browser) -> str:
    found = browser.all('#message')
    return found[0].text if found else ''


def test_an_image_gives_the_picture_and_the_values(
    browser: Browser, address: str, photo: Path, weights: Path, tmp_path: Path
) -> None:
    open_demo(browser, address)
    browser.all(INPUT)[0].send_keys(str(photo))
    browser.wait(lambda: 'found' in message(browser), 'faces are found')
    model = init_model(MODEL, weights)
    scores = inference(model, [photo])[0].pred_instances.scores
    expected = int((scores >= 0.5).sum())
    assert expected > 0
    assert message(browser) == f'{expected} face{"" if expected == 1 else "s"} found.'
    height, width = cv2.imread(str(photo)).shape[:2]
    browser.wait(lambda: browser.all('#picture img'), 'the result is shown')
    browser.wait(
        lambda: picture_size(browser, '#picture img') == [width, height], 'the result has the size of the image'
    )
    assert f'{float(scores.max()):.3f}'[:4] in browser.all('#values')[0].text.replace('\n', ' ')
    # The page and all that it needs come from this machine.
    assert browser.fetched() and all(each.startswith(address) for each in browser.fetched())
    browser.driver.save_screenshot(str(tmp_path / 'demo.png'))
    assert cv2.imread(str(tmp_path / 'demo.png')).std() > 20


def test_what_is_no_image_is_said_in_words(browser: Browser, address: str, tmp_path: Path) -> None:
    bad = tmp_path / 'holiday.jpg'
    bad.write_bytes(b'not a picture at all' * 50)
    open_demo(browser, address)
    browser.all(INPUT)[0].send_keys(str(bad))
    text = browser.wait(lambda: 'does not work' in message(browser) and message(browser), 'the error is shown')
    assert text == 'This does not work: holiday.jpg: not an image of a known format'
    assert not browser.all('#picture img')


def test_too_large_a_file_is_refused_before_it_is_read(browser: Browser, address: str, tmp_path: Path) -> None:
    big = tmp_path / 'big.jpg'
    with big.open('wb') as stream:
        stream.truncate(33 * 2**20)
    open_demo(browser, address)
    browser.all(INPUT)[0].send_keys(str(big))
    browser.wait(lambda: 'exceed the maximum allowed size' in browser.all('body')[0].text, 'the size is refused')
    assert 'found' not in message(browser)


def test_the_camera_gives_an_image(browser: Browser, address: str) -> None:
    open_demo(browser, address)

    def press(label: str) -> None:
        button = browser.wait(
            lambda: [
                b for b in browser.all('#input button') if label in f'{b.get_attribute("aria-label")} {b.text}'.lower()
            ],
            f'a button {label}',
        )
        browser.driver.execute_script('arguments[0].click()', button[0])

    press('camera')
    press('access')
    browser.wait(
        lambda: browser.script("const v = document.querySelector('#input video'); return v && v.videoWidth"), 'video'
    )
    press('capture')
    # The picture of the pretended camera shows nobody.
    browser.wait(lambda: 'found' in message(browser), 'the picture was looked at')
    assert message(browser) == '0 faces found.'


def test_the_policy_forbids_other_addresses(address: str) -> None:
    from urllib.request import urlopen

    with urlopen(address) as answer:
        policy = answer.headers['content-security-policy']
    assert "default-src 'self'" in policy and 'http' not in policy


def test_with_a_detector_the_model_looks_at_each_face(weights: Path, test_data: Path) -> None:
    from faceresearch.apis.demo import build_answer

    # Dancers, near and far: the detector is less sure of some.
    image = test_data / 'widerface/WIDER_val/images/13--Interview/13_Interview_Interview_2_People_Visible_13_1001.jpg'
    answer = build_answer('landmark68_pfld_small', 'none', (), (MODEL, weights), device='cpu')
    few, many = (answer(str(image), threshold)[1] for threshold in (0.9, 0.3))
    assert few is not None and many is not None
    assert 0 < len(few['faces']) < len(many['faces'])
    assert all(face['score'] >= 0.9 for face in few['faces'])
    assert len(few['faces'][0]['landmarks']) == 68


def test_answers_hold_what_infer_would_write(weights: Path, photo: Path) -> None:
    from faceresearch.apis.demo import build_answer
    from faceresearch.apis.infer import predict_and_draw

    picture, values, _ = build_answer(MODEL, weights, device='cpu')(str(photo), 0.6)
    drawn = predict_and_draw(init_model(MODEL, weights), cv2.imread(str(photo)), 0.6)
    assert json.dumps(values) == json.dumps(drawn.values)
    assert picture is not None and np.array_equal(picture[..., ::-1], drawn.picture)
