"""RetinaFace's feature pyramid with SSH context modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.layers import conv_bn
from faceresearch.registry import MODELS


class SSH(nn.Module):
    """Context module: 3×3, 5×5 and 7×7 receptive fields, concatenated (Najibi et al., SSH, 2017, figure 4).

    Args:
        channels: input and output channels, a multiple of 4.
        leaky: slope of the activations inside.
    """

    def __init__(self, channels: int, leaky: float) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.conv3 = conv_bn(channels, half, leaky=None)
        self.conv5_1 = conv_bn(channels, quarter, leaky=leaky)
        self.conv5_2 = conv_bn(quarter, quarter, leaky=None)
        self.conv7_2 = conv_bn(quarter, quarter, leaky=leaky)
        self.conv7_3 = conv_bn(quarter, quarter, leaky=None)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H, W)."""
        shared = self.conv5_1(x)
        context = [self.conv3(x), self.conv5_2(shared), self.conv7_3(self.conv7_2(shared))]
        return F.relu(torch.cat(context, 1))


@MODELS.register_module()
class RetinaFaceFPN(BaseModule):
    """Top-down pyramid over the backbone's maps, each followed by an SSH module.

    Every map is added to the already merged coarser one, enlarged to its size (nearest neighbour), then smoothed by a
    3×3 convolution; the coarsest is not smoothed. Source: biubug6/Pytorch_Retinaface models/net.py.

    Args:
        in_channels: channels of the backbone's maps, from fine to coarse.
        out_channels: channels of every level.
        leaky: slope of the activations; by default 0.1 up to 64 channels and 0 above, as the original.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 64,
        leaky: float | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        slope = leaky if leaky is not None else (0.1 if out_channels <= 64 else 0.0)
        self.lateral = nn.ModuleList(conv_bn(c, out_channels, kernel_size=1, leaky=slope) for c in in_channels)
        self.merge = nn.ModuleList(conv_bn(out_channels, out_channels, leaky=slope) for _ in in_channels[:-1])
        self.ssh = nn.ModuleList(SSH(out_channels, slope) for _ in in_channels)
        self.out_channels = (out_channels,) * len(in_channels)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's features to as many levels of ``out_channels`` channels and the same sizes."""
        levels = [lateral(feature) for lateral, feature in zip(self.lateral, features)]
        for i in range(len(levels) - 2, -1, -1):
            enlarged = F.interpolate(levels[i + 1], size=levels[i].shape[-2:], mode='nearest')
            levels[i] = self.merge[i](levels[i] + enlarged)
        return tuple(ssh(level) for ssh, level in zip(self.ssh, levels))
