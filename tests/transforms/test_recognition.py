"""AdaFace's augmentation: the arithmetic of Pillow and torchvision, the face at its place."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torchvision.transforms import RandomResizedCrop

from faceresearch.errors import UserError
from faceresearch.transforms import RandomColorJitter, RandomCropOnBlack, RandomErasing, RandomLowResolution
from faceresearch.transforms.recognition import _STEPS

IMAGE = np.random.default_rng(4).integers(1, 256, (112, 96, 3), np.uint8)
ALL = (RandomCropOnBlack, RandomLowResolution, RandomColorJitter, RandomErasing)


def run(transform: Any, seed: int, image: np.ndarray = IMAGE) -> np.ndarray:
    return transform.transform({'img': image.copy(), 'rng': np.random.default_rng(seed)})['img']


@pytest.mark.parametrize('transform', ALL)
def test_one_in_five_images_changes_and_the_generator_alone_decides(transform: Any) -> None:
    results = [run(transform(), seed) for seed in range(400)]
    changed = sum(not np.array_equal(result, IMAGE) for result in results)
    assert 55 <= changed <= 105  # 80 expected, standard deviation 8
    assert all(result.shape == IMAGE.shape and result.dtype == np.uint8 for result in results)
    for seed in range(0, 400, 7):
        np.testing.assert_array_equal(run(transform(), seed), results[seed])


@pytest.mark.parametrize('transform', ALL)
def test_a_mirrored_view_is_taken_and_the_source_stays(transform: Any) -> None:
    source = IMAGE.copy()
    for seed in range(5):
        view = source[:, ::-1]
        result = transform(prob=1.0).transform({'img': view, 'rng': np.random.default_rng(seed)})['img']
        np.testing.assert_array_equal(result, run(transform(prob=1.0), seed, np.ascontiguousarray(view)))
    np.testing.assert_array_equal(source, IMAGE)


def test_the_crop_stays_at_its_place_on_black() -> None:
    for seed in range(50):
        result = run(RandomCropOnBlack(prob=1), seed)
        kept = (result > 0).all(2)
        rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
        assert kept.sum() == len(rows) * len(columns)  # one rectangle
        np.testing.assert_array_equal(result[kept], IMAGE[kept])
        assert (result[~kept] == 0).all()


def test_crops_are_distributed_as_torchvision_draws_them() -> None:
    """Means and deviations of area and position over 3,000 draws of either."""
    torch.manual_seed(0)
    image = torch.zeros(3, 112, 112)
    theirs = np.array([RandomResizedCrop.get_params(image, [0.2, 1.0], [0.75, 4 / 3]) for _ in range(3000)])
    crop, rng = RandomCropOnBlack(), np.random.default_rng(0)
    ours = np.array([crop._part(rng, 112, 112) for _ in range(3000)])
    np.testing.assert_allclose(ours.mean(0), theirs.mean(0), atol=2.0)
    np.testing.assert_allclose(ours.std(0), theirs.std(0), atol=2.0)


@pytest.mark.parametrize('step', range(3))
def test_colours_change_as_pillow_changes_them(step: int) -> None:
    enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[step]
    picture = Image.fromarray(IMAGE[..., ::-1])
    for factor in (0.5, 0.73, 0.999, 1.0, 1.2, 1.5):
        wanted = np.asarray(enhance(picture).enhance(factor))[..., ::-1]
        np.testing.assert_array_equal(_STEPS[step](IMAGE, factor), wanted)


def test_jitter_draws_all_orders_and_the_whole_range() -> None:
    flat = np.full((4, 4, 3), 100, np.uint8)  # contrast and saturation leave it, brightness shows
    levels = [int(run(RandomColorJitter(prob=1), seed, flat)[0, 0, 0]) for seed in range(400)]
    assert 50 <= min(levels) < 54 and 146 < max(levels) <= 150
    assert abs(np.mean(levels) - 100) < 5
    orders = {tuple(np.random.default_rng(seed).permutation(3)) for seed in range(60)}
    assert len(orders) == 6


def test_low_resolution_is_one_of_25_ways_down_and_up() -> None:
    codes = [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4]
    square = np.ascontiguousarray(IMAGE[:96])
    sides, ways = set(), set()
    for seed in range(60):
        result = run(RandomLowResolution(prob=1), seed, square)
        side = int(_ratio(seed) * 96)
        found = [
            (down, up)
            for down in codes
            for up in codes
            if np.array_equal(
                cv2.resize(cv2.resize(square, (side, side), interpolation=down), (96, 96), None, 0, 0, up), result
            )
        ]
        assert found, (seed, side)
        sides.add(side)
        ways.update(found)
    assert min(sides) < 30 and max(sides) > 85 and len(ways) > 15


def _ratio(seed: int) -> float:
    rng = np.random.default_rng(seed)
    rng.random()
    return float(rng.uniform(0.2, 1.0))


def test_erasing_makes_one_rectangle_of_the_asked_area() -> None:
    for seed in range(40):
        result = run(RandomErasing(prob=1, area=(0.1, 0.2)), seed)
        gone = (result == 0).all(2)
        rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
        assert gone.sum() == len(rows) * len(columns)
        assert 0.08 < gone.mean() < 0.22
    noisy = run(RandomErasing(prob=1, fill=None), 3)
    assert (noisy != IMAGE).any() and len(np.unique(noisy[(noisy != IMAGE).any(2)])) > 20


@pytest.mark.parametrize(
    'wrong',
    [
        lambda: RandomCropOnBlack(prob=2),
        lambda: RandomCropOnBlack(scale=(0.5, 1.5)),
        lambda: RandomLowResolution(ratio=(0.0, 1.0)),
        lambda: RandomLowResolution(methods=('linear', 'sinc')),
        lambda: RandomColorJitter(contrast=-0.1),
        lambda: RandomErasing(area=(0.3, 0.2)),
    ],
)
def test_senseless_arguments_are_refused(wrong: Any) -> None:
    with pytest.raises(UserError):
        wrong()
