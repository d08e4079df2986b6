"""Which images a detector fails on most, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.evaluation.detection_failures import JudgedDetections, detection_failures
from faceresearch.visualization.failures import FALSE_COLOR, FOUND_COLOR, MISSED_COLOR


def square(x: float, y: float = 10) -> list[float]:
    return [x, y, x + 40, y + 40]


def image(name: str, found: list, scores: list, faces: list, counted: list | None = None) -> JudgedDetections:
    return JudgedDetections(
        name,
        np.array(found, np.float64).reshape(-1, 4),
        np.array(scores, np.float64),
        np.array(faces, np.float64).reshape(-1, 4),
        np.ones(len(faces), bool) if counted is None else np.array(counted, bool),
    )


IMAGES = [
    image('good', [square(10)], [0.9], [square(10)]),
    image('missed', [square(10)], [0.8], [square(10), square(100), square(200)]),
    # The second detection of one face is false; the one below the threshold does not count.
    image('false', [square(10), square(12), square(200), square(100)], [0.9, 0.85, 0.7, 0.1], [square(10)]),
    # What lies on a face that does not count is neither right nor wrong, however often.
    image('ignored', [square(100), square(103)], [0.9, 0.9], [square(100)], [False]),
]


def test_images_with_most_misses_and_false_detections_come_first() -> None:
    failures, note = detection_failures(IMAGES)
    assert [failure.names for failure in failures] == [('missed',), ('false',)]
    assert failures[0].caption == '2 of 3 faces missed, 0 false detections'
    # F1 is best from 0.8 on: three right, one wrong, two missed.
    assert failures[1].caption == '0 of 1 faces missed, 1 false detections'
    assert 'at least 0.800' in note and 'precision 0.750, recall 0.600' in note


def test_the_picture_shows_each_kind_in_its_colour() -> None:
    failures, _ = detection_failures(IMAGES)
    black = np.zeros((200, 300, 3), np.uint8)
    missed, false = (failure.draw([black]) for failure in failures)
    for picture, seen, unseen in (
        (missed, (FOUND_COLOR, MISSED_COLOR), (FALSE_COLOR,)),
        (false, (FOUND_COLOR, FALSE_COLOR), (MISSED_COLOR,)),
    ):
        assert picture.shape == (600, 900, 3)  # small images are enlarged
        assert all((picture == color).all(2).any() for color in seen)
        assert not any((picture == color).all(2).any() for color in unseen)
    assert not black.any()


@pytest.mark.parametrize('images', [[], [image('empty', [], [], [])], [image('blind', [], [], [square(10)])]])
def test_nothing_found_is_no_error(images: list[JudgedDetections]) -> None:
    failures, note = detection_failures(images)
    assert [failure.caption for failure in failures] == ['1 of 1 faces missed, 0 false detections'] * (
        sum(len(i.faces) for i in images)
    )
    assert 'precision 0.000' in note
