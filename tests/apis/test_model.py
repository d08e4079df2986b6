"""The functions other programs call."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import faceresearch
from faceresearch.apis import inference, init_model
from faceresearch.apis.test import test as run_test
from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import read_predictions
from faceresearch.zoo.checkpoint import save_weights
from tests.engine.tiny import write_config, write_images


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('model')
    write_images(folder / 'data')
    write_config(folder / 'tiny.py', folder / 'data', 'model = dict(head=dict(score_thr=0.5, max_per_img=20))')
    torch.manual_seed(0)
    model = init_model(folder / 'tiny.py')
    save_weights(folder / 'weights.safetensors', model.state_dict(), {})
    return folder


@pytest.fixture(scope='module')
def model(folder: Path) -> torch.nn.Module:
    return init_model(folder / 'tiny.py', folder / 'weights.safetensors')


def images_of(folder: Path) -> list[Path]:
    return [folder / f'data/images/0--Test/face_{number}.jpg' for number in range(4)]


def test_names_are_importable_from_the_package() -> None:
    assert faceresearch.init_model is init_model
    assert faceresearch.inference is inference


def test_paths_and_arrays_give_the_same(model: torch.nn.Module, folder: Path) -> None:
    paths = images_of(folder)
    from_paths = inference(model, paths)
    from_arrays = inference(model, [cv2.imread(str(path)) for path in paths], batch_size=3)
    assert [sample.ori_shape for sample in from_paths] == [(96, 80), (72, 96), (72, 96), (96, 80)]
    for one, other in zip(from_paths, from_arrays):
        assert len(one.pred_instances) > 0
        assert torch.equal(one.pred_instances.bboxes, other.pred_instances.bboxes)
    # Sizes differ in a batch: what is found does not depend on the images beside it.
    alone = inference(model, paths[0])
    assert len(alone) == 1
    assert torch.allclose(alone[0].pred_instances.bboxes, from_paths[0].pred_instances.bboxes, atol=1e-3)
    assert alone[0].pred_instances.keypoints.shape[1:] == (5, 2)
    assert inference(model, []) == []


def test_same_as_a_test_run(
    model: torch.nn.Module, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    dump = tmp_path / 'predictions.npz'
    run_test(folder / 'tiny.py', folder / 'weights.safetensors', dump=dump, work_dir=tmp_path)
    stored = read_predictions(dump)
    for number, sample in enumerate(inference(model, images_of(folder))):
        rows = slice(stored.offsets[number], stored.offsets[number + 1])
        np.testing.assert_allclose(stored.boxes[rows], sample.pred_instances.bboxes, atol=1e-3)
        np.testing.assert_allclose(stored.scores[rows], sample.pred_instances.scores, atol=1e-6)


def test_images_that_cannot_be_used(model: torch.nn.Module, tmp_path: Path) -> None:
    (tmp_path / 'empty.jpg').write_bytes(b'')
    wrong = [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        tmp_path / 'empty.jpg',
        tmp_path / 'absent.jpg',
    ]
    for image in wrong:
        with pytest.raises(UserError, match='inference: '):
            inference(model, image)


def test_strict_weights(folder: Path, tmp_path: Path) -> None:
    save_weights(tmp_path / 'other.safetensors', {'a': torch.zeros(1)}, {})
    with pytest.raises(UserError, match='another model'):
        init_model(folder / 'tiny.py', tmp_path / 'other.safetensors')
