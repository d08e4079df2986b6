"""BiSeNet's two paths and their fusion, as the face parsers zllrunning and yakhyo have them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.layers import conv_bn, normal_convolutions
from faceresearch.registry import MODELS


class AttentionRefinement(nn.Module):
    """A 3 × 3 convolution whose channels are weighed by what the whole image says about them (paper, §3.2).

    Args:
        in_channels: channels of the feature map.
        out_channels: channels after the convolution.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = conv_bn(in_channels, out_channels)
        self.attention = nn.Sequential(
            nn.Conv2d(out_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, out_channels, H, W)."""
        x = self.block(x)
        return x * self.attention(x.mean((2, 3), keepdim=True))


class FeatureFusion(nn.Module):
    """Joins the fine and the context features, and adds to them what their attention selects (paper, §3.3).

    Args:
        in_channels: channels of both together.
        out_channels: channels of the result.
        reduction: factor by which the attention's inner layer is narrower.
    """

    def __init__(self, in_channels: int, out_channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.block = conv_bn(in_channels, out_channels, 1)
        self.conv1 = nn.Conv2d(out_channels, out_channels // reduction, 1, bias=False)
        self.conv2 = nn.Conv2d(out_channels // reduction, out_channels, 1, bias=False)

    def forward(self, fine: Tensor, context: Tensor) -> Tensor:
        """Map two feature maps of one size to (N, out_channels, H, W)."""
        x = self.block(torch.cat([fine, context], 1))
        attention = torch.sigmoid(self.conv2(F.relu(self.conv1(x.mean((2, 3), keepdim=True)))))
        return x * attention + x


@MODELS.register_module()
class BiSeNetNeck(BaseModule):
    """Context path and feature fusion of BiSeNet (Yu et al., ECCV 2018, arXiv:1808.00897).

    The features of strides 16 and 32 are refined by attention, joined by the mean of the coarsest, and brought to stride
    8, where they meet the backbone's own: these take the place of the paper's spatial path, as in
    zllrunning/face-parsing.PyTorch and yakhyo/face-parsing.

    Args:
        in_channels: channels of the backbone's features of strides 8, 16 and 32.
        channels: channels of the context path.
        out_channels: channels of the fused features.

    Raises:
        UserError: the backbone does not give three feature maps.
    """

    def __init__(self, in_channels: Sequence[int], channels: int = 128, out_channels: int = 256) -> None:
        super().__init__()
        if len(in_channels) != 3:
            raise UserError(
                f'BiSeNetNeck: needs the features of strides 8, 16 and 32; the backbone gives {len(in_channels)} maps'
                ' (of ResNet: out_stages=(2, 3, 4); of TimmBackbone: strides=(8, 16, 32))'
            )
        fine, middle, coarse = in_channels
        self.refine16 = AttentionRefinement(middle, channels)
        self.refine32 = AttentionRefinement(coarse, channels)
        self.mean32 = conv_bn(coarse, channels, 1)
        self.smooth16 = conv_bn(channels, channels)
        self.smooth32 = conv_bn(channels, channels)
        self.fusion = FeatureFusion(fine + channels, out_channels)
        self.out_channels = (out_channels, channels, channels)

    def init_weights(self) -> None:
        """Draw convolutions as zllrunning does: normal, with variance 1 / fan in."""
        normal_convolutions(self)

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Map features of strides 8, 16, 32 to the fused ones (stride 8) and the context at strides 8 and 16."""
        feat8, feat16, feat32 = features
        mean = self.mean32(feat32.mean((2, 3), keepdim=True))
        context16 = self.smooth32(_enlarge(self.refine32(feat32) + mean, feat16))
        context8 = self.smooth16(_enlarge(self.refine16(feat16) + context16, feat8))
        return self.fusion(feat8, context8), context8, context16


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode='nearest')
