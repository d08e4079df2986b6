"""RetinaFace's augmentation keeps boxes, points and pixels together."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.transforms import PadToSquare, RandomFlip, RandomInterpolationResize, RandomSquareCrop, ResizeForTest


def sample(seed: int = 0, height: int = 120, width: int = 200) -> dict[str, Any]:
    """An image whose faces are marked: each point is a single pixel of a colour of its own."""
    boxes = np.array([[20, 30, 60, 80], [120, 40, 150, 76], [90, 95, 99, 104]], np.float32)
    image = np.zeros((height, width, 3), np.uint8)
    points = np.zeros((3, 5, 2), np.float32)
    for i, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
        points[i] = [
            [x1 + 2, y1 + 2],
            [x2 - 3, y1 + 2],
            [(x1 + x2) // 2, (y1 + y2) // 2],
            [x1 + 3, y2 - 3],
            [x2 - 4, y2 - 3],
        ]
        for k, (x, y) in enumerate(points[i].astype(int)):
            image[y, x] = (50 * i + 10, 20 * k + 20, 255)
    return {
        'img': image,
        'img_shape': (height, width),
        'gt_bboxes': boxes,
        'gt_bboxes_labels': np.zeros(3, np.int64),
        'gt_ignore_flags': np.zeros(3, bool),
        'gt_keypoints': points,
        'gt_keypoints_visible': np.ones((3, 5), bool),
        'rng': np.random.default_rng(seed),
    }


def colour_at(results: dict[str, Any], face: int, point: int) -> list[int]:
    x, y = results['gt_keypoints'][face, point]
    return results['img'][int(y), int(x)].tolist()


@pytest.mark.parametrize('seed', range(40))
def test_crop_is_square_holds_a_whole_face_and_moves_points_with_pixels(seed: int) -> None:
    before = sample(seed)
    results = RandomSquareCrop().transform(sample(seed))
    side = results['img'].shape[0]
    assert results['img'].shape == (side, side, 3) and results['img_shape'] == (side, side)
    assert side in [int(s * 120) for s in (0.3, 0.45, 0.6, 0.8, 1.0)]
    boxes = results['gt_bboxes']
    assert len(boxes) and (boxes >= 0).all() and (boxes <= side).all()
    sizes = {tuple((b[2:] - b[:2]).tolist()) for b in before['gt_bboxes']}
    assert any(tuple((b[2:] - b[:2]).tolist()) in sizes for b in boxes), 'one face is whole'
    for i, box in enumerate(boxes):
        inside = [
            k
            for k in range(5)
            if (results['gt_keypoints'][i, k] > 0).all() and (results['gt_keypoints'][i, k] < side).all()
        ]
        reds = [colour_at(results, i, k) for k in inside]
        assert all(c[2] == 255 and c[1] == 20 * k + 20 for c, k in zip(reds, inside)), box


def test_crop_keeps_a_face_only_if_its_centre_is_strictly_inside() -> None:
    for seed in range(60):
        results = sample(seed)
        original = results['gt_bboxes'].copy()
        results['gt_bboxes_labels'] = np.arange(3)
        image = np.dstack(
            [
                np.tile(np.arange(200, dtype=np.uint8), (120, 1)),
                np.tile(np.arange(120, dtype=np.uint8)[:, None], (1, 200)),
                np.zeros((120, 200), np.uint8),
            ]
        )
        results['img'] = image
        out = RandomSquareCrop().transform(results)
        left, top, _ = out['img'][0, 0].tolist()
        side = out['img'].shape[0]
        centres = (original[:, :2] + original[:, 2:]) / 2
        expected = [i for i, (x, y) in enumerate(centres) if left < x < left + side and top < y < top + side]
        assert out['gt_bboxes_labels'].tolist() == expected


SCRFD_CROP: dict[str, Any] = {
    'scales': (0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0),
    'accept': 'centre',
    'fill': 128,
    'max_tries': 2500,
    'tries_per_scale': 250,
}


def coordinate_sample(seed: int) -> dict[str, Any]:
    """A sample whose pixels say where they came from: blue is x, green is y, red is 0 (the fill colour has 128)."""
    results = sample(seed)
    columns = np.tile(np.arange(200, dtype=np.uint8), (120, 1))
    rows = np.tile(np.arange(120, dtype=np.uint8)[:, None], (1, 200))
    results['img'] = np.dstack([columns, rows, np.zeros_like(rows)])
    results['gt_bboxes_labels'] = np.arange(3)
    return results


@pytest.mark.parametrize('clip', [True, False])
def test_crop_larger_than_the_image(clip: bool) -> None:
    sides, whole = set(), 0
    for seed in range(80):
        before = coordinate_sample(seed)
        out = RandomSquareCrop(clip=clip, **SCRFD_CROP).transform(coordinate_sample(seed))
        image, side = out['img'], out['img'].shape[0]
        assert image.shape == (side, side, 3) == (*out['img_shape'], 3) and image.dtype == np.uint8
        sides.add(side)
        real = image[..., 2] == 0
        assert (image[~real] == 128).all()
        y, x = (int(v[0]) for v in np.nonzero(real))
        left, top = int(image[y, x, 0]) - x, int(image[y, x, 1]) - y
        # As much of the image as fits is there: an axis shorter than the square is whole.
        assert real.sum() == min(side, 200) * min(side, 120)
        centres = (before['gt_bboxes'][:, :2] + before['gt_bboxes'][:, 2:]) / 2
        kept = [i for i, (u, v) in enumerate(centres) if left < u < left + side and top < v < top + side]
        assert out['gt_bboxes_labels'].tolist() == kept and kept
        boxes = before['gt_bboxes'][kept] - [left, top, left, top]
        points = before['gt_keypoints'][kept] - [left, top]
        whole += bool(((boxes >= 0) & (boxes <= side)).all(1).any())
        np.testing.assert_array_equal(out['gt_bboxes'], boxes.clip(0, side) if clip else boxes)
        np.testing.assert_array_equal(out['gt_keypoints'], points.clip(0, side) if clip else points)
    assert sides == {int(s * 120) for s in SCRFD_CROP['scales']}
    assert whole < 80, 'a face cut by the border is enough'


def test_scales_are_equally_frequent_when_each_is_tried_often() -> None:
    # A face that one small square in about fifty holds: with one try per scale nearly all crops would be large.
    counts = {36: 0, 120: 0}
    for seed in range(200):
        results = sample(seed)
        for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_keypoints', 'gt_keypoints_visible'):
            results[key] = results[key][2:]
        crop = RandomSquareCrop(scales=(0.3, 1.0), accept='centre', max_tries=2500, tries_per_scale=250)
        counts[crop.transform(results)['img'].shape[0]] += 1
    assert 70 < counts[36] < 130  # mean 100, standard deviation 7


def test_small_faces_are_dropped_at_the_size_they_are_trained_at() -> None:
    for seed in range(30):
        results = RandomSquareCrop(min_size=60, train_size=120).transform(sample(seed))
        if results['img'].shape[0] == results['img'].shape[1]:
            shortest = (results['gt_bboxes'][:, 2:] - results['gt_bboxes'][:, :2] + 1).min(1)
            assert (shortest / results['img'].shape[0] * 120 > 60).all()


def test_no_crop_without_faces_and_ignored_faces_do_not_count() -> None:
    results = sample()
    results['gt_ignore_flags'][:] = True
    out = RandomSquareCrop().transform(results)
    assert out['img'].shape == (120, 200, 3) and len(out['gt_bboxes']) == 3
    empty = sample()
    for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_keypoints', 'gt_keypoints_visible'):
        empty[key] = empty[key][:0]
    assert RandomSquareCrop().transform(empty)['img'].shape == (120, 200, 3)


def test_pad_to_square_adds_colour_right_and_below() -> None:
    out = PadToSquare(fill=(1, 2, 3)).transform(sample())
    assert out['img'].shape == (200, 200, 3)
    assert (out['img'][120:] == (1, 2, 3)).all() and (out['img'][:120] == sample()['img']).all()


def test_flip_swaps_names_and_mirrors_about_the_image_width() -> None:
    before, out = sample(), RandomFlip(prob=1.0).transform(sample())
    np.testing.assert_array_equal(out['gt_bboxes'][:, 0], 200 - before['gt_bboxes'][:, 2])
    # Image-left eye of the mirror is the mirror of the image-right eye; mouth corners likewise; the nose stays.
    for new, old in enumerate((1, 0, 2, 4, 3)):
        np.testing.assert_array_equal(out['gt_keypoints'][:, new, 0], 200 - before['gt_keypoints'][:, old, 0])
    np.testing.assert_array_equal(out['img'], before['img'][:, ::-1])
    assert (out['gt_keypoints'][:, 0, 0] < out['gt_keypoints'][:, 1, 0]).all()
    twice = RandomFlip(prob=1.0).transform(out)
    np.testing.assert_array_equal(twice['gt_keypoints'], before['gt_keypoints'])


def test_resize_scales_boxes_by_each_side() -> None:
    out = RandomInterpolationResize(size=(240, 100)).transform(sample())
    assert out['img'].shape == (240, 100, 3)
    np.testing.assert_allclose(out['gt_bboxes'], sample()['gt_bboxes'] * [0.5, 2, 0.5, 2])
    assert out['scale_factor'] == pytest.approx((0.5, 2.0))


@pytest.mark.parametrize(
    ('height', 'width', 'scale'),
    [(1024, 1385, 2150 / 1385), (600, 800, 1600 / 600), (100, 400, 2150 / 400)],
)
def test_short_side_rule(height: int, width: int, scale: float) -> None:
    # 1024 × 1385: 1600 / 1024 = 1.5625 would give 2164 > 2150 (reference/detection.md §10).
    results = {'img': np.zeros((height, width, 3), np.uint8), 'scale_factor': (1.0, 1.0)}
    out = ResizeForTest(rule='short_side').transform(results)
    assert out['scale_factor'] == pytest.approx((scale, scale))
    expected = cv2.resize(np.zeros((height, width), np.uint8), None, fx=scale, fy=scale).shape
    assert out['img'].shape[:2] == expected and max(expected) <= 2150


def test_letterbox_pads_right_and_below() -> None:
    results = {'img': np.full((100, 200, 3), 9, np.uint8), 'scale_factor': (1.0, 1.0)}
    out = ResizeForTest(rule='letterbox', size=64, pad_value=7).transform(results)
    assert out['img'].shape == (64, 64, 3)
    assert (out['img'][:32] == 9).all() and (out['img'][32:] == 7).all()
    assert out['scale_factor'] == pytest.approx((0.32, 0.32))


def test_centred_letterbox_tells_where_the_image_lies() -> None:
    results = {
        'img': np.full((100, 203, 3), 9, np.uint8),
        'gt_bboxes': np.array([[0, 0, 203, 100]], np.float32),
        'gt_keypoints': np.array([[[203, 0]]], np.float32),
    }
    out = ResizeForTest(rule='letterbox', size=64, pad_value=7, centred=True).transform(results)
    # 64 x 32 of the image; 32 rows of padding, half of them above.
    assert out['img'].shape == (64, 64, 3)
    assert (out['img'][16:48] == 9).all() and (out['img'][:16] == 7).all() and (out['img'][48:] == 7).all()
    assert out['pad_offset'] == (0, 16)
    np.testing.assert_allclose(out['gt_bboxes'], [[0, 16, 64, 48]], atol=1e-5)
    np.testing.assert_allclose(out['gt_keypoints'], [[[64, 16]]], atol=1e-5)


def test_letterbox_to_the_smallest_rectangle() -> None:
    results = {'img': np.full((100, 200, 3), 9, np.uint8)}
    out = ResizeForTest(rule='letterbox', size=640, centred=True, rectangle=64).transform(results)
    # 640 x 320 fits already.
    assert out['img'].shape == (320, 640, 3)
    results = {'img': np.full((99, 200, 3), 9, np.uint8)}
    out = ResizeForTest(rule='letterbox', size=640, centred=True, rectangle=64, pad_value=1).transform(results)
    # 317 rows: one of three rows of padding is above.
    assert out['img'].shape == (320, 640, 3) and out['pad_offset'] == (0, 1)
    assert (out['img'][0] == 1).all() and (out['img'][1:318] == 9).all() and (out['img'][318:] == 1).all()


@pytest.mark.parametrize(
    ('transform', 'arguments'),
    [
        (RandomInterpolationResize, {'size': 0}),
        (RandomInterpolationResize, {'size': (240, -1)}),
        (RandomSquareCrop, {'train_size': 0}),
        (RandomSquareCrop, {'scales': ()}),
        (RandomSquareCrop, {'scales': (0.5, 1.2)}),
        (RandomSquareCrop, {'accept': 'face'}),
        (RandomSquareCrop, {'tries_per_scale': 0}),
    ],
)
def test_sizes_without_meaning(transform: type, arguments: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(arguments))):
        transform(**arguments)
