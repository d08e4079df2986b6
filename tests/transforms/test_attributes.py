"""Crops and targets of attribute models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.transforms import CropFaceScales, FlipAttributes, FourierTarget, RandomResizedCrop
from faceresearch.transforms.attributes import fourier_map, scaled_window


def results(image: np.ndarray, **more: Any) -> dict[str, Any]:
    return {'img': image, 'rng': np.random.default_rng(0), **more}


def test_window_inside_the_image_is_the_enlarged_box() -> None:
    for border in ('shift', 'truncate'):
        assert scaled_window(np.array([40, 50, 60, 70]), 2.0, 200, 300, border) == (30, 40, 71, 81)


def test_at_the_border_shift_keeps_the_size_and_truncate_cuts() -> None:
    box = np.array([0, 0, 20, 20])
    x1, y1, x2, y2 = scaled_window(box, 2.0, 100, 100, 'shift')
    assert (x1, y1, x2, y2) == (0, 0, 41, 41)
    assert scaled_window(box, 2.0, 100, 100, 'truncate') == (0, 0, 31, 31)
    box = np.array([85, 85, 95, 95])
    assert scaled_window(box, 4.0, 100, 100, 'shift') == (59, 59, 100, 100)
    assert scaled_window(box, 4.0, 100, 100, 'truncate') == (70, 70, 100, 100)


def test_a_box_is_not_enlarged_beyond_the_image() -> None:
    # 59/60 of it fit the height: 78.7 wide about 40, moved to 0.3 … 79, of which fractions are dropped.
    assert scaled_window(np.array([0, 0, 80, 60]), 4.0, 60, 80, 'shift') == (0, 0, 80, 60)


def test_crops_of_several_scales_lie_in_the_channels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    box = np.array([[60, 40, 90, 80]], np.float32)
    both = CropFaceScales([1.0, 2.7], 80).transform(results(image, bbox=box))['img']
    assert both.shape == (80, 80, 6)
    for number, scale in enumerate((1.0, 2.7)):
        one = CropFaceScales([scale], 80).transform(results(image, bbox=box))['img']
        assert np.array_equal(both[..., 3 * number : 3 * number + 3], one)


def test_fourier_target_of_a_flat_image() -> None:
    """All energy is at zero frequency: elsewhere the map is 1 / (1 + log(sum + 1))."""
    image = np.full((80, 80, 3), 100, np.uint8)
    flat = fourier_map(image, 80)
    assert flat[40, 40] == pytest.approx(1)
    assert flat[0, 0] == pytest.approx(1 / (1 + np.log(80 * 80 * 100 + 1)), rel=1e-5)
    assert FourierTarget(10).transform(results(image))['gt_attributes']['fourier'].shape == (1, 10, 10)


def test_the_place_of_the_target_decides_whose_spectrum_it_is() -> None:
    image = np.random.default_rng(2).integers(0, 256, (80, 80, 3), np.uint8)
    after = FourierTarget().transform(RandomResizedCrop(80, scale=(0.3, 0.4)).transform(results(image)))
    before = RandomResizedCrop(80, scale=(0.3, 0.4)).transform(FourierTarget().transform(results(image)))
    seen = fourier_map(after['img'], 10)
    assert np.array_equal(after['gt_attributes']['fourier'][0], seen)
    assert np.abs(before['gt_attributes']['fourier'][0] - seen).max() > 0.01


def test_flip_changes_the_sign_of_what_has_a_side() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    labels = {'yaw': 12.0, 'pitch': -3.0}
    flipped = FlipAttributes(['yaw'], prob=1.0).transform(results(image, gt_attributes=labels))
    assert flipped['gt_attributes'] == {'yaw': -12.0, 'pitch': -3.0}
    assert np.array_equal(flipped['img'], image[:, ::-1])
    assert labels['yaw'] == 12.0, 'the label of the data set stays'


@pytest.mark.parametrize('arguments', [{'scales': []}, {'scales': [0.0]}, {'border': 'wrap'}])
def test_arguments_without_meaning(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match='CropFaceScales'):
        CropFaceScales(**arguments)
