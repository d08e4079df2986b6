"""The IoU family against closed forms and torchvision."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

from faceresearch.errors import UserError
from faceresearch.models.losses import IoULoss, elementwise_iou

A, B = torch.tensor([[0.0, 0, 2, 2]], dtype=torch.float64), torch.tensor([[1.0, 1, 3, 3]], dtype=torch.float64)
WIDE, TALL = torch.tensor([[0.0, 0, 2, 1]], dtype=torch.float64), torch.tensor([[0.0, 0, 1, 2]], dtype=torch.float64)


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [('iou', 1 / 7), ('giou', 1 / 7 - 2 / 9), ('diou', 1 / 7 - 2 / 18), ('ciou', 1 / 7 - 2 / 18)],
)
def test_two_squares(kind: str, expected: float) -> None:
    assert elementwise_iou(A, B, kind, eps=0).item() == pytest.approx(expected, abs=1e-12)


def test_mpdiou_counts_both_corners() -> None:
    value = elementwise_iou(A, B, 'mpdiou', eps=0, diagonal=10.0).item()
    assert value == pytest.approx(1 / 7 - (2 + 2) / 100, abs=1e-12)
    with pytest.raises(ValueError, match='diagonal'):
        elementwise_iou(A, B, 'mpdiou')


def test_ciou_counts_the_aspect_ratio() -> None:
    aspect = 4 / math.pi**2 * (math.atan(0.5) - math.atan(2)) ** 2
    trade_off = aspect / (1 - 1 / 3 + aspect)
    expected = 1 / 3 - 0.5 / 8 - trade_off * aspect
    assert elementwise_iou(WIDE, TALL, 'ciou', eps=0).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ('kind', 'loss'),
    [('giou', generalized_box_iou_loss), ('diou', distance_box_iou_loss), ('ciou', complete_box_iou_loss)],
)
def test_values_and_gradients_are_torchvisions(kind: str, loss: Callable[..., Tensor]) -> None:
    corners = torch.rand(2, 50, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 100
    boxes, targets = torch.cat([corners.amin(2), corners.amax(2) + 1], -1)
    ours, theirs = boxes.clone().requires_grad_(), boxes.clone().requires_grad_()
    (1 - elementwise_iou(ours, targets, kind)).sum().backward()
    reference = loss(theirs, targets, reduction='none')
    reference.sum().backward()
    torch.testing.assert_close(1 - elementwise_iou(boxes, targets, kind), reference, atol=1e-7, rtol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize('kind', ['iou', 'giou', 'diou', 'ciou', 'mpdiou'])
def test_equal_boxes_are_worth_one_and_empty_ones_have_a_gradient(kind: str) -> None:
    assert elementwise_iou(A, A, kind, diagonal=5.0).item() == pytest.approx(1, abs=1e-6)
    empty = torch.zeros(1, 4, requires_grad=True)
    elementwise_iou(empty, torch.ones(1, 4) * torch.tensor([0, 0, 2, 2]), kind, diagonal=5.0).sum().backward()
    assert torch.isfinite(empty.grad).all()


def test_loss_is_a_weighted_mean() -> None:
    boxes, targets = torch.cat([A, A]), torch.cat([A, B])
    loss = IoULoss('iou', eps=0.0, loss_weight=2.0)
    assert loss(boxes, targets).item() == pytest.approx(2 * (6 / 7) / 2)
    weight = torch.tensor([1.0, 0.5], dtype=torch.float64)
    assert loss(boxes, targets, weight, avg_factor=3).item() == pytest.approx(2 * 0.5 * (6 / 7) / 3)
    assert loss(boxes[:0], targets[:0]).item() == 0


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r'siou.*giou'):
        IoULoss('siou')
