"""EdgeFace: EdgeNeXt with low-rank linear layers."""

from __future__ import annotations

from typing import Any, Literal

import timm
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS


class LowRankLinear(nn.Module):
    """A linear layer whose matrix is the product of two thin ones.

    Args:
        in_features: input channels.
        out_features: output channels.
        rank: channels between.
        bias: whether the second has a bias.
    """

    def __init__(self, in_features: int, out_features: int, rank: int, bias: bool) -> None:
        super().__init__()
        self.linear1 = nn.Linear(in_features, rank, bias=False)
        self.linear2 = nn.Linear(rank, out_features, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, in_features) to (…, out_features)."""
        return self.linear2(self.linear1(x))


@MODELS.register_module()
class EdgeFace(BaseModule):
    """timm's EdgeNeXt with an embedding instead of classes.

    The published variants: ``xx_small`` and ``base`` as they are, ``x_small`` with rank ratio 0.6 (XS γ 0.6) and
    ``small`` with 0.5 (S γ 0.5); the ratio applies to every linear layer, the embedding's included.
    Source: George et al., EdgeFace, 2024; otroshi/edgeface backbones/timmfr.py.

    Args:
        size: timm's ``edgenext_<size>``.
        rank_ratio: γ: rank of the linear layers as a share of the smaller side, at least 2; None leaves them whole.
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.

    Raises:
        UserError: there is no such size, or the ratio is not in (0, 1].
    """

    def __init__(
        self,
        size: Literal['xx_small', 'x_small', 'small', 'base'] = 'x_small',
        rank_ratio: float | None = None,
        embedding_size: int = 512,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        if size not in ('xx_small', 'x_small', 'small', 'base'):
            raise UserError(f"EdgeFace: there is no size {size!r}; use 'xx_small', 'x_small', 'small' or 'base'")
        if rank_ratio is not None and not 0 < rank_ratio <= 1:
            raise UserError(f'EdgeFace: rank_ratio is {rank_ratio}, must be above 0 and at most 1, or None')
        self.embedding_size = embedding_size
        self.net: Any = timm.create_model(f'edgenext_{size}', pretrained=False, num_classes=embedding_size)
        if rank_ratio is not None:
            _make_low_rank(self.net, rank_ratio)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to embeddings (N, D), not of unit length."""
        return self.net(x)


def _make_low_rank(net: nn.Module, ratio: float) -> None:
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear) and not isinstance(module, LowRankLinear):
                rank = max(2, int(min(child.in_features, child.out_features) * ratio))
                thin = LowRankLinear(child.in_features, child.out_features, rank, child.bias is not None)
                setattr(module, name, thin)
