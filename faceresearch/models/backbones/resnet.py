"""ResNet with torchvision's layout and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torchvision
from mmengine.model import BaseModule
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS


@MODELS.register_module()
class ResNet(BaseModule):
    """ResNet (He et al. 2016) giving the outputs of some of its four stages (strides 4, 8, 16, 32).

    Args:
        depth: 18, 34, 50, 101 or 152.
        out_stages: which of the stages 1…4 to return.
        pretrained: initial weights, see :func:`load_pretrained`; ``'torchvision'`` fetches ImageNet weights.

    Raises:
        UserError: there is no ResNet of that depth.
    """

    def __init__(
        self,
        depth: Literal[18, 34, 50, 101, 152] = 50,
        out_stages: Sequence[int] = (2, 3, 4),
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        if depth not in (18, 34, 50, 101, 152):
            raise UserError(f'ResNet: there is no depth {depth}; use 18, 34, 50, 101 or 152')
        net = getattr(torchvision.models, f'resnet{depth}')(weights=None)
        self.depth = depth
        self.out_stages = tuple(out_stages)
        self.conv1, self.bn1, self.relu, self.maxpool = net.conv1, net.bn1, net.relu, net.maxpool
        for stage in range(1, max(out_stages) + 1):
            self.add_module(f'layer{stage}', getattr(net, f'layer{stage}'))
        expansion = 1 if depth < 50 else 4
        self.out_channels = tuple(64 * expansion * 2 ** (stage - 1) for stage in out_stages)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained, f'resnet{self.depth}')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to the features of ``out_stages``."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        outputs = []
        for stage in range(1, max(self.out_stages) + 1):
            x = getattr(self, f'layer{stage}')(x)
            if stage in self.out_stages:
                outputs.append(x)
        return tuple(outputs)
