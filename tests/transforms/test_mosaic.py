"""Mosaic and affine maps keep boxes, points and pixels together, and depend on the sample's generator alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.errors import UserError
from faceresearch.transforms import Mosaic, RandomAffine
from tests.datasets.test_base import Folder

SIZES = ((90, 160), (160, 90), (128, 128), (60, 200))


def picture(index: int) -> dict[str, Any]:
    """A dark image with one bright rectangle, the face; its blue is 100 + index. Four points lie on its corners."""
    height, width = SIZES[index % 4]
    box = np.array([width * 0.3, height * 0.25, width * 0.6, height * 0.7]).round()
    image = np.full((height, width, 3), 20 + index, np.uint8)
    x1, y1, x2, y2 = box.astype(int)
    image[y1:y2, x1:x2] = (100 + 10 * index, 255, 255)
    corners = [[x1, y1], [x2, y1], [(x1 + x2) / 2, (y1 + y2) / 2], [x1, y2], [x2, y2]]
    return {
        'img': image,
        'img_id': str(index),
        'gt_bboxes': box[None].astype(np.float32),
        'gt_bboxes_labels': np.zeros(1, np.int64),
        'gt_ignore_flags': np.array([index == 3]),
        'gt_keypoints': np.array([corners], np.float32),
        'gt_keypoints_visible': np.ones((1, 5), bool),
    }


def results_of(seed: int, index: int = 0, epoch: int = 0) -> dict[str, Any]:
    image = picture(index)
    raw: Callable[[int], dict[str, Any]] = picture
    return {
        **image,
        'img_shape': image['img'].shape[:2],
        'scale_factor': (1.0, 1.0),
        'rng': np.random.default_rng(seed),
        'epoch': epoch,
        'num_samples': 4,
        'raw_sample': raw,
    }


def bright(image: np.ndarray, blue: float) -> np.ndarray:
    """Where the rectangle of a given blue is, borders (mixed by interpolation) included."""
    return (image[..., 2] > 140) & (np.abs(image[..., 0].astype(int) - blue) < 5)


def check_faces(out: dict[str, Any], margin: float) -> int:
    """Each bright region of the image is bounded by a box; return how many boxes were compared."""
    image = out['img']
    labels = cv2.connectedComponentsWithStats((image[..., 2] > 140).astype(np.uint8))
    areas = labels[2][1:]
    found = np.array([[x, y, x + w, y + h] for x, y, w, h, area in areas if area > 30], float).reshape(-1, 4)
    boxes = out['gt_bboxes']
    for box in found:
        assert np.abs(boxes - box).max(1).min() <= margin, (box, boxes)
    return len(found)


def test_mosaic_boxes_bound_the_faces_of_four_images() -> None:
    compared = 0
    for seed in range(30):
        out = Mosaic(size=128).transform(results_of(seed))
        assert out['img'].shape == (256, 256, 3) and out['img_shape'] == (256, 256)
        assert all(
            len(out[key]) == len(out['gt_bboxes']) for key in ('gt_bboxes_labels', 'gt_ignore_flags', 'gt_keypoints')
        )
        compared += check_faces(out, margin=1.5)
        points, seen = out['gt_keypoints'], out['gt_keypoints_visible']
        assert (seen == ((points >= 0) & (points <= 256)).all(2)).all()
        # The middle of a face that is wholly there is bright.
        for face in np.flatnonzero(seen.all(1)):
            x, y = points[face, 2].astype(int)
            assert out['img'][y, x, 2] > 140
    assert compared > 60


def test_mosaic_gathers_around_the_point_in_the_middle_half() -> None:
    for seed in range(20):
        out = Mosaic(size=128, fill=7).transform(results_of(seed))
        image = out['img'].astype(int).max(2)
        covered = image != 7
        # Every image touches the point: rows and columns near it are covered on both sides.
        rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
        assert rows.min() < 192 and rows.max() > 64 and columns.min() < 192 and columns.max() > 64
        assert {int(v) for v in np.unique(image[covered])} <= set(range(20, 24)) | set(range(25, 256))


def test_a_sample_that_is_not_joined_is_letterboxed() -> None:
    for transform in (Mosaic(prob=0.0, size=128), Mosaic(size=128, stop_epoch=3)):
        out = transform.transform(results_of(0, epoch=3))
        # 160 x 90 becomes 128 x 72, with 28 rows of grey above and below.
        assert out['img'].shape == (128, 128, 3)
        assert (
            (out['img'][:28] == 114).all() and (out['img'][28:100, :20] == 20).all() and (out['img'][100:] == 114).all()
        )
        assert check_faces(out, margin=1.0) == 1
    joined = [Mosaic(prob=0.3, size=64).transform(results_of(seed))['img'].shape[0] == 128 for seed in range(200)]
    assert 40 < sum(joined) < 80  # mean 60, standard deviation 6.5


@pytest.mark.parametrize(
    'arguments',
    [{'scale': 0.0, 'translate': 0.3}, {'scale': 0.5}, {'scale': 0.3, 'shear': 10.0}, {'scale': 0.0, 'degrees': 45.0}],
)
def test_affine_boxes_bound_the_turned_faces(arguments: dict[str, float]) -> None:
    compared = 0
    for seed in range(25):
        out = RandomAffine(size=128, **arguments).transform(results_of(seed, index=2))
        assert out['img'].shape == (128, 128, 3) and out['img_shape'] == (128, 128)
        compared += check_faces(out, margin=2.5 if 'degrees' in arguments else 1.5)
        for face in range(len(out['gt_bboxes'])):
            for point in np.flatnonzero(out['gt_keypoints_visible'][face]):
                x, y = out['gt_keypoints'][face, point]
                near = out['img'][max(int(y) - 2, 0) : int(y) + 3, max(int(x) - 2, 0) : int(x) + 3]
                assert near[..., 2].max() > 140, 'a corner of the bright rectangle is near every point'
    assert compared >= 20


def test_affine_without_any_change_cuts_out_the_middle() -> None:
    before = picture(2)
    out = RandomAffine(size=64, translate=0.0, scale=0.0).transform(results_of(0, index=2))
    np.testing.assert_array_equal(out['img'], before['img'][32:96, 32:96])
    np.testing.assert_allclose(out['gt_bboxes'], (before['gt_bboxes'] - 32).clip(0, 64), atol=1e-4)
    np.testing.assert_allclose(out['gt_keypoints'], before['gt_keypoints'] - 32, atol=1e-4)


def test_slivers_are_dropped_and_points_outside_are_not_visible() -> None:
    results = results_of(0, index=2)
    # In the 64 px cut from 32 on: 2 px wide; 3 px wide but 5 % of the face; 3 px of 6; whole.
    results['gt_bboxes'] = np.array(
        [[94, 40, 104, 50], [93, 40, 153, 60], [30, 40, 35, 50], [40, 40, 60, 60]], np.float32
    )
    for key in ('gt_bboxes_labels', 'gt_ignore_flags', 'gt_keypoints', 'gt_keypoints_visible'):
        results[key] = np.repeat(results[key], 4, axis=0)
    results['gt_keypoints'][3] = [[40, 40], [97, 40], [50, 31], [96, 96], [60, 60]]
    out = RandomAffine(size=64, translate=0.0, scale=0.0, min_size=2, min_visible=0.1).transform(results)
    np.testing.assert_allclose(out['gt_bboxes'], [[0, 8, 3, 18], [8, 8, 28, 28]], atol=1e-4)
    assert out['gt_keypoints_visible'][1].tolist() == [True, False, False, True, True]


def test_the_affine_map_is_uniform_in_the_published_ranges() -> None:
    factors, shifts = [], []
    for seed in range(300):
        out = (
            RandomAffine(size=4000, translate=0.1, scale=0.5, min_size=0).transform(
                {**results_of(seed, index=2), 'img': np.zeros((128, 128, 3), np.uint8)}
            )
            if seed < 3
            else None
        )
        matrix = RandomAffine(size=640, translate=0.1, scale=0.5)._matrix(np.random.default_rng(seed), 640, 640)
        factors.append(matrix[0, 0])
        shifts.append((matrix[:2] @ [320, 320, 1] - 320) / 640)
        assert out is None or len(out['gt_bboxes']) == 1
    assert 0.5 < min(factors) < 0.52 and 1.48 < max(factors) < 1.5 and abs(np.mean(factors) - 1) < 0.05
    assert -0.1 < np.min(shifts) < -0.095 and 0.095 < np.max(shifts) < 0.1


PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'Mosaic', 'size': 64},
    {'type': 'RandomAffine', 'size': 64},
    {'type': 'RandomHSV'},
    {'type': 'PackFaceInputs'},
]


def test_samples_of_data_sets_depend_on_seed_epoch_and_index(tmp_path: Path) -> None:
    for i in range(5):
        cv2.imwrite(str(tmp_path / f'{i}.png'), picture(i)['img'])
    folder = [Folder(data_root=str(tmp_path), pipeline=PIPELINE) for _ in range(2)]
    scenes = [
        SynthFacesDataset(num_scenes=4, size=(64, 64), scene_epochs=1, cache_mib=cache, pipeline=PIPELINE)
        for cache in (0, 8)
    ]
    for first, second in (folder, scenes):
        a = [first[i]['inputs'] for i in (0, 1, len(first))]
        b = [second[i]['inputs'] for i in (len(second), 1, 0)][::-1]
        assert all((x == y).all() for x, y in zip(a, b))
        assert not (a[0] == a[2]).all(), 'another epoch, another mosaic'


def test_a_broken_image_in_a_mosaic_is_named(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f'{i}.png'), picture(i)['img'])
    (tmp_path / '1.png').write_bytes(b'broken')
    data = Folder(data_root=str(tmp_path), pipeline=PIPELINE)
    samples = [data[i * 3]['data_samples'] for i in range(12)]
    assert all('1.png' in name for sample in samples for name in sample.get('replaced', []))
    assert any('replaced' in sample for sample in samples)
    assert {sample.img_id for sample in samples} == {'0'}, 'the image itself is not replaced'


@pytest.mark.parametrize(
    ('transform', 'arguments', 'match'),
    [
        (Mosaic, {'prob': 1.5}, 'prob'),
        (Mosaic, {'size': 1}, 'size'),
        (RandomAffine, {'scale': 1.0}, 'scale'),
        (RandomAffine, {'shear': 90}, 'shear'),
        (RandomAffine, {'translate': -0.1}, 'translate'),
    ],
)
def test_arguments_without_meaning(transform: type, arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        transform(**arguments)
