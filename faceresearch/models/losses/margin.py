"""What every margin loss shares: cosines in, logits out, with a margin on the logit of a sample's own class."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

MarginGrad = Literal['detach', 'full']
Overflow = Literal['none', 'linear', 'easy']


class Margin(nn.Module):
    """Base of the margins: turns cosines between embeddings and class centres into logits.

    A margin sees the columns of one shard of the classes; a sample whose class lies elsewhere has target −1 and gets no
    margin here. Computes in float32 at least, and saves no angle whose gradient would be infinite.

    Shapes: B samples (of all processes), C classes of this shard.

    Args:
        scale: s, factor on the logits; None takes each embedding's norm.
        margin_grad: ``full`` differentiates the margin. ``detach`` leaves it out of the gradient, so that a sample's own
            cosine gets s·(p − 1) as with plain softmax (arcface_torch; "characteristic gradient detachment" in
            Wen et al., SphereFace revived, 2021). The two train differently.

    Raises:
        ValueError: an argument has no meaning.
    """

    #: Inputs are products of unit vectors; False: of embeddings and centres as they are.
    normalized: ClassVar[bool] = True
    #: Uses the cosine to the own class of samples whose class lies in another shard.
    needs_target_cosine: ClassVar[bool] = False
    #: Uses the norms of the embeddings.
    needs_norms: ClassVar[bool] = False
    #: Cosines are kept this far from ±1.
    clamp_eps: ClassVar[float] = 0.0

    def __init__(self, scale: float | None = 64.0, margin_grad: MarginGrad = 'full') -> None:
        super().__init__()
        if margin_grad not in ('detach', 'full'):
            raise ValueError(f"{type(self).__name__}: margin_grad must be 'detach' or 'full', not {margin_grad!r}")
        if scale is not None and scale <= 0:
            raise ValueError(f'{type(self).__name__}: scale must be above 0, not {scale}')
        self.scale = scale
        self.margin_grad = margin_grad

    def forward(
        self, cosine: Tensor, target: Tensor, norms: Tensor | None = None, target_cosine: Tensor | None = None
    ) -> Tensor:
        """Return the logits (B, C).

        Args:
            cosine: (B, C), of every sample to every class of this shard.
            target: (B,) column of each sample's class, −1 where it is not in this shard.
            norms: (B,) length of each embedding, with its gradient.
            target_cosine: (B,) cosine to the own class, the same on all shards; by default read from ``cosine``, which
                must then hold every class.

        Raises:
            ValueError: the margin needs norms and got none.
        """
        if norms is None and (self.needs_norms or self.scale is None):
            raise ValueError(f'{type(self).__name__} needs the norms of the embeddings')
        cosine = self._bounded(cosine)
        column, owned = target.clamp(min=0)[:, None], (target >= 0)[:, None]
        if target_cosine is None:
            target_cosine = cosine.gather(1, column)[:, 0]
        target_cosine = self._bounded(target_cosine.detach())
        if self.training:
            self.observe(norms.detach() if norms is not None else None, target_cosine)
        if not cosine.shape[1]:
            return cosine
        own = cosine.gather(1, column)
        # What the margin adds, rather than the new value: with 'detach' there is nothing to differentiate.
        added = self.on_target(own[:, 0], norms, target_cosine)[:, None] - own
        added = torch.where(owned, added.detach() if self.margin_grad == 'detach' else added, 0)
        logits = self.on_others(cosine, column, owned, target_cosine).scatter_add(1, column, added)
        if self.scale is not None:
            return logits * self.scale
        assert norms is not None
        return logits * norms[:, None]

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return what stands for each sample's cosine to its own class, before scaling.

        Args:
            own: (B,) cosine to the own class, with its gradient; anything where the class is in another shard.
            norms: (B,) of the embeddings.
            target_cosine: (B,) as in :meth:`forward`, detached.
        """
        raise NotImplementedError

    def on_others(self, cosine: Tensor, column: Tensor, owned: Tensor, target_cosine: Tensor) -> Tensor:
        """Return (B, C) what stands for the cosines to the other classes; the own ones must come back as they are.

        Args:
            cosine: (B, C).
            column: (B, 1) of the own class, 0 where it is in another shard.
            owned: (B, 1) whether it is in this shard.
            target_cosine: (B,) as in :meth:`forward`, detached.
        """
        return cosine

    def observe(self, norms: Tensor | None, target_cosine: Tensor) -> None:
        """Update running statistics from the batch of all processes, in training."""

    def regularizer(self, norms: Tensor) -> Tensor | None:
        """Return a term to add to the cross entropy, a scalar, from the norms (B,); None where there is none."""
        return None

    def extra_repr(self) -> str:
        """Show the settings."""
        shown: dict[str, Any] = {
            key: value
            for key, value in vars(self).items()
            if not key.startswith('_') and key != 'training' and isinstance(value, int | float | str | None)
        }
        return ', '.join(f'{key}={value!r}' for key, value in shown.items())

    def _bounded(self, cosine: Tensor) -> Tensor:
        cosine = cosine.float() if cosine.dtype.itemsize < 4 else cosine
        return cosine.clamp(self.clamp_eps - 1, 1 - self.clamp_eps) if self.normalized else cosine


def add_angle(cosine: Tensor, margin: float | Tensor, overflow: Overflow = 'none') -> Tensor:
    """Return cos(θ + m) from cos θ, with a gradient that stays finite at θ = 0 and θ = π.

    Args:
        cosine: of any shape.
        margin: m in radians, a number or of the same shape.
        overflow: what to do where θ + m passes π and the cosine would rise again: ``none`` lets it; ``linear`` continues
            with cos θ − m·sin m (the ArcFace authors' code); ``easy`` has a margin only where cos θ > 0.
    """
    margin = torch.as_tensor(margin, dtype=cosine.dtype, device=cosine.device)
    # Not through acos: d/dc sqrt(1 − c²) is infinite at ±1, and the floor stops it there.
    sine = (1 - cosine * cosine).clamp(min=torch.finfo(cosine.dtype).eps).sqrt()
    shifted = cosine * margin.cos() - sine * margin.sin()
    if overflow == 'easy':
        return torch.where(cosine > 0, shifted, cosine)
    if overflow == 'linear':
        return torch.where(cosine > -margin.cos(), shifted, cosine - margin * margin.sin())
    return shifted


def angle(cosine: Tensor) -> Tensor:
    """Return θ from cos θ, kept so far from 0 and π that its gradient stays finite."""
    bound = 1 - torch.finfo(cosine.dtype).eps
    return cosine.clamp(-bound, bound).acos()


def without_conflicts(cosine: Tensor, target: Tensor, threshold: float) -> Tensor:
    """Set cosines above ``threshold`` to classes other than the own one to 0, without gradient.

    A sample that looks like another class may be wrongly labelled, or that class may be the same person: it is not
    pushed away (arcface_torch ``interclass_filtering_threshold``; 0.4 in its recipes for noisy data).

    Args:
        cosine: (B, C).
        target: (B,) own column, −1 where it is not here.
        threshold: in (0, 1).
    """
    columns = torch.arange(cosine.shape[1], device=cosine.device)
    conflict = (cosine.detach() > threshold) & (columns != target[:, None])
    return cosine.masked_fill(conflict, 0)
