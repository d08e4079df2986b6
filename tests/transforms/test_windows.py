"""Crops of parts of a face and crops with margins, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.transforms import CentreCrop, CropAroundPoints, CropFacePart
from faceresearch.transforms.windows import margin_box


def results(image: np.ndarray, **more: Any) -> dict[str, Any]:
    return {'img': image, 'rng': np.random.default_rng(0), **more}


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    """An image whose blue is x and whose green is y."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width), np.arange(height)[:, None]
    return image


def test_part_of_a_box_is_cut_out_pixel_for_pixel() -> None:
    box = np.array([[10, 20, 30, 36]], np.float32)
    made = CropFacePart((0.5, 0.25, 1.0, 0.75), (8, 10))(results(ramp(), bbox=box))
    # The right half and the middle of its height: x 20 to 30, y 24 to 32.
    assert np.array_equal(made['img'], ramp()[24:32, 20:30])
    assert made['img_shape'] == (8, 10)


def test_part_beyond_the_border_repeats_the_edge() -> None:
    made = CropFacePart((-0.5, 0, 1, 1), (40, 90))(results(ramp()))['img']
    assert (made[:, :30, 0] == 0).all() and np.array_equal(made[:, 30:, 0], ramp()[..., 0])


def test_random_parts_stay_within_their_ranges() -> None:
    box = np.array([[20, 10, 40, 30]], np.float32)
    rng = np.random.default_rng(1)
    crop = CropFacePart(size=20, shift=0.1, scale=(0.9, 1.1))
    made = [crop({'img': ramp(), 'rng': rng, 'bbox': box})['img'][..., 0] for _ in range(50)]
    middles = np.array([image.mean() for image in made])
    widths = np.array([float(image[0, -1]) - float(image[0, 0]) for image in made])
    # The middle of x 20 to 40 is 29.5; it moves by up to a tenth of 20 px, and the width changes by up to a tenth.
    assert np.abs(middles - 29.5).max() <= 2.6 and middles.std() > 0.5
    assert 16 <= widths.min() < widths.max() <= 22


def test_margins_follow_one_another_as_published() -> None:
    # k = 0.2 of AFLW2000: x1 falls by 0.4 w, y1 by 0.4 h; then x2 grows by 0.4 of 1.4 w, and y2 by 0.12 of 1.4 h.
    assert margin_box(np.array([100, 100, 200, 300]), (2, 2, 2, 0.6), 0.2) == pytest.approx((60, 20, 256, 333.6))


def test_margins_outside_the_image_are_black() -> None:
    box = np.array([[0, 0, 10, 10]], np.float32)
    made = CropAroundPoints((1, 1, 0, 0), (0.5, 0.5))(results(ramp() + 1, bbox=box))['img']
    assert made.shape == (15, 15, 3)
    assert (made[:5] == 0).all() and (made[:, :5] == 0).all()
    assert np.array_equal(made[5:, 5:], (ramp() + 1)[:10, :10])


def test_box_far_outside_the_image_is_a_black_crop() -> None:
    made = CropAroundPoints(k=(0, 0))(results(ramp(), bbox=np.array([[500, 500, 520, 530]])))['img']
    assert made.shape == (30, 20, 3) and not made.any()


def test_middle_of_the_short_side() -> None:
    assert np.array_equal(CentreCrop(40, 20)(results(ramp()))['img'], ramp()[10:30, 20:40])
    made = CentreCrop(20, 20)(results(ramp()))['img']
    assert made.shape == (20, 20, 3)
    # Halved: each pixel is the mean of two; the middle 20 of 30 columns begin at the fifth.
    assert abs(float(made[0, 0, 0]) - 10.5) <= 0.5


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: CropFacePart((0.5, 0, 0.5, 1)), 'left < right'),
        (lambda: CropFacePart(shift=-1), 'no meaning'),
        (lambda: CropAroundPoints((1, 1, 1)), 'give four'),
        (lambda: CropAroundPoints(k=(0.4, 0.2)), 'rising range'),
        (lambda: CentreCrop(100, 200), 'at most short'),
    ],
)
def test_arguments_without_a_meaning(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
