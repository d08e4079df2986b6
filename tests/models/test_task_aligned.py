"""Assignment of grid points to faces by alignment, against an example worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from faceresearch.models.heads.regions import points_inside
from faceresearch.models.heads.task_aligned import assign_task_aligned

#: Two faces that share the second point; the last point is in neither.
POINTS = torch.tensor([[1.0, 1], [3, 1], [5, 1], [9, 9]], dtype=torch.float64)
FACES = torch.tensor([[0.0, 0, 4, 2], [2, 0, 6, 2]], dtype=torch.float64)
SCORES = torch.tensor([0.25, 0.64, 0.81, 1.0], dtype=torch.float64)
OVERLAPS = torch.tensor([[0.5, 0.8, 0.9, 0.9], [0.9, 0.5, 0.4, 0.9]], dtype=torch.float64)


def fixed(overlaps: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda faces, boxes: overlaps


def assign(topk: int, overlaps: Tensor = OVERLAPS, faces: Tensor = FACES) -> tuple[Tensor, Tensor, Tensor]:
    return assign_task_aligned(SCORES, torch.zeros(4, 4), POINTS, faces, fixed(overlaps), topk, alpha=0.5, beta=1.0)


def test_a_contested_point_goes_to_the_face_it_overlaps_most() -> None:
    # Alignment √score · overlap: face 0 has 0.25, 0.64; face 1 has 0.40, 0.36. Both choose the second point.
    face, positive, quality = assign(topk=1)
    assert positive.tolist() == [False, True, False, False]
    assert face[1] == 0
    # The best of its face: its quality is the face's best overlap.
    assert quality.tolist() == pytest.approx([0, 0.8, 0, 0])


def test_quality_is_alignment_relative_to_the_face_s_best_times_its_best_overlap() -> None:
    face, positive, quality = assign(topk=2)
    assert positive.tolist() == [True, True, True, False]
    assert face[:3].tolist() == [0, 0, 1]
    # Face 1 lost the second point: its best is now the third.
    assert quality.tolist() == pytest.approx([0.25 / 0.64 * 0.8, 0.8, 0.4, 0])


def test_points_outside_never_count_even_if_topk_asks_for_more_than_there_are() -> None:
    _, positive, quality = assign(topk=10)
    assert not positive[3] and quality[3] == 0
    assert positive[:3].all()


def test_a_face_without_a_point_inside_has_none_and_leaves_the_others_alone() -> None:
    faces = torch.cat([FACES, torch.tensor([[3.2, 0.2, 3.8, 0.8]], dtype=torch.float64)])
    overlaps = torch.cat([OVERLAPS, torch.full((1, 4), 0.9, dtype=torch.float64)])
    for ours, expected in zip(assign(2, overlaps, faces), assign(2)):
        assert ours.tolist() == expected.tolist()


def test_no_face() -> None:
    face, positive, quality = assign(1, torch.zeros(0, 4), torch.zeros(0, 4, dtype=torch.float64))
    assert face.shape == (4,) and not positive.any() and not quality.any()


def test_negative_overlaps_count_as_none() -> None:
    _, _, quality = assign(2, -OVERLAPS)
    assert quality.tolist() == [0, 0, 0, 0]


def test_a_point_on_the_border_is_outside() -> None:
    box = torch.tensor([[0.0, 0, 4, 4]])
    points = torch.tensor([[0.0, 2], [2, 4], [4, 4], [2, 2], [5, 2]])
    assert points_inside(points, box).tolist() == [[False, False, False, True, False]]
