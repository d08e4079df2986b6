"""The Wing loss against its closed form."""

from __future__ import annotations

import math

import pytest
import torch

from faceresearch.models.losses import WingLoss, wing


def test_closed_form() -> None:
    x = torch.tensor([0.0, 2, -2, 10, 12, -110], dtype=torch.float64)
    offset = 10 - 10 * math.log(6)
    expected = [0, 10 * math.log(2), 10 * math.log(2), 10 * math.log(6), 12 - offset, 110 - offset]
    torch.testing.assert_close(wing(x), torch.tensor(expected, dtype=torch.float64))


def test_slope_is_that_of_a_logarithm_then_one() -> None:
    x = torch.tensor([1e-9, 3.0, 11.0], dtype=torch.float64, requires_grad=True)
    wing(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([5.0, 2.0, 1.0], dtype=torch.float64))


def test_mean_over_visible_coordinates() -> None:
    points, targets = torch.zeros(2, 2, 2), torch.tensor([[[2.0, 0], [5, 5]], [[0, -2], [9, 9]]])
    visible = torch.tensor([[True, False], [True, False]])
    assert WingLoss(loss_weight=0.5)(points, targets, visible).item() == pytest.approx(0.5 * 2 * 10 * math.log(2) / 4)


def test_what_is_not_visible_may_be_anything() -> None:
    points = torch.zeros(1, 2, 2, requires_grad=True)
    targets = torch.tensor([[[2.0, 2], [math.nan, math.inf]]])
    loss = WingLoss()(points, targets, torch.tensor([[True, False]]))
    loss.backward()
    assert loss.item() == pytest.approx(10 * math.log(2)) and points.grad[0, 1].tolist() == [0, 0]
    assert WingLoss()(points, targets, torch.zeros(1, 2).bool()).item() == 0
