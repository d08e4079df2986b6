"""MobileOne (Vasu et al., CVPR 2023, arXiv:2206.04040): branches in training, one convolution a block afterwards."""

from __future__ import annotations

import copy
from typing import Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS

_BLOCKS = (2, 8, 10, 1)
_CHANNELS = (64, 128, 256, 512)
#: Size → factors of the channels, convolutions side by side in a block, squeeze-and-excite blocks of each stage.
_SIZES: dict[str, tuple[tuple[float, ...], int, tuple[int, ...]]] = {
    's0': ((0.75, 1.0, 1.0, 2.0), 4, (0, 0, 0, 0)),
    's1': ((1.5, 1.5, 2.0, 2.5), 1, (0, 0, 0, 0)),
    's2': ((1.5, 2.0, 2.5, 4.0), 1, (0, 0, 0, 0)),
    's3': ((2.0, 2.5, 3.0, 4.0), 1, (0, 0, 0, 0)),
    # Of the third stage the second half, and the whole fourth.
    's4': ((3.0, 3.5, 3.5, 4.0), 1, (0, 0, 5, 1)),
}


class _ConvBN(nn.Module):
    def __init__(self, ins: int, outs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 16, 1)
        self.expand = nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean((2, 3), keepdim=True)))))


class MobileOneBlock(nn.Module):
    """Convolutions with batch norm side by side, a 1 × 1 one and the input itself, summed; then attention and ReLU.

    Args:
        ins: input channels.
        outs: output channels.
        kernel: 3 (depthwise, or the stem) or 1 (pointwise).
        stride: of the convolutions.
        groups: of the convolutions.
        branches: how many ``kernel`` × ``kernel`` convolutions.
        excite: channel attention.
        fused: one convolution with bias in place of all, as :meth:`fuse` makes it.
    """

    def __init__(
        self,
        ins: int,
        outs: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        branches: int = 1,
        excite: bool = False,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (ins, outs, kernel, stride, groups)
        self.se = _SqueezeExcite(outs) if excite else nn.Identity()
        if fused:
            self.reparam_conv: nn.Conv2d | None = self._one_convolution()
            return
        self.reparam_conv = None
        self.rbr_skip = nn.BatchNorm2d(ins) if ins == outs and stride == 1 else None
        self.rbr_conv = nn.ModuleList(_ConvBN(ins, outs, kernel, stride, groups) for _ in range(branches))
        self.rbr_scale = _ConvBN(ins, outs, 1, stride, groups) if kernel > 1 else None

    def _one_convolution(self) -> nn.Conv2d:
        ins, outs, kernel, stride, groups = self.shape
        return nn.Conv2d(ins, outs, kernel, stride, kernel // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        if self.reparam_conv is not None:
            return torch.relu(self.se(self.reparam_conv(x)))
        total = torch.zeros(()).to(x) if self.rbr_scale is None else self.rbr_scale(x)
        if self.rbr_skip is not None:
            total = total + self.rbr_skip(x)
        for branch in self.rbr_conv:
            total = total + branch(x)
        return torch.relu(self.se(total))

    @torch.no_grad()
    def fuse(self) -> None:
        """Replace the branches by the one convolution that computes what they do in evaluation mode."""
        if self.reparam_conv is not None:
            return
        branches = [_folded(branch.conv.weight, branch.bn) for branch in self.rbr_conv]  # type: ignore[arg-type, union-attr]
        ins, _, kernel, _, groups = self.shape
        if self.rbr_scale is not None:
            weight, bias = _folded(self.rbr_scale.conv.weight, self.rbr_scale.bn)
            branches.append((F.pad(weight, [kernel // 2] * 4), bias))
        if self.rbr_skip is not None:
            # The identity as a convolution: channel i of a group reads channel i.
            weight = torch.zeros(ins, ins // groups, kernel, kernel).to(self.rbr_skip.weight)
            channel = torch.arange(ins)
            weight[channel, channel % (ins // groups), kernel // 2, kernel // 2] = 1
            branches.append(_folded(weight, self.rbr_skip))
        conv = self._one_convolution().to(branches[0][0])
        conv.weight.copy_(sum(weight for weight, _ in branches))  # type: ignore[arg-type]
        conv.bias.copy_(sum(bias for _, bias in branches))  # type: ignore[union-attr, arg-type]
        self.reparam_conv = conv
        del self.rbr_skip, self.rbr_conv, self.rbr_scale


def _folded(weight: Tensor, bn: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution without bias and the batch norm after it."""
    assert bn.running_mean is not None and bn.running_var is not None
    factor = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    return weight * factor[:, None, None, None], bn.bias - bn.running_mean * factor


@MODELS.register_module()
class MobileOne(BaseModule):
    """MobileOne S0 to S4, giving the map of its last stage (stride 32).

    Args:
        size: ``s0`` to ``s4``: 1,024, 1,280, 2,048, 2,048 or 2,048 channels.
        fused: build it as deployed, one convolution a block.
        pretrained: initial weights, see :func:`load_pretrained`.

    Raises:
        UserError: there is no such size.
    """

    def __init__(
        self,
        size: Literal['s0', 's1', 's2', 's3', 's4'] = 's0',
        fused: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if size not in _SIZES:
            raise UserError(f'MobileOne: there is no size {size!r}; use {", ".join(_SIZES)}')
        self.pretrained = pretrained
        factors, branches, excited = _SIZES[size]
        channels = min(64, int(64 * factors[0]))
        self.stage0 = MobileOneBlock(3, channels, 3, stride=2, fused=fused)
        for number, (blocks, width, factor, excite) in enumerate(zip(_BLOCKS, _CHANNELS, factors, excited), 1):
            outs = int(width * factor)
            units: list[nn.Module] = []
            for block in range(blocks):
                attention = block >= blocks - excite
                stride = 2 if block == 0 else 1
                units.append(MobileOneBlock(channels, channels, 3, stride, channels, branches, attention, fused))
                units.append(MobileOneBlock(channels, outs, 1, 1, 1, branches, attention, fused))
                channels = outs
            self.add_module(f'stage{number}', nn.Sequential(*units))
        self.out_channels = (channels,)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to the map (N, C, H / 32, W / 32)."""
        x = self.stage0(x)
        for number in range(1, len(_BLOCKS) + 1):
            x = getattr(self, f'stage{number}')(x)
        return (x,)


def fuse_blocks(network: nn.Module) -> nn.Module:
    """Return a copy of a network, in evaluation mode, in which every block of several branches is one convolution.

    A network without such blocks is returned as it is.
    """
    if not any(isinstance(module, MobileOneBlock) for module in network.modules()):
        return network
    fused = copy.deepcopy(network).eval()
    for module in list(fused.modules()):
        if isinstance(module, MobileOneBlock):
            module.fuse()
    return fused
