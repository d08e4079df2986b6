"""ElasticFace."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad, add_angle
from faceresearch.registry import MODELS

#: Mean and deviation of the margin in the paper, by form and "+".
_PUBLISHED = {
    ('arc', False): (0.5, 0.05),
    ('arc', True): (0.5, 0.0175),
    ('cos', False): (0.35, 0.05),
    ('cos', True): (0.35, 0.02),
}


@MODELS.register_module()
class ElasticFace(Margin):
    """ArcFace or CosFace with a margin drawn anew for every sample (Boutros et al., ElasticFace, CVPRW 2022, eq. 5–8).

    The draw is a function of (seed, number of the batch): a resumed training repeats it, on any number of processes.
    Outside training the mean is used. Written from the paper; its code may not be used commercially.

    Args:
        form: ``arc`` adds the margin to the angle, ``cos`` takes it from the cosine.
        margin: mean of the margin; None: 0.5 (arc) or 0.35 (cos).
        sigma: its standard deviation; None: the paper's best, 0.05, or with ``plus`` 0.0175 (arc) and 0.02 (cos).
        plus: "ElasticFace+": samples farther from their class centre get the larger of a batch's margins.
        scale: s.
        seed: of the draws.
        margin_grad: ``detach`` or ``full``, see :class:`~faceresearch.models.losses.margin.Margin`.
    """

    iterations: Tensor

    def __init__(
        self,
        form: Literal['arc', 'cos'] = 'arc',
        margin: float | None = None,
        sigma: float | None = None,
        plus: bool = False,
        scale: float = 64.0,
        seed: int = 0,
        margin_grad: MarginGrad = 'full',
    ) -> None:
        super().__init__(scale, margin_grad)
        if form not in ('arc', 'cos'):
            raise ValueError(f"ElasticFace: form must be 'arc' or 'cos', not {form!r}")
        self.form = form
        self.margin = _PUBLISHED[form, plus][0] if margin is None else margin
        self.sigma = _PUBLISHED[form, plus][1] if sigma is None else sigma
        self.plus = plus
        self.seed = seed
        self.needs_target_cosine = plus  # type: ignore[misc]
        self.register_buffer('iterations', torch.zeros((), dtype=torch.long))

    def observe(self, norms: Tensor | None, target_cosine: Tensor) -> None:
        """Count the batch."""
        self.iterations += 1

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(θ + m) or cos θ − m, each sample with its own m."""
        margins = self.draw(target_cosine).to(own.dtype)
        return add_angle(own, margins) if self.form == 'arc' else own - margins

    def draw(self, target_cosine: Tensor) -> Tensor:
        """Return the margins (B,) of the current batch, given the cosines (B,) to the own classes."""
        if not self.training:
            return torch.full_like(target_cosine, self.margin)
        generator = torch.Generator().manual_seed((self.seed << 40) + int(self.iterations))
        drawn = self.margin + self.sigma * torch.randn(len(target_cosine), generator=generator, dtype=torch.float64)
        drawn = drawn.to(target_cosine.device)
        if self.plus:
            drawn = torch.empty_like(drawn).index_copy_(
                0, target_cosine.argsort(stable=True), drawn.sort(descending=True).values
            )
        return drawn
