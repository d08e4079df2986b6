"""Softmax losses without a margin."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from faceresearch.models.losses.margin import Margin
from faceresearch.registry import MODELS


@MODELS.register_module()
class PlainSoftmax(Margin):
    """Inner products of embeddings and class weights as they are: ordinary classification.

    The bias is the head's (``MarginHead(bias=True)``).
    """

    normalized: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(1.0)

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return the product itself."""
        return own


@MODELS.register_module()
class NormFace(Margin):
    """Softmax over s·cos θ, no margin (Wang et al., NormFace, ACM MM 2017).

    Args:
        scale: s.
    """

    def __init__(self, scale: float = 64.0) -> None:
        super().__init__(scale)

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos θ itself."""
        return own
