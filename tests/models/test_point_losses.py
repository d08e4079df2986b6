"""Losses of points and heatmaps, against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from faceresearch.errors import UserError
from faceresearch.models.losses import AdaptiveWingLoss, SmoothL1PointLoss, SoftWingLoss, soft_wing


def test_soft_wing_is_the_formula_and_continuous() -> None:
    offset = 2 - 20 * math.log(1 + 2 / 0.5)
    values = soft_wing(torch.tensor([0.0, -1.5, 3.0, -40.0], dtype=torch.float64))
    expected = [0, 1.5, 20 * math.log(1 + 3 / 0.5) + offset, 20 * math.log(1 + 40 / 0.5) + offset]
    assert torch.allclose(values, torch.tensor(expected, dtype=torch.float64))
    around = soft_wing(torch.tensor([2 - 1e-9, 2 + 1e-9], dtype=torch.float64))
    assert abs(around[0] - around[1]) < 1e-7


def test_smooth_l1_is_the_formula() -> None:
    difference = torch.tensor([[[0.5, -3.0]]])
    loss = SmoothL1PointLoss(beta=2.0)(difference, torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool))
    assert loss.item() == pytest.approx((0.25 / 4 + 3 - 1) / 2)
    with pytest.raises(UserError, match='beta'):
        SmoothL1PointLoss(beta=0.0)


@pytest.mark.parametrize('loss', [SoftWingLoss(), SmoothL1PointLoss()])
def test_hidden_points_do_not_count(loss: torch.nn.Module) -> None:
    points = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]], requires_grad=True)
    targets = torch.tensor([[[0.0, 0.0], [math.nan, math.nan]]])
    visible = torch.tensor([[True, False]])
    value = loss(points, targets, visible)
    value.backward()
    assert value.isfinite()
    assert points.grad is not None
    assert points.grad[0, 1].abs().sum() == 0
    assert loss(points, targets, torch.zeros(1, 2, dtype=torch.bool)) == 0


def test_adaptive_wing_is_mmposes() -> None:
    """The same values and gradients as mmpose's, which weighs every place alike too."""
    from mmpose.models.losses import AdaptiveWingLoss as Theirs

    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, 8, 8, generator=generator, dtype=torch.float64)
    ours = torch.rand(2, 3, 8, 8, generator=generator, dtype=torch.float64).mul(1.6).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weights = torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.0, 2.0]], dtype=torch.float64)
    one = AdaptiveWingLoss()(ours, target, weights)
    # theirs multiplies before the loss: compared where weights are 1, and ours by its own definition elsewhere
    plain, expected = AdaptiveWingLoss()(ours, target), Theirs()(theirs, target)
    assert torch.allclose(plain, expected, atol=1e-12)
    plain.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)
    single = [
        AdaptiveWingLoss()(ours[n : n + 1, k : k + 1], target[n : n + 1, k : k + 1]) for n in (0, 1) for k in range(3)
    ]
    assert torch.allclose(one, (torch.stack(single) * weights.flatten()).mean())
