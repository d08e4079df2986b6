"""The function behind the demo page, and its errors."""

from __future__ import annotations

from importlib.util import find_spec as really_find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis import demo
from faceresearch.errors import UserError
from tests.tools.running import error_line, run_tool

CONFIG = 'landmark68_pfld_small'


def test_a_second_model_looks_at_the_image_or_says_what_is_wrong(tmp_path: Path) -> None:
    answer = demo.build_answer(CONFIG, 'none', device='cpu')
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'face.png'), image)
    picture, values, text = answer(str(tmp_path / 'face.png'), 0.5)
    assert picture is not None and picture.shape == image.shape and picture.dtype == np.uint8
    assert values is not None and len(values['faces'][0]['points']) == 68 and text == '1 face found.'
    (tmp_path / '<b>x.jpg').write_bytes(b'')
    picture, values, text = answer(str(tmp_path / '<b>x.jpg'), 0.5)
    assert (picture, values) == (None, None)
    # Markdown shows it as it is.
    assert text == '**This does not work:** &#60;b&#62;x.jpg: empty file'
    assert answer(None, 0.5)[2].startswith('Choose an image first')


def test_limits_on_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, 'MAX_PIXELS', 100)
    cv2.imwrite(str(tmp_path / 'x.png'), np.zeros((20, 30, 3), np.uint8))
    answer = demo.build_answer(CONFIG, 'none', device='cpu')
    assert '30 x 20 pixels are too many' in answer(str(tmp_path / 'x.png'), 0.5)[2]
    monkeypatch.setattr(demo, 'MAX_UPLOAD', 10)
    assert 'files may have' in answer(str(tmp_path / 'x.png'), 0.5)[2]


def test_errors_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, 'find_spec', lambda name: None if name == 'gradio' else really_find_spec(name))
    with pytest.raises(UserError, match=r'needs gradio: pip install'):
        demo.run_demo(CONFIG, 'none')
    monkeypatch.setattr(demo, 'find_spec', lambda name: True)
    assert '--score-thr 2.0' in error_line(run_tool('demo', CONFIG, 'none', '--score-thr', '2'))
    assert '--port 70000' in error_line(run_tool('demo', CONFIG, 'none', '--port', '70000'))
