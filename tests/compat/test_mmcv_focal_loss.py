"""Sigmoid focal loss through mmcv's own function, against binary cross-entropy and differences of its outputs."""

from __future__ import annotations

import pytest
import torch
from mmcv.ops import SigmoidFocalLoss, sigmoid_focal_loss
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def by_cross_entropy(logits: Tensor, target: Tensor, gamma: float, alpha: float) -> Tensor:
    """Lin et al., ICCV 2017, eq. 5, in terms of p_t: α_t (1 − p_t)^γ times the cross-entropy."""
    is_target = torch.nn.functional.one_hot(target, logits.shape[1] + 1)[:, :-1].to(logits)
    p = logits.sigmoid()
    p_t = p * is_target + (1 - p) * (1 - is_target)
    alpha_t = alpha * is_target + (1 - alpha) * (1 - is_target)
    return alpha_t * (1 - p_t) ** gamma * binary_cross_entropy_with_logits(logits, is_target, reduction='none')


@pytest.fixture
def case() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 4, generator=generator, dtype=torch.float64) * 3
    return logits, torch.arange(12) % 5  # class 4 is background


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (0.0, 0.5), (1.5, 0.9)])
def test_value_and_gradient(case: tuple[Tensor, Tensor], gamma: float, alpha: float) -> None:
    logits, target = case
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = sigmoid_focal_loss(ours, target, gamma, alpha, None, 'none')
    expected = by_cross_entropy(theirs, target, gamma, alpha)
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_gradient_with_weights_against_differences(case: tuple[Tensor, Tensor]) -> None:
    logits, target = case
    weight = torch.tensor([0.5, 2.0, 0.0, 1.5], dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        return sigmoid_focal_loss(x, target, 2.0, 0.25, weight, 'none').sum()

    assert torch.autograd.gradcheck(loss, (logits.clone().requires_grad_(),))


def test_a_row_weighs_as_its_target_class(case: tuple[Tensor, Tensor]) -> None:
    logits, target = case
    weight = torch.tensor([0.5, 2.0, 0.0, 1.5], dtype=torch.float64)
    plain = sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'none')
    weighted = sigmoid_focal_loss(logits, target, 2.0, 0.25, weight, 'none')
    rows = torch.tensor([0.5, 2.0, 0.0, 1.5, 1.0], dtype=torch.float64)[target]  # background weighs 1
    torch.testing.assert_close(weighted, plain * rows[:, None])


def test_reductions(case: tuple[Tensor, Tensor]) -> None:
    logits, target = case
    every = by_cross_entropy(logits, target, 2.0, 0.25)
    torch.testing.assert_close(sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'sum'), every.sum())
    # mmcv's mean is per row, not per logit.
    torch.testing.assert_close(SigmoidFocalLoss(2.0, 0.25)(logits, target), every.sum() / 12)


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[100.0, -100.0], [-100.0, 100.0]], requires_grad=True)
    loss = sigmoid_focal_loss(logits, torch.tensor([0, 0]), 2.0, 0.25, None, 'none')
    loss.sum().backward()
    assert loss.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert loss[0].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)  # both logits right
    assert (loss[1] > 1).all()  # both wrong


def test_half_precision_is_computed_in_single() -> None:
    logits = torch.tensor([[12.0, -12.0]], dtype=torch.float16)
    loss = sigmoid_focal_loss(logits, torch.tensor([1]), 2.0, 0.25, None, 'none')
    assert loss.dtype == torch.float16
    expected = by_cross_entropy(logits.double(), torch.tensor([1]), 2.0, 0.25)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-3, atol=1e-3)


def test_mmdets_loss_takes_the_same_value_from_it(case: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU mmdet calls the operator, on the CPU its own formula: both must agree."""
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

    logits, target = case
    is_target = torch.nn.functional.one_hot(target, 5)[:, :-1]
    formula = py_sigmoid_focal_loss(logits, is_target, reduction='none')
    torch.testing.assert_close(sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'none'), formula)
