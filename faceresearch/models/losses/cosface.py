"""CosFace."""

from __future__ import annotations

from torch import Tensor

from faceresearch.models.losses.margin import Margin
from faceresearch.registry import MODELS


@MODELS.register_module()
class CosFace(Margin):
    """s·(cos θ − m) for the own class (Wang et al., CosFace, CVPR 2018, eq. 4; also AM-Softmax).

    Args:
        margin: m; 0.35 in the paper, 0.4 in arcface_torch's recipes.
        scale: s.
    """

    def __init__(self, margin: float = 0.4, scale: float = 64.0) -> None:
        # The margin is a constant: with and without its gradient are one.
        super().__init__(scale, 'detach')
        self.margin = margin

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos θ − m."""
        return own - self.margin
