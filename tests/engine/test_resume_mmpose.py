"""A stopped training of mmpose's HRNet, on mmpose's data set and transforms, goes on as if it had never stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceresearch.compat.scope import set_scope
from tests.engine.tiny import run, weights

FACES, BATCHES = 6, 3


@pytest.fixture(autouse=True)
def scope_of_others() -> Iterator[None]:
    yield
    set_scope({'default_scope': 'faceresearch'})


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Pictures of noise with 28 points each, in COCO form."""
    root, rng = tmp_path / 'anime', np.random.default_rng(0)
    images, annotations = [], []
    for number in range(FACES):
        (root / 'images').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / f'images/{number}.png'), rng.integers(0, 256, (90, 90, 3), np.uint8))
        images.append({'id': number, 'file_name': f'{number}.png', 'width': 90, 'height': 90})
        points = np.concatenate([rng.uniform(25, 65, (28, 2)), np.full((28, 1), 2)], 1)
        face = {'bbox': [20, 20, 50, 50], 'keypoints': points.ravel().tolist(), 'num_keypoints': 28, 'area': 2500}
        annotations.append({'id': number, 'image_id': number, 'category_id': 1, 'iscrowd': 0, **face})
    content = {'images': images, 'annotations': annotations, 'categories': [{'id': 1, 'name': 'face'}]}
    (root / 'annotations').mkdir()
    for split in ('train', 'val'):
        (root / f'annotations/{split}.json').write_text(json.dumps(content))
    return root


@pytest.mark.slow
def test_hrnet_goes_on(faces: Path, tmp_path: Path) -> None:
    config = tmp_path / 'tiny_hrnet.py'
    config.write_text(
        f"""
_base_ = 'faceresearch::hrnetv2/hrnetv2_w18_anime28.py'
data_root = {str(faces)!r}
codec = dict(input_size=(64, 64), heatmap_size=(16, 16))
batch_size = {FACES // BATCHES}
num_workers = 0
max_epochs = 3
milestones = [2]
warmup_steps = 2
val_interval = 3
auto_scale_lr = dict(enable=False)
default_hooks = dict(logger=dict(interval=1))
"""
    )
    whole, complete = run(config, tmp_path / 'whole')
    assert len(whole.losses) == 3 * BATCHES
    assert len(set(whole.losses.values())) == 3 * BATCHES
    first, _ = run(config, tmp_path / 'cut', abort_at=BATCHES + 1)
    again, resumed = run(config, tmp_path / 'cut', resume=True)
    assert first.losses == {k: v for k, v in whole.losses.items() if k <= BATCHES}
    assert again.losses == {k: v for k, v in whole.losses.items() if k >= BATCHES}
    assert again.metrics == whole.metrics and set(whole.metrics) == {3}
    expected = weights(complete)
    assert all(torch.equal(value, expected[key]) for key, value in weights(resumed).items())
