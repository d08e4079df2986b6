"""YOLOv8-Face's losses: closed forms and what does not count."""

from __future__ import annotations

import math

import pytest
import torch

from faceresearch.errors import UserError
from faceresearch.models.losses import DistributionFocalLoss, IoULoss, OKSKeypointLoss, YOLOv8FaceLoss
from faceresearch.models.losses.dfl import expected_distance
from faceresearch.models.losses.yolov8_face import GridOutputs, GridTargets


def test_expected_distance() -> None:
    logits = torch.tensor([[0.0, 0, -math.inf, -math.inf], [-math.inf, -math.inf, -math.inf, 5]])
    assert expected_distance(logits, torch.arange(4.0)).tolist() == [0.5, 3.0]


def test_distribution_focal_loss_is_cross_entropy_with_the_two_steps_around_the_target() -> None:
    probabilities = torch.tensor([0.1, 0.2, 0.6, 0.1], dtype=torch.float64)
    loss = DistributionFocalLoss(margin=0.01)
    targets = torch.tensor([1.25, 2.0, -3.0, 100.0], dtype=torch.float64)
    expected = [
        -0.75 * math.log(0.2) - 0.25 * math.log(0.6),
        -math.log(0.6),
        -math.log(0.1),
        # Clipped to 2.99.
        -0.01 * math.log(0.6) - 0.99 * math.log(0.1),
    ]
    assert loss(probabilities.log().expand(4, 4), targets).tolist() == pytest.approx(expected, rel=1e-12)


def keypoints(offset: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    targets = torch.tensor([[[10.0, 20.0], [30.0, 40.0]]], dtype=torch.float64)
    return targets + torch.tensor(offset), targets


@pytest.mark.parametrize(
    ('distance', 'd'), [('l2', 25.0), ('wing', 10 * math.log(1 + 3 / 2) + 10 * math.log(1 + 4 / 2))]
)
def test_oks_of_a_face_whose_points_are_all_off_by_three_and_four(distance: str, d: float) -> None:
    found, targets = keypoints((3, -4))
    loss = OKSKeypointLoss(sigma=0.2, distance=distance)  # type: ignore[arg-type]
    value = loss(found, targets, torch.ones(1, 2, dtype=torch.bool), torch.tensor([100.0], dtype=torch.float64))
    assert value.item() == pytest.approx(1 - math.exp(-d / 0.4**2 / 100 / 2), rel=1e-9)


def test_points_that_are_not_visible_do_not_count() -> None:
    found, targets = keypoints((3, -4))
    found.requires_grad_()
    targets[0, 1] = math.nan
    visible = torch.tensor([[True, False]])
    area = torch.tensor([100.0], dtype=torch.float64)
    loss = OKSKeypointLoss(distance='l2')
    value = loss(found, targets, visible, area)
    value.backward()
    assert value.item() == pytest.approx(1 - math.exp(-25 / 0.4**2 / 100 / 2), rel=1e-9)
    assert found.grad is not None and found.grad[0, 0].abs().min() > 0 and found.grad[0, 1].tolist() == [0, 0]
    assert loss(found, targets, torch.zeros_like(visible), area) == 0


def test_unknown_distance_is_one_line() -> None:
    with pytest.raises(UserError, match=r"unknown distance 'l1'; use 'l2' or 'wing'"):
        OKSKeypointLoss(distance='l1')  # type: ignore[arg-type]


def grid(visible: bool = True) -> tuple[GridOutputs, GridTargets, torch.Tensor]:
    """One image of three points, of which the first is a face of 32 x 32 px at stride 8, found exactly."""
    box = torch.tensor([[[0.0, 0, 32, 32]]]).expand(1, 3, 4)
    points = torch.tensor([[[8.0, 8], [24, 8]]]).expand(1, 3, 2, 2)
    outputs = GridOutputs(torch.zeros(1, 3, 4, 16), box, torch.zeros(1, 3), points, torch.zeros(1, 3, 2))
    positive = torch.tensor([[True, False, False]])
    targets = GridTargets(
        positive,
        positive * 1.0,
        torch.tensor([[False, False, True]]),
        box,
        torch.full((1, 3, 4), 2.0),
        points,
        torch.full((1, 3, 2), visible),
    )
    return outputs, targets, torch.full((3,), 8.0)


def build(**changes: object) -> YOLOv8FaceLoss:
    return YOLOv8FaceLoss(IoULoss('mpdiou'), DistributionFocalLoss(), OKSKeypointLoss(), **changes)  # type: ignore[arg-type]


def test_a_face_found_exactly() -> None:
    losses = build()(*grid())
    assert losses['loss_box'].item() == pytest.approx(0, abs=1e-5)
    assert losses['loss_keypoint'] == 0
    assert losses['loss_dfl'].item() == pytest.approx(1.5 * math.log(16))
    # Two points with logit 0; the third is ignored. The sum of qualities is 1.
    assert losses['loss_cls'].item() == pytest.approx(0.5 * 2 * math.log(2))
    assert losses['loss_visibility'].item() == pytest.approx(math.log(2))


def test_every_loss_is_multiplied_by_the_number_of_images() -> None:
    outputs, targets, strides = grid()
    once = build()(outputs, targets, strides)
    twice = build()(
        GridOutputs(*(torch.cat([t, t]) for t in outputs)), GridTargets(*(torch.cat([t, t]) for t in targets)), strides
    )
    for name, value in once.items():
        assert twice[name].item() == pytest.approx(2 * value.item(), abs=1e-5), name


def test_faces_without_landmarks_may_leave_visibility_alone() -> None:
    assert build()(*grid(visible=False))['loss_visibility'].item() == pytest.approx(math.log(2))
    assert build(missing_is_invisible=False)(*grid(visible=False))['loss_visibility'] == 0
    assert build()(*grid(visible=False))['loss_keypoint'] == 0
