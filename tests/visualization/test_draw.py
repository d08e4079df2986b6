"""Drawing must leave its input alone, stay inside the image, and put things where they are said to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceresearch.visualization.draw import POINT_COLORS, draw_faces, line_width
from faceresearch.visualization.labels import LabelPlacer, shorten

GREY = 90
BOX = np.array([[60.0, 40.0, 160.0, 180.0]])
POINTS = np.array([[[85.0, 85.0], [135.0, 85.0], [110.0, 115.0], [90.0, 150.0], [130.0, 150.0]]])


def grey_image(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def changed(image: np.ndarray) -> np.ndarray:
    return (image != GREY).any(2)


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1], rows[-1]


def test_input_is_not_modified() -> None:
    image = grey_image()
    boxes, scores, points = BOX.copy(), np.array([0.9]), POINTS.copy()
    drawn = draw_faces(image, boxes, scores, points)
    assert changed(drawn).any()
    assert not changed(image).any()
    np.testing.assert_array_equal(boxes, BOX)
    np.testing.assert_array_equal(points, POINTS)


def test_no_faces_gives_an_equal_copy() -> None:
    image = grey_image()
    drawn = draw_faces(image, np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_box_lies_where_it_is() -> None:
    drawn = draw_faces(grey_image(), BOX, color=(0, 0, 255))
    x1, y1, x2, y2 = extent((drawn == (0, 0, 255)).all(2))
    width = line_width((240, 320), 118)
    for actual, wanted in zip((x1, y1, x2, y2), BOX[0]):
        assert abs(actual - wanted) <= width
    assert not changed(drawn)[80:140, 100:120].any(), 'the inside of a box is left free'


def test_five_points_have_their_own_colours() -> None:
    assert len(set(POINT_COLORS)) == 5
    drawn = draw_faces(grey_image(), BOX, keypoints=POINTS)
    for (x, y), color in zip(POINTS[0].astype(int), POINT_COLORS):
        assert tuple(drawn[y, x]) == color


def test_invisible_points_are_left_out() -> None:
    visible = np.array([[True, False, True, True, True]])
    drawn = draw_faces(grey_image(), BOX, keypoints=POINTS, visible=visible)
    hidden = POINTS[0, 1].astype(int)
    assert not changed(drawn)[hidden[1], hidden[0]]
    shown = POINTS[0, 0].astype(int)
    assert changed(drawn)[shown[1], shown[0]]


def test_points_of_tiny_faces_do_not_hide_them() -> None:
    box = np.array([[100.0, 100.0, 112.0, 114.0]])
    points = box[0, :2] + np.array([[[3, 4], [9, 4], [6, 7], [4, 11], [8, 11]]])
    drawn = draw_faces(grey_image(), box, keypoints=points)
    inside = changed(drawn)[102:112, 102:110]
    assert inside.any() and inside.mean() < 0.6


def test_dashed_lines_have_gaps() -> None:
    row = int(BOX[0, 1])
    solid = changed(draw_faces(grey_image(), BOX))[row, 62:158]
    dashed = changed(draw_faces(grey_image(), BOX, dashed=True))[row, 62:158]
    assert solid.all()
    assert 0.2 < dashed.mean() < 0.8


@pytest.mark.parametrize(
    'box',
    [
        [-500.0, -500.0, 5000.0, 5000.0],
        [1e12, 1e12, 2e12, 2e12],
        [-1e30, 0.0, 1e30, 50.0],
        [50.0, 50.0, 10.0, 10.0],
        [30.0, 30.0, 30.0, 30.0],
        [np.nan, 0.0, 10.0, 10.0],
        [0.0, 0.0, np.inf, 10.0],
    ],
)
@pytest.mark.parametrize('size', [(1, 1), (8, 12), (240, 320)])
def test_any_box_on_any_image(box: list[float], size: tuple[int, int]) -> None:
    points = np.full((1, 5, 2), box[0]) * np.array([1.0, -3.0])
    drawn = draw_faces(grey_image(*size), np.array([box]), np.array([0.5]), points)
    assert drawn.shape == (*size, 3) and drawn.dtype == np.uint8


def test_box_beyond_the_image_is_drawn_along_its_edge() -> None:
    drawn = draw_faces(grey_image(), np.array([[-100.0, 50.0, 600.0, 900.0]]))
    mask = changed(drawn)
    assert mask[60:, 0].all() and mask[60:, -1].all() and mask[-1].all()
    assert not mask[:40].any()


@pytest.mark.parametrize('size', [(60, 80), (240, 320), (1200, 1600), (3000, 4000)])
def test_score_is_legible_at_any_size(size: tuple[int, int]) -> None:
    """Text of at least seven pixels, growing with the image, of one colour on a plate of another."""
    height, width = size
    box = np.array([[0.4, 0.4, 0.6, 0.7]]) * [width, height, width, height]
    plain = draw_faces(grey_image(*size), box, np.array([0.9]), labels=[''])
    labelled = draw_faces(grey_image(*size), box, np.array([0.9]))
    x1, y1, x2, y2 = extent((plain != labelled).any(2))
    assert y2 - y1 + 1 >= max(8, height / 120)
    plate = labelled[y1 : y2 + 1, x1 : x2 + 1].reshape(-1, 3).astype(int)
    assert plate.sum(1).max() - plate.sum(1).min() > 300


def test_score_colour_goes_from_red_to_green() -> None:
    colours = []
    for score in (0.05, 0.95):
        drawn = draw_faces(grey_image(), BOX, np.array([score]), labels=[''])
        colours.append(drawn[110, 60].astype(int))
    assert colours[0][2] > colours[0][1] and colours[1][1] > colours[1][2]


def test_labels_do_not_cover_each_other() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 260, (60, 2))
    boxes = np.hstack([corners, corners + rng.uniform(10, 60, (60, 2))])
    placer = LabelPlacer((320, 320), boxes)
    placed = []
    for box in boxes:
        corner = placer.place(box, 30, 11)
        if corner is not None:
            placed.append((corner[0], corner[1], corner[0] + 30, corner[1] + 11))
    assert len(placed) > 10
    canvas = np.zeros((320, 320), int)
    for x1, y1, x2, y2 in placed:
        assert x1 >= 0 and y1 >= 0 and x2 <= 320 and y2 <= 320
        canvas[y1:y2, x1:x2] += 1
    assert canvas.max() == 1


def test_label_that_does_not_fit_is_left_out() -> None:
    assert LabelPlacer((20, 20), BOX).place(BOX[0], 30, 11) is None


def test_shorten_keeps_both_ends() -> None:
    text = 'a_rather_long_file_name_of_a_photograph_0001.jpg'
    short = shorten(text, 9, 150)
    width = cv2.getTextSize(short, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][0]
    full = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][0]
    assert width < full
    assert short.startswith('a_') and short.endswith('0001.jpg')
    assert shorten('x.jpg', 9, 150) == 'x.jpg'


def test_close_points_stay_apart() -> None:
    """Nine points six pixels apart on a large face, of no scheme: nine spots, not one."""
    points = np.array([[[60.0 + 6 * (i % 3), 60.0 + 6 * (i // 3)] for i in range(9)]])
    drawn = draw_faces(np.full((300, 300, 3), 90, np.uint8), np.array([[20.0, 20.0, 280.0, 280.0]]), keypoints=points)
    part = drawn[50:84, 50:84].astype(int)
    yellow = ((part[..., 2] - part[..., 0]) > 100).astype(np.uint8)
    assert cv2.connectedComponents(yellow, connectivity=4)[0] - 1 == 9


def test_points_have_the_colour_of_their_part() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(40, 260, (1, 28, 2))
    points[0, 23], points[0, 25] = (150.0, 20.0), (150.0, 280.0)
    image = np.full((300, 300, 3), 90, np.uint8)
    drawn = draw_faces(image, np.array([[2.0, 2.0, 298.0, 298.0]]), keypoints=points, scheme='anime28')
    assert drawn[20, 150].tolist() == [90, 255, 90], 'the nose is green'
    assert drawn[280, 150].tolist() == [180, 80, 255], 'the mouth is pink'
