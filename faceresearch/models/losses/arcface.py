"""ArcFace, and the margin that combines SphereFace's, ArcFace's and CosFace's."""

from __future__ import annotations

from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad, Overflow, add_angle, angle
from faceresearch.registry import MODELS


@MODELS.register_module()
class ArcFace(Margin):
    """s·cos(θ + m) for the own class (Deng et al., ArcFace, CVPR 2019, eq. 3).

    The defaults are what insightface's arcface_torch computes, and with it all its published models: the margin is left
    out of the gradient, and nothing is done where θ + m passes π. ``margin_grad='full', overflow='linear'`` is the form
    of the paper's first code and most others.

    Args:
        margin: m in radians.
        scale: s.
        margin_grad: ``detach`` or ``full``, see :class:`~faceresearch.models.losses.margin.Margin`.
        overflow: see :func:`~faceresearch.models.losses.margin.add_angle`.
    """

    def __init__(
        self,
        margin: float = 0.5,
        scale: float = 64.0,
        margin_grad: MarginGrad = 'detach',
        overflow: Overflow = 'none',
    ) -> None:
        super().__init__(scale, margin_grad)
        if overflow not in ('none', 'linear', 'easy'):
            raise ValueError(f"ArcFace: overflow must be 'none', 'linear' or 'easy', not {overflow!r}")
        self.margin = margin
        self.overflow: Overflow = overflow

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(θ + m)."""
        return add_angle(own, self.margin, self.overflow)


@MODELS.register_module()
class CombinedMargin(Margin):
    """s·(cos(m1·θ + m2) − m3) for the own class (ArcFace, eq. 4): all three margins at once.

    arcface_torch's ``CombinedMarginLoss`` has the same arguments but only two regimes: m1 = 1 and m3 = 0 is ArcFace with
    m2; m3 > 0 is CosFace with m3, **and m1 and m2 are ignored**. To repeat its trainings take :class:`ArcFace` or
    :class:`~faceresearch.models.losses.cosface.CosFace`. The MXNet code combines as this class does.

    Args:
        m1: factor on the angle (SphereFace).
        m2: added to the angle, in radians (ArcFace).
        m3: taken from the cosine (CosFace).
        scale: s.
        margin_grad: ``detach`` or ``full``, see :class:`~faceresearch.models.losses.margin.Margin`.
    """

    def __init__(
        self,
        m1: float = 1.0,
        m2: float = 0.3,
        m3: float = 0.2,
        scale: float = 64.0,
        margin_grad: MarginGrad = 'detach',
    ) -> None:
        super().__init__(scale, margin_grad)
        self.m1 = m1
        self.m2 = m2
        self.m3 = m3

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(m1·θ + m2) − m3."""
        if self.m1 == 1:
            return add_angle(own, self.m2) - self.m3
        return (self.m1 * angle(own) + self.m2).cos() - self.m3
