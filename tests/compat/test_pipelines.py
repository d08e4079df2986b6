"""Pipelines of mmdet and mmpose on pictures that come from no data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose

from faceresearch.compat.pipelines import build_for_inference
from faceresearch.compat.scope import set_scope

DETECTION = [
    {'type': 'LoadImageFromFile', 'backend_args': None},
    {'type': 'Resize', 'scale': (32, 32), 'keep_ratio': True},
    {'type': 'LoadAnnotations', 'with_bbox': True},
    {'type': 'PackDetInputs', 'meta_keys': ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')},
]
LANDMARKS = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'TopdownAffine', 'input_size': (32, 32)},
    {'type': 'PackPoseInputs'},
]


@pytest.fixture(autouse=True)
def scope_of_others():
    yield
    set_scope({'default_scope': 'faceresearch'})


@pytest.fixture
def picture(tmp_path: Path) -> tuple[Path, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 255, (20, 40, 3), dtype=np.uint8)
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), image)
    return path, image


def test_a_detector_takes_files_and_arrays_alike(picture: tuple[Path, np.ndarray]) -> None:
    set_scope({'default_scope': 'mmdet'})
    pipeline = Compose(build_for_inference(DETECTION))
    path, image = picture
    results = [pipeline({'img_id': 0, 'img_path': str(path)}), pipeline({'img_id': 0, 'img_path': None, 'img': image})]
    assert results[0]['inputs'].equal(results[1]['inputs'])
    for packed in results:
        assert packed['data_samples'].ori_shape == (20, 40)
        assert packed['data_samples'].img_shape == (16, 32)


def test_a_face_without_a_box_fills_the_picture(picture: tuple[Path, np.ndarray]) -> None:
    set_scope({'default_scope': 'mmpose'})
    pipeline = Compose(build_for_inference(LANDMARKS, {'flip_indices': [1, 0]}))
    packed = pipeline({'img_id': 0, 'img': picture[1]})
    assert packed['inputs'].shape == (3, 32, 32)
    sample = packed['data_samples']
    np.testing.assert_array_equal(sample.gt_instances.bboxes, [[0, 0, 40, 20]])
    np.testing.assert_allclose(sample.input_center, [20, 10])
    assert sample.flip_indices == [1, 0]


def test_a_given_box_is_kept(picture: tuple[Path, np.ndarray]) -> None:
    set_scope({'default_scope': 'mmpose'})
    pipeline = Compose(build_for_inference(LANDMARKS))
    box = np.array([[5.0, 5, 15, 15]], dtype=np.float32)
    packed = pipeline({'img_id': 0, 'img_path': str(picture[0]), 'bbox': box, 'bbox_score': np.ones(1)})
    np.testing.assert_array_equal(packed['data_samples'].gt_instances.bboxes, box)
