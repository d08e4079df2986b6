"""Vision transformers for faces as arcface_torch has them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from timm.layers import DropPath
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.models.precision import full_precision, widened
from faceresearch.registry import MODELS

SIZE = (112, 112)
PATCH = 9
#: Patches of 9 × 9 in 112 × 112; four pixels at the right and bottom are not seen.
TOKENS = (SIZE[0] // PATCH) * (SIZE[1] // PATCH)
HEAD_BN_EPS = 2e-5


@MODELS.register_module()
class FaceViT(BaseModule):
    """Transformer over 144 patches of an aligned face of 112 × 112, without class token: all tokens together become the
    embedding.

    In training a share of the tokens is left out of the blocks and stands as a learnt token after them. Attention is
    computed in float32 under AMP. Tensors have the names of arcface_torch.

    Source: Dosovitskiy et al. 2021, An et al. 2022 (Partial FC); deepinsight/insightface recognition/arcface_torch
    backbones/vit.py.

    Args:
        width: channels of a token: 256 (T), 512 (S, B), 768 (L).
        depth: blocks: 12 (T, S), 24 (B, L).
        heads: of attention.
        mlp_ratio: hidden channels of a block's two linear layers, in widths.
        embedding_size: D.
        drop_path: probability with which the last block is skipped in training; that of the others grows up to it.
        mask_ratio: share of the tokens left out in training. (arcface_torch leaves out a tenth whenever its own setting
            is above 0.)
        activation_checkpointing: compute blocks twice instead of storing what is inside them.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self,
        width: int = 256,
        depth: int = 12,
        heads: int = 8,
        mlp_ratio: float = 4.0,
        embedding_size: int = 512,
        drop_path: float = 0.1,
        mask_ratio: float = 0.1,
        activation_checkpointing: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        self.mask_ratio = mask_ratio
        self.activation_checkpointing = activation_checkpointing
        self.patch_embed = nn.ModuleDict({'proj': nn.Conv2d(3, width, PATCH, stride=PATCH)})
        self.pos_embed = nn.Parameter(torch.zeros(1, TOKENS, width))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, int(width * mlp_ratio), drop_path * i / max(depth - 1, 1)) for i in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Sequential(
            nn.Linear(TOKENS * width, width, bias=False),
            nn.BatchNorm1d(width, eps=HEAD_BN_EPS),
            nn.Linear(width, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size, eps=HEAD_BN_EPS),
        )
        nn.init.normal_(self.mask_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map aligned faces (N, 3, 112, 112) to embeddings (N, D), not normalised."""
        require_size(x, SIZE, type(self).__name__)
        x = self.patch_embed['proj'](x).flatten(2).transpose(1, 2) + self.pos_embed
        places = None
        if self.training and self.mask_ratio > 0:
            x, places = keep_some(x, self.mask_ratio)
        for block in self.blocks:
            if self.activation_checkpointing and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        x = self.norm(widened(x))
        if places is not None:
            x = put_back(x, places, self.mask_token.to(x.dtype))
        return self.feature(x.flatten(1))


class Block(nn.Module):
    """Transformer block: attention and two linear layers with ReLU6, each after a layer norm, each skipped at random.

    Args:
        width: channels of a token.
        heads: of attention.
        hidden: channels between the linear layers.
        drop_path: probability of being skipped, per image.
    """

    def __init__(self, width: int, heads: int, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({'fc1': nn.Linear(width, hidden), 'fc2': nn.Linear(hidden, width)})

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, L, C) to tokens (N, L, C)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        hidden = F.relu6(self.mlp['fc1'](self.norm2(x)))
        return x + self.drop_path(self.mlp['fc2'](hidden))


class Attention(nn.Module):
    """Self-attention of several heads, in float32 under AMP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (N, L, C) to tokens (N, L, C)."""
        count, tokens, width = x.shape
        qkv = self.qkv(x).reshape(count, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        with full_precision(x):
            q, k, v = widened(qkv).unbind(0)
            x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(count, tokens, width).to(qkv.dtype))


def keep_some(tokens: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor]:
    """Keep a random share of each image's tokens.

    Args:
        tokens: (N, L, C).
        mask_ratio: share that is left out.

    Returns:
        The kept tokens (N, K, C), in random order, and for each of the L places (N, L) which token stands there: kept
        ones first, those left out from K on.
    """
    count, length, width = tokens.shape
    kept = int(length * (1 - mask_ratio))
    order = torch.rand(count, length, device=tokens.device).argsort(dim=1)
    index = order[:, :kept, None].expand(-1, -1, width)
    return tokens.gather(1, index), order.argsort(dim=1)


def put_back(tokens: Tensor, places: Tensor, mask_token: Tensor) -> Tensor:
    """Put kept tokens (N, K, C) back in their places (N, L), and ``mask_token`` (1, 1, C) in the others."""
    count, kept, width = tokens.shape
    missing = mask_token.expand(count, places.shape[1] - kept, width)
    return torch.cat([tokens, missing], dim=1).gather(1, places[..., None].expand(-1, -1, width))
