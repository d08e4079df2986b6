"""Scenes and portraits of version 1.0 stay what they are: labels and data sets are added beside them."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.synth import RENDERER_VERSION, render_scene
from faceresearch.synth.person import sample_person
from faceresearch.synth.portrait import PORTRAIT_VERSION, render_portrait


def quarters(image: np.ndarray) -> np.ndarray:
    """Mean grey of the four quarters."""
    h, w = image.shape[:2]
    return image.reshape(2, h // 2, 2, w // 2, 3).mean((1, 3, 4)).ravel()


# Written down from the renderer as it was when these versions were frozen. Means to a fifth of a grey level: another
# version of OpenCV may round a pixel otherwise, while any other draw of a random number changes everything.
@pytest.mark.parametrize(
    ('number', 'means', 'boxes'),
    [
        (0, [74.01, 110.37, 76.45, 69.22], [[86.8125, 59.8125, 99.6875, 76.125], [71.3125, 55.375, 86.5, 72.3125]]),
        (1, [135.64, 100.53, 209.46, 120.73], [[55.0625, 34.75, 87.125, 77.9375]]),
        (
            2,
            [128.22, 104.12, 124.21, 121.02],
            [[113.25, 133.125, 117.4375, 141.0625], [175.625, 90.125, 181.75, 99.5625]],
        ),
        (3, [111.37, 99.37, 90.88, 105.22], [[33.75, 97.4375, 49.3125, 115.5625], [84.4375, 28.8125, 97.125, 47.1875]]),
    ],
)
def test_scenes_are_those_of_version_1(number: int, means: list[float], boxes: list[list[float]]) -> None:
    assert RENDERER_VERSION == '1.0'
    scene = render_scene((77, number), (160, 192))
    np.testing.assert_allclose(quarters(scene.image), means, atol=0.2)
    np.testing.assert_allclose(scene.bboxes[: len(boxes)], boxes, atol=0.07)


@pytest.mark.parametrize(
    ('number', 'means'),
    [
        (0, [56.74, 89.1, 63.85, 86.54]),
        (1, [107.11, 133.02, 115.28, 123.11]),
        (2, [130.99, 115.58, 128.58, 116.33]),
        (3, [63.35, 64.51, 68.78, 71.42]),
    ],
)
def test_portraits_are_those_of_version_1(number: int, means: list[float]) -> None:
    assert PORTRAIT_VERSION == '1.0'
    np.testing.assert_allclose(
        quarters(render_portrait((5, number), sample_person(2_000_200 + number)).image), means, atol=0.2
    )
