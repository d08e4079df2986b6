"""The two backbones of YOLOv8-Face."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.yolo_layers import SPPF, Activation, Conv, ShuffleBlock, StemBlock, scaled_channels
from faceresearch.models.yolov8_layers import C2f
from faceresearch.registry import MODELS


@MODELS.register_module()
class YOLOv8FaceCSPNet(BaseModule):
    """Strided convolutions and C2f blocks, giving feature maps of strides 8, 16 and 32, the last after SPPF.

    Source: shapes of derronqi/yolov8-face yolov8n; Jocher et al., YOLOv8, 2023.

    Args:
        width: factor on the channels 64, 128, 256, 512, 1024, rounded up to multiples of 8.
        depth: factor on the bottlenecks 3, 6, 6, 3 of the four stages, at least 1.
        max_channels: the channels before the factor are no more than this.
        activation: ``silu`` or ``relu``; a state dict does not tell.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self,
        width: float = 0.25,
        depth: float = 0.33,
        max_channels: int = 1024,
        activation: Activation = 'silu',
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        c = [scaled_channels(min(channels, max_channels) * width) for channels in (64, 128, 256, 512, 1024)]
        self.stem = Conv(3, c[0], 3, 2, activation=activation)
        self.stages = nn.ModuleList(
            nn.Sequential(
                Conv(c[i], c[i + 1], 3, 2, activation=activation),
                C2f(c[i + 1], c[i + 1], max(round(blocks * depth), 1), activation=activation),
            )
            for i, blocks in enumerate((3, 6, 6, 3))
        )
        self.sppf = SPPF(c[4], c[4], activation=activation)
        self.out_channels = (c[2], c[3], c[4])

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32."""
        maps = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1], maps[2], self.sppf(maps[3])


@MODELS.register_module()
class YOLOv8FaceShuffleNet(BaseModule):
    """Stem block and ShuffleNet V2 units, giving feature maps of strides 8, 16 and 32, the last after SPPF.

    Source: shapes of derronqi/yolov8-face yolov8-lite-s and yolov8-lite-t.

    Args:
        channels: of the stem and of the three stages.
        blocks: units of each stage after its first, which halves the size.
        activation: of stem and SPPF, ``silu`` or ``relu``; the units have SiLU always.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 96, 192, 384),
        blocks: Sequence[int] = (3, 7, 3),
        activation: Activation = 'silu',
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.stem = StemBlock(channels[0], activation=activation)
        self.stages = nn.ModuleList(
            nn.Sequential(ShuffleBlock(before, after, 2), *(ShuffleBlock(after, after) for _ in range(count)))
            for before, after, count in zip(channels, channels[1:], blocks)
        )
        self.sppf = SPPF(channels[-1], channels[-1], activation=activation)
        self.out_channels = tuple(channels[1:])

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32."""
        maps = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[0], maps[1], self.sppf(maps[2])
