"""insightface's MobileNet of half width, as its 106-point network has it."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.registry import MODELS

#: Channels and stride of each separable unit.
_UNITS = (
    *((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)),
    *((256, 1),) * 5,
    *((512, 2), (512, 1)),
)
_EPS = 1e-3


@MODELS.register_module()
class MobileNet2D106(BaseModule):
    """MobileNetV1 ×0.5 with PReLU, ended by a 3 × 3 convolution to 64 channels at stride 64.

    For 192 px the map is 64 × 3². Source: deepinsight/insightface alignment/coordinate_reg (2d106det.onnx). The training
    code was never published.
    """

    def __init__(self) -> None:
        super().__init__()
        units: list[nn.Module] = [_unit(3, 16, stride=2)]
        channels = 16
        for out_channels, stride in _UNITS:
            depthwise = _unit(channels, channels, stride=stride, groups=channels)
            units.append(nn.Sequential(depthwise, _unit(channels, out_channels, kernel_size=1)))
            channels = out_channels
        units.append(_unit(channels, 64, stride=2))
        self.units = nn.Sequential(*units)
        self.out_channels = (64,)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map crops (N, 3, H, W) to the last map, (N, 64, H / 64, W / 64)."""
        return (self.units(x),)


def _unit(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, eps=_EPS),
        nn.PReLU(out_channels),
    )
