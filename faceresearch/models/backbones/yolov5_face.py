"""The two trunks of YOLOv5-Face: ShuffleNet V2 units for the n models, cross-stage partial blocks for s, m and l."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.yolo_layers import C3, SPP, Conv, ShuffleBlock, StemBlock, scaled_channels
from faceresearch.registry import MODELS


@MODELS.register_module()
class YOLOv5FaceShuffleNet(BaseModule):
    """Trunk of the n models: stem, then one unit of stride 2 and some of stride 1 for each level.

    Source: Qi et al., YOLO5Face, 2021, section 3 (ShuffleNetV2 variants); shapes of the published checkpoints.

    Args:
        width: factor on all channels: 1 for n, 0.5 for n-0.5.
        stem_channels: channels of the stem, before ``width``.
        channels: channels of each level, strides 8, 16, …, before ``width``. n6 has a fourth of 384 before 512.
        blocks: units of stride 1 of each level.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        width: float = 1.0,
        stem_channels: int = 32,
        channels: Sequence[int] = (128, 256, 512),
        blocks: Sequence[int] = (3, 7, 3),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(blocks):
            raise ValueError(f'YOLOv5FaceShuffleNet: {len(channels)} levels of channels but {len(blocks)} of blocks')
        stem = scaled_channels(stem_channels * width)
        self.out_channels = tuple(scaled_channels(c * width) for c in channels)
        self.stem = StemBlock(stem)
        before = (stem, *self.out_channels[:-1])
        self.down = nn.ModuleList(ShuffleBlock(c, out, stride=2) for c, out in zip(before, self.out_channels))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ShuffleBlock(c, c) for _ in range(count))) for c, count in zip(self.out_channels, blocks)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32 (and 64)."""
        x = self.stem(x)
        features = []
        for down, blocks in zip(self.down, self.blocks):
            x = blocks(down(x))
            features.append(x)
        return tuple(features)


@MODELS.register_module()
class YOLOv5FaceCSPNet(BaseModule):
    """Trunk of the s, m and l models: stem, then C3 blocks with a convolution of stride 2 before each level.

    Source: Qi et al., YOLO5Face, 2021, section 3, figure 1; shapes of the published checkpoints.

    Args:
        depth: factor on the number of bottlenecks: 1/3 for s, 2/3 for m, 1 for l.
        width: factor on all channels: 0.5 for s, 0.75 for m, 1 for l.
        stem_channels: channels of stem and first block, before ``width``.
        channels: channels of the first block and of each level, before ``width``. The P6 forms have 768 before 1024.
        blocks: bottlenecks of the same, before ``depth``.
        spp_kernel_sizes: windows of the pyramid pooling before the last block.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        depth: float = 1 / 3,
        width: float = 0.5,
        stem_channels: int = 64,
        channels: Sequence[int] = (128, 256, 512, 1024),
        blocks: Sequence[int] = (3, 9, 9, 3),
        spp_kernel_sizes: Sequence[int] = (3, 5, 7),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(blocks):
            raise ValueError(f'YOLOv5FaceCSPNet: {len(channels)} levels of channels but {len(blocks)} of blocks')
        stem = scaled_channels(stem_channels * width)
        scaled = [scaled_channels(c * width) for c in channels]
        repeats = [max(round(count * depth), 1) for count in blocks]
        self.stem = StemBlock(stem)
        self.down = nn.ModuleList(Conv(c, out, 3, 2) for c, out in pairwise(scaled))
        self.spp = SPP(scaled[-1], scaled[-1], spp_kernel_sizes)
        last = len(scaled) - 1
        # Only the first block changes the number of channels; the last is not residual.
        self.blocks = nn.ModuleList(
            C3(stem if i == 0 else c, c, count, shortcut=i < last) for i, (c, count) in enumerate(zip(scaled, repeats))
        )
        self.out_channels = tuple(scaled[1:])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32 (and 64)."""
        x = self.blocks[0](self.stem(x))
        features = []
        for i, down in enumerate(self.down, 1):
            x = down(x)
            if i == len(self.down):
                x = self.spp(x)
            x = self.blocks[i](x)
            features.append(x)
        return tuple(features)
