"""What is hidden stays hidden: whatever the image, the box and the kind."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from faceresearch.analysis.anonymize import KINDS, Kind, anonymize, fill_gaps
from faceresearch.errors import UserError
from faceresearch.transforms.loading import read_image


def noise(height: int = 120, width: int = 160) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


#: Inside, over each border and corner, larger than the image, thin, of few pixels, fractional.
BOXES = [
    *((x, y, x + 40.0, y + 50.0) for x, y in itertools.product((-20, 60, 140), (-25, 40, 100))),
    (-500.0, -500.0, 900.0, 900.0),
    (50.0, 10.0, 52.0, 110.0),
    (50.0, 50.0, 51.0, 51.0),
    (50.2, 50.7, 50.4, 50.9),
    (10.6, 20.3, 33.3, 47.9),
    (159.0, 119.0, 400.0, 400.0),
]


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('box', BOXES)
def test_every_pixel_of_a_face_is_made_of_few_colours(kind: Kind, box: tuple[float, ...]) -> None:
    image = noise()
    hidden = anonymize(image, np.array([box]), kind, grow=0.0)
    x1, y1 = np.floor(np.maximum(box[:2], 0)).astype(int)
    x2, y2 = np.ceil(np.minimum(box[2:], (160, 120))).astype(int)
    before, after = image[y1:y2, x1:x2].astype(int), hidden[y1:y2, x1:x2].astype(int)
    outside = np.ones(image.shape[:2], bool)
    outside[y1:y2, x1:x2] = False
    assert (hidden[outside] == image[outside]).all() and hidden.shape == image.shape
    if kind == 'black':
        assert (after == 0).all()
        return
    if kind == 'ellipse':
        y, x = np.mgrid[y1:y2, x1:x2] + 0.5
        centre, half = np.add(box[:2], box[2:]) / 2, np.subtract(box[2:], box[:2]) / 2
        inner = ((x - centre[0]) / half[0]) ** 2 + ((y - centre[1]) / half[1]) ** 2 <= 1
    else:
        inner = np.ones(before.shape[:2], bool)
    # Random pixels: next to none of them may have the value it had, by more than chance.
    assert (after[inner] == before[inner]).all(-1).sum() <= 0.02 * inner.sum()
    if kind == 'pixelate':
        assert len(np.unique(after.reshape(-1, 3), axis=0)) <= 36


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_but_means_of_tiles_is_left(kind: Kind) -> None:
    """Two faces with the same means of tiles look the same when hidden: no filter can tell them apart again."""
    first = noise(240, 240)
    # Mirrored within each of 6 x 6 tiles of 20 pixels.
    tiles = first[60:180, 60:180].reshape(6, 20, 6, 20, 3)
    second = first.copy()
    second[60:180, 60:180] = tiles[:, ::-1, :, ::-1].reshape(120, 120, 3)
    box = np.array([[60, 60, 180, 180]])
    if kind == 'ellipse':
        # Of this one, within the ellipse: beyond it the image stays.
        y, x = np.mgrid[:240, :240] + 0.5
        seen = (x - 120) ** 2 + (y - 120) ** 2 <= 60**2
    else:
        seen = np.ones((240, 240), bool)
    hidden = [anonymize(image, box, kind, grow=0.0, cells=6) for image in (first, second)]
    assert (first[seen] != second[seen]).any() and (hidden[0][seen] == hidden[1][seen]).all()


def test_boxes_grow_on_every_side() -> None:
    hidden = anonymize(np.full((100, 100, 3), 200, np.uint8), np.array([[40, 30, 60, 70]]), 'black', grow=0.25)
    rows, columns = np.nonzero((hidden == 0).all(-1))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (20, 80, 35, 65)


def test_images_without_faces_and_boxes_outside() -> None:
    image = noise()
    assert (anonymize(image, np.zeros((0, 4))) == image).all()
    assert (anonymize(image, np.array([[200, 200, 240, 240]]), 'black') == image).all()
    grey = anonymize(image[..., 0], np.array([[40, 30, 90, 90]]), 'gaussian')
    assert grey.shape == (120, 160) and (grey[40:80, 50:80] != image[40:80, 50:80, 0]).mean() > 0.9


def test_a_box_that_is_none_is_not_passed_over() -> None:
    with pytest.raises(UserError, match='finite'):
        anonymize(noise(), np.array([[0, 0, np.nan, 10]]))
    with pytest.raises(UserError, match='one of pixelate'):
        anonymize(noise(), np.zeros((0, 4)), 'blur')  # type: ignore[arg-type]


def test_on_a_photograph(test_data: Path) -> None:
    """A real face: detail finer than a tile is gone, the colours of the whole stay."""
    image = read_image(next((test_data / 'cfp').rglob('frontal/01.jpg')))
    height, width = image.shape[:2]
    box = np.array([[0, 0, width, height]])
    for kind in KINDS[:2]:
        hidden = anonymize(image, box, kind, grow=0.0)
        np.testing.assert_allclose(hidden.mean((0, 1)), image.mean((0, 1)), atol=6)
        # Differences of neighbours, but at the rims of tiles: there were many, there are next to none.
        fine = [np.abs(np.diff(each.astype(int), axis=1)).mean() for each in (image, hidden)]
        assert fine[1] < fine[0] / 2


def held(seen: dict[int, float], length: int, reach: int) -> list[float | None]:
    """Return where a face that is seen at x in some frames is hidden, in every frame."""
    frames = [
        (t, {7: np.array([seen[t], 0, seen[t] + 10, 10])} if t in seen else {}, np.zeros((0, 4))) for t in range(length)
    ]
    out = list(fill_gaps(frames, reach))
    assert [t for t, _ in out] == list(range(length))
    return [boxes[0, 0] if len(boxes) else None for _, boxes in out]


def test_faces_stay_hidden_where_they_are_missed() -> None:
    # Seen at 3 and 4, missed at 5 to 7, seen at 8, never again.
    seen = {3: 30.0, 4: 40.0, 8: 80.0}
    assert held(seen, 12, 0) == [None] * 3 + [30, 40] + [None] * 3 + [80] + [None] * 3
    assert held(seen, 12, 2) == [None, 30, 30, 30, 40, 40, 60, 80, 80, 80, 80, None]
    assert held(seen, 12, 4) == [30, 30, 30, 30, 40, 50, 60, 70, 80, 80, 80, 80]
    assert held({}, 3, 2) == [None] * 3 and held({0: 5.0}, 1, 4) == [5]


def test_boxes_without_a_track_are_hidden_in_their_frame() -> None:
    loose = np.array([[1.0, 2, 3, 4]])
    frames = [('a', {}, np.zeros((0, 4))), ('b', {1: np.array([5.0, 5, 9, 9])}, loose), ('c', {}, np.zeros((0, 4)))]
    out = {name: boxes.tolist() for name, boxes in fill_gaps(iter(frames), 1)}
    assert out == {'a': [[5, 5, 9, 9]], 'b': [[1, 2, 3, 4], [5, 5, 9, 9]], 'c': [[5, 5, 9, 9]]}
