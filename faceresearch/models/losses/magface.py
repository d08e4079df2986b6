"""MagFace."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad, Overflow, add_angle
from faceresearch.registry import MODELS


@MODELS.register_module()
class MagFace(Margin):
    """ArcFace whose margin grows with the embedding's norm, which comes to measure quality (Meng et al., CVPR 2021).

    m(a) rises linearly from ``lower_margin`` at ``lower_norm`` to ``upper_margin`` at ``upper_norm``, where a is the norm
    clipped to these bounds; the term λ·(a / upper_norm² + 1 / a) (eq. 6, 9) rewards long embeddings. Source of defaults:
    IrvingMeng/MagFace models/magface.py and run/run.sh; for fine-tuning its authors advise norms 1…51, margins 0.45…1,
    λ 5.

    Args:
        lower_norm, upper_norm: bounds of a.
        lower_margin, upper_margin: m at these bounds, in radians.
        norm_weight: λ.
        scale: s.
        overflow: see :func:`~faceresearch.models.losses.margin.add_angle`.
        margin_grad: ``detach`` or ``full`` (the authors'), see :class:`~faceresearch.models.losses.margin.Margin`.
    """

    needs_norms: ClassVar[bool] = True

    def __init__(
        self,
        lower_norm: float = 10.0,
        upper_norm: float = 110.0,
        lower_margin: float = 0.45,
        upper_margin: float = 0.8,
        norm_weight: float = 35.0,
        scale: float = 64.0,
        overflow: Overflow = 'easy',
        margin_grad: MarginGrad = 'full',
    ) -> None:
        super().__init__(scale, margin_grad)
        if not 0 < lower_norm < upper_norm:
            raise ValueError(f'MagFace: needs 0 < lower_norm < upper_norm, not {lower_norm} and {upper_norm}')
        if overflow not in ('none', 'linear', 'easy'):
            raise ValueError(f"MagFace: overflow must be 'none', 'linear' or 'easy', not {overflow!r}")
        self.lower_norm = lower_norm
        self.upper_norm = upper_norm
        self.lower_margin = lower_margin
        self.upper_margin = upper_margin
        self.norm_weight = norm_weight
        self.overflow: Overflow = overflow

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(θ + m(a))."""
        assert norms is not None
        slope = (self.upper_margin - self.lower_margin) / (self.upper_norm - self.lower_norm)
        margin = slope * (self._clipped(norms) - self.lower_norm) + self.lower_margin
        return add_angle(own, margin, self.overflow)

    def regularizer(self, norms: Tensor) -> Tensor:
        """Return the mean of λ·(a / upper_norm² + 1 / a)."""
        norms = self._clipped(norms)
        return self.norm_weight * (norms / self.upper_norm**2 + 1 / norms).mean()

    def _clipped(self, norms: Tensor) -> Tensor:
        return norms.clamp(self.lower_norm, self.upper_norm)
