from __future__ import annotations

import numpy as np
import pytest

from faceresearch.transforms import sanitize as module
from faceresearch.transforms.sanitize import SanitizeBoxes, clip_boxes

#: Inside; crossing two borders; beyond the right border; not finite; touching the lower border from outside.
BOXES = np.array([[1, 2, 10, 20], [-5, 40, 30, 70], [100, 5, 120, 9], [np.nan, 1, 5, 5], [10, 50, 20, 60]], np.float32)


@pytest.fixture
def log(monkeypatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(module, 'print_log', lambda message, **_: seen.append(message))
    return seen


def sample() -> dict:
    return {
        'img_path': 'e/a.jpg',
        'img_shape': (50, 100),
        'gt_bboxes': BOXES.copy(),
        'gt_bboxes_labels': np.arange(5),
        'gt_ignore_flags': np.array([False, True, False, False, False]),
        'gt_keypoints': np.arange(50, dtype=np.float32).reshape(5, 5, 2),
        'gt_keypoints_visible': np.ones((5, 5), bool),
    }


def test_faces_outside_the_image_are_dropped_from_every_array(log):
    results = SanitizeBoxes().transform(sample())
    assert results['gt_bboxes'].tolist() == [[1, 2, 10, 20], [0, 40, 30, 50]]
    assert results['gt_bboxes_labels'].tolist() == [0, 1]
    assert results['gt_ignore_flags'].tolist() == [False, True]
    assert len(results['gt_keypoints']) == len(results['gt_keypoints_visible']) == 2


def test_boxes_may_keep_what_lies_beyond_the_border(log):
    assert SanitizeBoxes(clip=False).transform(sample())['gt_bboxes'].tolist() == BOXES[:2].tolist()


def test_small_faces_are_measured_inside_the_image(log):
    # The second box keeps 30 x 10 pixels.
    assert len(SanitizeBoxes(min_size=9.0).transform(sample())['gt_bboxes']) == 1
    assert len(SanitizeBoxes(min_size=8.0).transform(sample())['gt_bboxes']) == 2
    assert len(SanitizeBoxes(min_size=10.0).transform(sample())['gt_bboxes']) == 0


def test_the_first_three_dropped_boxes_are_named(log):
    transform = SanitizeBoxes()
    for _ in range(2):
        transform.transform(sample())
    assert len(log) == 3
    assert log[0].startswith('e/a.jpg: box (100, 5, 120, 9) is outside the image of 100 x 50')


def test_samples_without_boxes_or_with_a_broken_image_pass(log):
    assert SanitizeBoxes().transform({'img_shape': (5, 5)}) == {'img_shape': (5, 5)}
    empty = {'img_shape': (5, 5), 'gt_bboxes': np.zeros((0, 4), np.float32)}
    assert len(SanitizeBoxes().transform(empty)['gt_bboxes']) == 0
    broken = {**sample(), 'img_broken': True}
    assert len(SanitizeBoxes().transform(broken)['gt_bboxes']) == 5
    assert log == []


def test_clip_boxes_is_by_width_and_height():
    assert clip_boxes(np.array([[-1.0, -2, 30, 40]]), (10, 20)).tolist() == [[0, 0, 20, 10]]
