"""Every margin against its formula, and its gradient against finite differences or the factor it must have."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from faceresearch.models.heads import MarginHead
from faceresearch.models.losses import (
    AdaFace,
    ArcFace,
    CombinedMargin,
    CosFace,
    CurricularFace,
    ElasticFace,
    MagFace,
    Margin,
    NormFace,
    PlainSoftmax,
    SphereFace,
    SphereFaceR,
)
from faceresearch.models.losses.margin import without_conflicts

SAMPLES, CLASSES = 6, 9
TARGET = torch.tensor([0, 3, 8, 2, 3, 5])
NORMS = torch.tensor([3.0, 12.0, 55.0, 200.0, 30.0, 21.0], dtype=torch.float64)


@pytest.fixture
def cosine() -> Tensor:
    """Own cosines from near 1 to beyond π − 0.5, where θ + m overflows."""
    values = torch.rand(SAMPLES, CLASSES, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 1.8 - 0.9
    values[torch.arange(SAMPLES), TARGET] = torch.tensor([0.98, 0.5, 0.1, -0.3, -0.7, -0.95], dtype=torch.float64)
    return values


def own(values: Tensor) -> Tensor:
    return values[torch.arange(SAMPLES), TARGET]


def others(values: Tensor) -> Tensor:
    keep = torch.ones_like(values, dtype=torch.bool)
    keep[torch.arange(SAMPLES), TARGET] = False
    return values[keep]


def psi(theta: float, m: float) -> float:
    k = math.floor(m * theta / math.pi)
    return (-1) ** k * math.cos(m * theta) - 2 * k


def magface_margin(norm: float) -> float:
    return (0.8 - 0.45) / (110 - 10) * (min(max(norm, 10), 110) - 10) + 0.45


#: Margin → the target's logit as a function of (θ, ‖f‖), and the scale of the others.
FORMULAS = {
    'softmax': (PlainSoftmax(), lambda t, a: math.cos(t), lambda a: 1),
    'normface': (NormFace(), lambda t, a: 64 * math.cos(t), lambda a: 64),
    'cosface': (CosFace(0.35), lambda t, a: 64 * (math.cos(t) - 0.35), lambda a: 64),
    'arcface': (ArcFace(), lambda t, a: 64 * math.cos(t + 0.5), lambda a: 64),
    'arcface_linear': (
        ArcFace(overflow='linear', margin_grad='full'),
        lambda t, a: 64 * (math.cos(t + 0.5) if t + 0.5 < math.pi else math.cos(t) - 0.5 * math.sin(0.5)),
        lambda a: 64,
    ),
    'arcface_easy': (
        ArcFace(overflow='easy', margin_grad='full'),
        lambda t, a: 64 * (math.cos(t + 0.5) if t < math.pi / 2 else math.cos(t)),
        lambda a: 64,
    ),
    'combined': (CombinedMargin(1.0, 0.3, 0.2), lambda t, a: 64 * (math.cos(t + 0.3) - 0.2), lambda a: 64),
    'combined_m1': (
        CombinedMargin(0.9, 0.4, 0.15, margin_grad='full'),
        lambda t, a: 64 * (math.cos(0.9 * t + 0.4) - 0.15),
        lambda a: 64,
    ),
    # Two batches seen: λ = 1500 / (1 + 0.1 · 2).
    'sphereface': (
        SphereFace(),
        lambda t, a: a * (math.cos(t) + (psi(t, 4) - math.cos(t)) / (1 + 1500 / 1.2)),
        lambda a: a,
    ),
    'sphereface_opensphere': (
        SphereFace(1.7, scale=30.0, lambda_base=0.0, lambda_min=0.0, margin_grad='full'),
        lambda t, a: 30 * psi(t, 1.7),
        lambda a: 30,
    ),
    'sphereface_r_v0': (SphereFaceR('v0', margin_grad='full'), lambda t, a: 30 * psi(t, 1.5), lambda a: 30),
    'sphereface_r_v1': (
        SphereFaceR('v1', margin_grad='full'),
        lambda t, a: 30 * math.cos(min(1.5 * t, math.pi)),
        lambda a: 30,
    ),
    'sphereface_r_soft': (
        SphereFaceR('v1', norm='soft'),
        lambda t, a: a * math.cos(min(1.5 * t, math.pi)),
        lambda a: a,
    ),
    'magface': (
        MagFace(),
        lambda t, a: 64 * (math.cos(t + magface_margin(a)) if t < math.pi / 2 else math.cos(t)),
        lambda a: 64,
    ),
}


def two_batches(margin: Margin, cosine: Tensor, norms: Tensor = NORMS) -> Tensor:
    """Logits of the second batch."""
    margin = margin.double().train()
    for buffer in margin.buffers():
        buffer.zero_()
    margin(cosine, TARGET, norms)
    return margin(cosine, TARGET, norms)


@pytest.mark.parametrize('name', FORMULAS)
def test_formula(name: str, cosine: Tensor) -> None:
    margin, formula, scale = FORMULAS[name]
    logits = two_batches(margin, cosine)
    expected = torch.tensor([formula(math.acos(c), a) for c, a in zip(own(cosine).tolist(), NORMS.tolist())])
    torch.testing.assert_close(own(logits), expected.double(), rtol=1e-6, atol=1e-5)
    factors = torch.tensor([scale(a) for a in NORMS.tolist()], dtype=torch.float64)
    torch.testing.assert_close(others(logits), others(cosine * factors[:, None]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    'margin',
    [
        ArcFace(margin_grad='full'),
        ArcFace(overflow='linear', margin_grad='full'),
        CombinedMargin(0.9, 0.4, 0.15, margin_grad='full'),
        SphereFace(),
        SphereFaceR('v0', margin_grad='full'),
        SphereFaceR('v2', margin_grad='full'),
        CurricularFace(),
        MagFace(),
        AdaFace(),
        ElasticFace('arc'),
        ElasticFace('cos'),
    ],
    ids=lambda margin: type(margin).__name__,
)
def test_full_gradient_is_that_of_finite_differences(margin: Margin, cosine: Tensor) -> None:
    margin = margin.double().eval()
    margin(cosine, TARGET, NORMS)

    def logits(cosine: Tensor, norms: Tensor) -> Tensor:
        # AdaFace's quality is a constant to its gradient.
        return margin(cosine, TARGET, NORMS if isinstance(margin, AdaFace) else norms, own(cosine.detach()))

    assert torch.autograd.gradcheck(logits, (cosine.requires_grad_(), NORMS.clone().requires_grad_()))


@pytest.mark.parametrize(
    'margin',
    [
        ArcFace(),
        CosFace(),
        CombinedMargin(0.9, 0.4, 0.15),
        CurricularFace(margin_grad='detach'),
        SphereFace(1.5, scale=30.0, margin_grad='detach'),
        SphereFaceR('v1'),
        SphereFaceR('v2'),
        AdaFace(margin_grad='detach'),
        MagFace(margin_grad='detach'),
        ElasticFace(margin_grad='detach'),
    ],
    ids=lambda margin: type(margin).__name__,
)
def test_detached_gradient_of_the_own_cosine_is_the_scale(margin: Margin, cosine: Tensor) -> None:
    cosine.requires_grad_()
    own(margin.double()(cosine, TARGET, NORMS)).sum().backward()
    assert own(cosine.grad).tolist() == pytest.approx([margin.scale] * SAMPLES)


def test_detached_and_full_arcface_differ_by_the_known_factor(cosine: Tensor) -> None:
    cosine.requires_grad_()
    own(ArcFace(margin_grad='full')(cosine, TARGET)).sum().backward()
    theta = own(cosine.detach()).acos()
    torch.testing.assert_close(own(cosine.grad), 64 * (theta + 0.5).sin() / theta.sin())


def test_adaface_follows_the_quality(cosine: Tensor) -> None:
    margin = AdaFace(momentum=0.25).double()
    clipped = NORMS.clamp(1e-3, 100)
    mean, std = 20.0, 100.0
    for _ in range(2):
        logits = margin(cosine, TARGET, NORMS)
        mean, std = 0.25 * clipped.mean() + 0.75 * mean, 0.25 * clipped.std() + 0.75 * std
    assert (margin.batch_mean.item(), margin.batch_std.item()) == pytest.approx((mean.item(), std.item()))
    quality = (0.333 * (clipped - mean) / (std + 1e-3)).clamp(-1, 1)
    theta = (own(cosine).acos() - 0.4 * quality).clamp(1e-3, math.pi - 1e-3)
    torch.testing.assert_close(own(logits), 64 * (theta.cos() - 0.4 - 0.4 * quality))
    margin.eval()(cosine, TARGET, NORMS * 2)
    assert margin.batch_mean.item() == pytest.approx(mean.item())


@pytest.mark.parametrize(('quality', 'expected'), [(-1, 'arc'), (0, 'cos')])
def test_adaface_between_arcface_and_cosface(quality: int, expected: str, cosine: Tensor) -> None:
    margin = AdaFace(momentum=0.0).double()
    margin.batch_mean.fill_(30.0)
    margin.batch_std.fill_(1.0)
    logits = own(margin(cosine, TARGET, torch.full((SAMPLES,), 30.0 + 10.0 * quality, dtype=torch.float64)))
    theta = own(cosine).acos()
    arc = 64 * (theta + 0.4).clamp(max=math.pi - 1e-3).cos()
    torch.testing.assert_close(logits, arc if expected == 'arc' else 64 * (own(cosine) - 0.4))


def test_curricularface_hardens_only_the_hard(cosine: Tensor) -> None:
    margin = CurricularFace().double()
    margin(cosine, TARGET)
    logits = margin(cosine, TARGET)
    mean = own(cosine).mean()
    t = 0.01 * mean + 0.99 * (0.01 * mean)
    assert margin.t.item() == pytest.approx(t.item())
    bound = (own(cosine).acos() + 0.5).cos()[:, None].expand_as(cosine)
    hard = cosine > bound
    expected = 64 * torch.where(hard, cosine * (t + cosine), cosine)
    assert 0 < others(hard).sum() < len(others(hard))
    torch.testing.assert_close(others(logits), others(expected))


def test_sphereface_r_v2_makes_the_others_harder(cosine: Tensor) -> None:
    logits = SphereFaceR('v2')(cosine, TARGET)
    torch.testing.assert_close(own(logits), 30 * own(cosine))
    torch.testing.assert_close(others(logits), others(30 * (cosine.acos() / 1.5).cos()))


def test_terms_on_the_norm() -> None:
    a = NORMS.clamp(10, 110)
    torch.testing.assert_close(MagFace().regularizer(NORMS), 35 * (a / 110**2 + 1 / a).mean())
    torch.testing.assert_close(SphereFaceR(norm='soft').regularizer(NORMS), 0.01 * (NORMS - 30).abs().mean())
    assert ArcFace().regularizer(NORMS) is None


def test_elasticface_draws() -> None:
    cosines = torch.linspace(-0.7, 0.9, 4000, dtype=torch.float64).flip(0)
    target = torch.zeros(4000, dtype=torch.long)
    margin = ElasticFace('cos', seed=5)
    first = cosines - margin(cosines[:, None], target)[:, 0] / 64
    # The published mean and deviation; four standard errors.
    assert first.mean() == pytest.approx(0.35, abs=4 * 0.05 / 4000**0.5)
    assert first.std() == pytest.approx(0.05, rel=4 / 8000**0.5)
    second = cosines - margin(cosines[:, None], target)[:, 0] / 64
    assert not torch.allclose(first, second)
    again = ElasticFace('cos', seed=5)
    torch.testing.assert_close(cosines - again(cosines[:, None], target)[:, 0] / 64, first)
    plus = ElasticFace('arc', plus=True)
    angles = (plus(cosines[:, None], target)[:, 0] / 64).acos() - cosines.acos()
    # From the largest cosine to the smallest: the farther from the centre, the larger the margin.
    assert (angles.diff() >= -1e-9).all()
    assert angles.std() == pytest.approx(0.0175, rel=4 / 8000**0.5)


@pytest.mark.parametrize(
    'margin', [ArcFace(margin_grad='full'), AdaFace(), SphereFace(), CurricularFace(), MagFace(), ElasticFace()]
)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
def test_gradients_stay_finite_at_the_ends(margin: Margin, dtype: torch.dtype) -> None:
    cosine = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.001, 0.0]], dtype=dtype, requires_grad=True)
    logits = margin.float()(cosine, torch.tensor([0, 0, 0]), torch.tensor([0.0, 20.0, 1e4]))
    assert logits.dtype == torch.float32
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(cosine.grad).all()


def test_conflicts_do_not_count(cosine: Tensor) -> None:
    filtered = without_conflicts(cosine, TARGET, 0.4)
    assert torch.equal(own(filtered), own(cosine))
    assert torch.equal(others(filtered), torch.where(others(cosine) > 0.4, 0, others(cosine)))
    # Where a sample's class is in another shard, all columns are others'.
    absent = without_conflicts(cosine, torch.full((SAMPLES,), -1), 0.4)
    assert torch.equal(absent, torch.where(cosine > 0.4, 0, cosine))


def test_nearest_sub_centre_counts() -> None:
    head = MarginHead(4, 3, NormFace(), sub_centres=2).double()
    embedding = torch.randn(5, 4, dtype=torch.float64)
    identity = torch.tensor([0, 1, 2, 1, 0])
    unit = torch.nn.functional.normalize
    cosines = unit(embedding) @ unit(head.centres.detach().view(3, 2, 4), dim=2).permute(1, 2, 0)
    expected = torch.nn.functional.cross_entropy(64 * cosines.amax(0), identity)
    torch.testing.assert_close(head.loss(embedding, identity)['loss_margin'], expected)


def test_bias_of_plain_softmax() -> None:
    head = MarginHead(4, 3, PlainSoftmax(), bias=True).double()
    head.bias.data.copy_(torch.tensor([[0.5], [-1.0], [2.0]]))
    embedding, identity = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    logits = embedding @ head.centres.detach().T + torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    expected = torch.nn.functional.cross_entropy(logits, identity)
    torch.testing.assert_close(head.loss(embedding, identity)['loss_margin'], expected)


@pytest.mark.parametrize('half', [False, True])
def test_logits_are_single_precision_under_mixed_precision(half: bool) -> None:
    head = MarginHead(16, 5, ArcFace(), half_precision=half)
    embedding = torch.randn(8, 16).bfloat16().requires_grad_()
    identity = torch.arange(8) % 5
    with torch.autocast('cpu', torch.bfloat16):
        loss = head.loss(embedding, identity)['loss_margin']
    exact = head.loss(embedding.float(), identity)['loss_margin']
    assert loss.dtype == torch.float32
    # bfloat16 has eight bits: products of unit vectors, times 64.
    assert abs(loss - exact) < (1 if half else 1e-5)
    loss.backward()
    assert torch.isfinite(embedding.grad).all()
    assert head.centres.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ('make', 'text'),
    [
        (lambda: ArcFace(margin_grad='none'), 'margin_grad must be'),
        (lambda: ArcFace(scale=0.0), 'scale must be above 0'),
        (lambda: ArcFace(overflow='soft'), 'overflow must be'),
        (lambda: SphereFace(0.5), 'margin must be at least 1'),
        (lambda: MagFace(lower_norm=110.0), 'lower_norm < upper_norm'),
        (lambda: MarginHead(8, 1, ArcFace()), 'two classes'),
        (lambda: MarginHead(8, 2, ArcFace(), sample_rate=1.5), 'sample_rate must be in'),
        (lambda: AdaFace()(torch.zeros(1, 2), torch.zeros(1, dtype=torch.long)), 'needs the norms'),
    ],
)
def test_arguments_without_meaning(make: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()  # type: ignore[operator]
