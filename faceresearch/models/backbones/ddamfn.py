"""DDAMFN, a network for facial expressions (Zhang et al., Electronics 12(17), 2023, doi:10.3390/electronics12173595)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

SIZE = (112, 112)
_LAST = 512
#: Channels out, expansion, blocks, and how many channels go to depthwise kernels of 3, 5, 7, 9. The first block of a
#: pair halves the map, those of the other keep it and add their input.
_STAGES: tuple[tuple[int, int, int, tuple[int, ...]], ...] = (
    (64, 128, 1, (64, 32, 32)),
    (64, 128, 9, (96, 32)),
    (128, 256, 1, (128, 64, 64)),
    (128, 256, 16, (192, 64)),
    (256, 1024, 1, (256, 256, 256, 256)),
    (256, 512, 6, (172, 170, 170)),
)


class _Unit(nn.Module):
    """Convolution without bias, batch norm, and PReLU unless ``linear``."""

    def __init__(
        self, ins: int, outs: int, kernel: int | tuple[int, int], stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        padding = 1 if kernel == 3 else 0
        self.conv = nn.Conv2d(ins, outs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outs)
        self.prelu = None if linear else nn.PReLU(outs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.prelu is None else self.prelu(x)


class _Squeeze(nn.Module):
    """From one row and one column of descriptors to a factor for each row and each column (coordinate attention)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(8, channels // 32)
        self.reduce = nn.Conv2d(channels, middle, 1)
        self.bn = nn.BatchNorm2d(middle)
        self.rows = nn.Conv2d(middle, channels, 1)
        self.columns = nn.Conv2d(middle, channels, 1)

    def forward(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Map (N, C, H, 1) and (N, C, 1, W) to factors (N, C, H, W) in 0…1."""
        height = rows.shape[2]
        y = F.hardswish(self.bn(self.reduce(torch.cat((rows, columns.transpose(2, 3)), dim=2))))
        down, across = y[:, :, :height], y[:, :, height:].transpose(2, 3)
        return self.rows(down).sigmoid() * self.columns(across).sigmoid()


class _MixedBlock(nn.Module):
    """Expansion, depthwise kernels of several sizes side by side, coordinate attention, projection."""

    def __init__(self, ins: int, outs: int, width: int, split: tuple[int, ...], stride: int) -> None:
        super().__init__()
        self.expand = _Unit(ins, width, 1)
        self.split = split
        self.depthwise = nn.ModuleList(
            nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
            for channels, kernel in zip(split, (3, 5, 7, 9))
        )
        self.attention = _Squeeze(width)
        self.project = _Unit(width, outs, 1, linear=True)
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        parts = self.expand(x).split(self.split, dim=1)
        y = torch.cat([conv(part) for conv, part in zip(self.depthwise, parts)], dim=1)
        y = y * self.attention(y.mean(3, keepdim=True), y.mean(2, keepdim=True))
        y = self.project(y)
        return x + y if self.residual else y


class _DirectionHead(nn.Module):
    """An attention map whose rows and columns are described by learnt depthwise kernels over their whole length."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.across = _Unit(channels, channels, (1, size), groups=channels, linear=True)
        self.down = _Unit(channels, channels, (size, 1), groups=channels, linear=True)
        self.squeeze = _Squeeze(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.squeeze(self.across(x), self.down(x))


@MODELS.register_module()
class DDAMFN(BaseModule):
    """Aligned faces (N, 3, 112, 112) to a feature (N, 512): mixed kernels, then attention along both directions.

    Of the attention maps of several heads the largest value counts in each place. What the authors' code builds and does
    not use (batch norm and PReLU after the mixed kernels, a layer in each head, a batch norm of the classes) is left out:
    4,105,999 parameters with seven classes, of theirs 4,187,421.

    Args:
        attention_heads: how many; at least two for :class:`~faceresearch.models.classifiers.AttentionDiversity`.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    embedding_size = _LAST

    def __init__(self, attention_heads: int = 2, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.stem = _Unit(3, 64, 3, stride=2)
        self.stem_depthwise = _Unit(64, 64, 3, groups=64)
        stages: list[nn.Module] = []
        channels = 64
        for number, (outs, width, blocks, split) in enumerate(_STAGES):
            stride = 1 if number % 2 else 2
            stages.append(nn.Sequential(*(_MixedBlock(channels, outs, width, split, stride) for _ in range(blocks))))
            channels = outs
        self.stages = nn.ModuleList(stages)
        self.separate = _Unit(channels, _LAST, 1)
        size = SIZE[0] // 16
        self.directions = nn.ModuleList(_DirectionHead(_LAST, size) for _ in range(attention_heads))
        self.pool = _Unit(_LAST, _LAST, size, groups=_LAST, linear=True)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, 112, 112) to features (N, 512).

        Raises:
            UserError: the images have another size.
        """
        return self.with_auxiliary(x)[0]

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features (N, 512) and the attention maps (heads, N, 512, 7, 7), each value in 0…1."""
        require_size(x, SIZE, 'DDAMFN')
        x = self.stem_depthwise(self.stem(x))
        for stage in self.stages:
            x = stage(x)
        x = self.separate(x)
        maps = torch.stack([direction(x) for direction in self.directions])
        return self.pool(x * maps.amax(0)).flatten(1), maps
