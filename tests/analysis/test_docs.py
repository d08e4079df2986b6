"""The page on FaceAnalyzer does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis import FaceAnalyzer, init_model
from tests.analysis.doubles import Detector


def test_the_examples_run(repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As written, with random weights and a detector that finds one face."""
    text = (repo_root / 'docs/analyzer.md').read_text(encoding='utf-8')
    first, second = re.findall(r'^```python\n(.*?)^```', text, re.M | re.S)
    rng = np.random.default_rng(0)
    for name in ('photo', 'a', 'b'):
        cv2.imwrite(str(tmp_path / f'{name}.jpg'), rng.integers(0, 255, (80, 80, 3), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    first = re.sub(r"'checkpoints/[^']*'", 'None', first).replace(
        "('retinaface_mnet025_widerface', None)", 'finds_one_face'
    )
    finds = Detector(np.array([[10, 10, 60, 60]], np.float32), np.array([0.9], np.float32))
    names: dict[str, object] = {'finds_one_face': finds}
    exec(first, names)
    assert isinstance(names['analyzer'], FaceAnalyzer) and names['face'].live is not None  # type: ignore[attr-defined]
    names |= {'images': ['a.jpg', 'a.jpg', 'b.jpg', 'photo.jpg'], 'people': [0, 0, 1, 2]}
    exec(second, names)
    assert Path('thresholds.json').is_file() and names['outcome'].far == 1e-3  # type: ignore[attr-defined]


def test_the_configs_it_names_are_there(repo_root: Path) -> None:
    text = (repo_root / 'docs/analyzer.md').read_text(encoding='utf-8')
    for name in sorted(set(re.findall(r'\b(?:retinaface|mobileface|minifasnet|landmark106)_\w+', text))):
        assert init_model(name) is not None
