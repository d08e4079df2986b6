"""insightface's MobileNets with PReLU: of half width in its 106-point network, of a quarter for age and gender."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.registry import MODELS

#: Channels, in those of the first unit, and stride of each separable unit.
_UNITS = (
    *((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2)),
    *((16, 1),) * 5,
    *((32, 2), (32, 1)),
)
_EPS = 1e-3


@MODELS.register_module()
class MobileNet2D106(BaseModule):
    """MobileNetV1 ×0.5 with PReLU, ended by a 3 × 3 convolution to 64 channels at stride 64.

    For 192 px the map is 64 × 3². Source: deepinsight/insightface alignment/coordinate_reg (2d106det.onnx). The training
    code was never published.

    Args:
        first_channels: of the first convolution; 16 is half of MobileNet's 32, and all others follow.
        last_channels: of the last convolution; None has none, and the map is MobileNet's own, of stride 32.
    """

    def __init__(self, first_channels: int = 16, last_channels: int | None = 64) -> None:
        super().__init__()
        units: list[nn.Module] = [_unit(3, first_channels, stride=2)]
        channels = first_channels
        for factor, stride in _UNITS:
            out_channels = factor * first_channels
            depthwise = _unit(channels, channels, stride=stride, groups=channels)
            units.append(nn.Sequential(depthwise, _unit(channels, out_channels, kernel_size=1)))
            channels = out_channels
        if last_channels is not None:
            units.append(_unit(channels, last_channels, stride=2))
            channels = last_channels
        self.units = nn.Sequential(*units)
        self.out_channels = (channels,)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map crops (N, 3, H, W) to the last map, (N, 64, H / 64, W / 64), or (N, C, H / 32, W / 32) without the last."""
        return (self.units(x),)


def _unit(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, eps=_EPS),
        nn.PReLU(out_channels),
    )
