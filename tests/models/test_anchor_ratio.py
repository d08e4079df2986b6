"""Which anchors answer for which face, worked by hand."""

from __future__ import annotations

import torch

from faceresearch.models.heads.anchor_ratio import match_anchors
from faceresearch.models.heads.regions import cells_inside

ANCHORS = torch.tensor([[1.0, 1], [5, 5]])


def pairs(boxes: list[list[float]], anchors: torch.Tensor = ANCHORS) -> list[tuple[int, ...]]:
    """(face, anchor, row, column) in the order of the assigner, on a grid of 4 rows and 5 columns."""
    return list(zip(*(part.tolist() for part in match_anchors(torch.tensor(boxes).view(-1, 4), anchors, (4, 5)))))


def test_own_cell_and_the_two_nearest() -> None:
    # The centre is in column 1, in its left part, and in row 2, in its lower part.
    assert pairs([[1.3, 2.8, 1, 1]]) == [(0, 0, 2, 1), (0, 0, 2, 0), (0, 0, 3, 1)]
    assert pairs([[1.7, 2.2, 1, 1]]) == [(0, 0, 2, 1), (0, 0, 1, 1), (0, 0, 2, 2)]


def test_the_grid_has_an_end() -> None:
    assert pairs([[0.2, 0.2, 1, 1]]) == [(0, 0, 0, 0)]
    assert pairs([[4.9, 3.9, 1, 1]]) == [(0, 0, 3, 4)]


def test_a_centre_in_the_middle_of_a_cell_has_no_neighbours() -> None:
    assert pairs([[2.5, 1.5, 1, 1]]) == [(0, 0, 1, 2)]


def test_shapes_fit_within_a_factor_of_four() -> None:
    middle = [2.5, 1.5]
    assert pairs([[*middle, 3.9, 1]]) == [(0, 0, 1, 2)]  # 5 / 1 is too much for the second
    assert pairs([[*middle, 4.0, 1]]) == []
    assert pairs([[*middle, 0.26, 1]]) == [(0, 0, 1, 2)]
    assert pairs([[*middle, 0.25, 1]]) == []
    assert pairs([[*middle, 2, 2]]) == [(0, 0, 1, 2), (0, 1, 1, 2)]


def test_no_faces() -> None:
    assert pairs([]) == []


def test_cells_whose_middle_lies_in_a_region() -> None:
    inside = cells_inside(torch.tensor([[0.6, 0, 2.4, 1.4]]), (3, 4))
    assert inside.nonzero().tolist() == [[0, 1]]
    assert not cells_inside(torch.zeros(0, 4), (3, 4)).any()
