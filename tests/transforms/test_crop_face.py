"""Crops of faces: points follow the pixels, and predictions find the way back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.evaluation.samples import to_original
from faceresearch.transforms import CropFace


def sample(seed: int = 0) -> dict[str, Any]:
    """An image with three bright dots on black, which are its points; the first two are each other's mirror image."""
    points = np.array([[60.0, 50.0], [100.0, 55.0], [82.0, 90.0]])
    image = np.zeros((160, 200, 3), np.uint8)
    for channel, (x, y) in enumerate(points):
        plane = image[..., channel].copy()
        cv2.circle(plane, (int(x), int(y)), 3, 255, -1)
        image[..., channel] = plane
    return {
        'img': image,
        'bbox': np.array([[40.0, 30.0, 120.0, 110.0]], np.float32),
        'keypoints': points[None].astype(np.float32),
        'keypoints_visible': np.ones((1, 3), np.float32),
        'flip_indices': [1, 0, 2],
        'rng': np.random.default_rng(seed),
    }


def centroid(plane: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]]
    weight = plane.astype(np.float64)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize('flip_prob', [0.0, 1.0])
@pytest.mark.parametrize('seed', [1, 2, 3])
def test_points_follow_the_pixels(flip_prob: float, seed: int) -> None:
    crop = CropFace(128, padding=1.6, rotation=40, scale=(0.9, 1.1), shift=0.05, flip_prob=flip_prob)
    results = crop.transform(sample(seed))
    # In the mirror the dot of the first point is the second point's.
    channels = [1, 0, 2] if flip_prob else [0, 1, 2]
    for k, channel in enumerate(channels):
        assert np.abs(centroid(results['img'][..., channel]) - results['gt_keypoints'][0, k]).max() < 0.15


def test_the_matrix_brings_points_and_boxes_back() -> None:
    before = sample(5)
    results = CropFace(112, padding=1.3, flip_prob=1.0, rotation=30, scale=(0.8, 1.2), shift=0.1).transform(sample(5))
    back = to_original(results['gt_keypoints'].astype(np.float64), results)
    assert np.abs(back[:, [1, 0, 2]] - before['keypoints']).max() < 1e-4
    straight = CropFace(112, padding=1.3).transform(sample(5))
    assert np.abs(to_original(straight['gt_bboxes'], straight) - before['bbox']).max() < 1e-4


def test_the_square_is_the_box_times_the_padding() -> None:
    results = sample()
    results['bbox'] = np.array([[40.0, 30.0, 120.0, 70.0]], np.float32)
    matrix = CropFace(192, padding=1.5).transform(results)['warp_matrix']
    # insightface: scale 192 / (1.5 · max(w, h)), the centre of the box in the middle of the crop.
    assert np.allclose(matrix[:, :2], np.eye(2) * 192 / (1.5 * 80))
    assert np.allclose(matrix @ [80, 50, 1], [96, 96])
    shorter = CropFace(192, padding=1.5, side='shorter').transform(dict(sample(), bbox=results['bbox']))
    assert np.allclose(shorter['warp_matrix'][:, :2], np.eye(2) * 192 / (1.5 * 40))


def test_without_a_box_the_whole_image_is_the_face() -> None:
    results = {'img': np.zeros((50, 80, 3), np.uint8)}
    matrix = CropFace(40, padding=1.0).transform(results)['warp_matrix']
    assert np.allclose(matrix, [[0.5, 0, 0], [0, 0.5, 40 / 2 - 25 / 2]])


def test_points_outside_stay_targets_unless_hidden() -> None:
    tight = {'padding': 0.5}
    assert CropFace(64, **tight).transform(sample())['gt_keypoints_visible'].tolist() == [[1, 1, 1]]
    hidden = CropFace(64, outside='hide', **tight).transform(sample())
    inside = ((hidden['gt_keypoints'] >= 0) & (hidden['gt_keypoints'] <= 63)).all(-1)
    assert 0 < inside.sum() < 3
    assert (hidden['gt_keypoints_visible'] == inside).all()


def test_what_cannot_be_cropped_is_named() -> None:
    outside = dict(sample(), bbox=np.array([[300.0, 10.0, 340.0, 50.0]], np.float32), img_path='a.jpg')
    with pytest.raises(BrokenImageError, match=r'a\.jpg: the box .* lies outside 200 x 160'):
        CropFace(64).transform(outside)
    without = sample()
    del without['flip_indices']
    with pytest.raises(UserError, match='flip_indices'):
        CropFace(64, flip_prob=1.0).transform(without)
    for arguments in ({'size': 0}, {'padding': 0.0}, {'scale': (1.2, 0.8)}, {'side': 'mean'}):
        with pytest.raises(UserError, match='CropFace'):
            CropFace(**arguments)
