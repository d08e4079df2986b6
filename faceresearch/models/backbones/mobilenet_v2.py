"""MobileNetV2 with torchvision's layout and names."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.models import mobilenet_v2
from torchvision.ops import Conv2dNormActivation

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS

TAPS = (6, 13, 18)


@MODELS.register_module()
class MobileNetV2(BaseModule):
    """MobileNetV2 (Sandler et al. 2018), giving 32, 96 and 1280 channels at strides 8, 16 and 32.

    The last map is taken after the final 1×1 convolution, as yakhyo/retinaface-pytorch does.

    Args:
        pretrained: initial weights, see :func:`load_pretrained`; ``'torchvision'`` fetches ImageNet weights.
        activated_norm: epsilon and momentum of the batch norms that an activation follows; (1e-3, 0.01) in
            yakhyo/gaze-estimation, where those after the linear convolutions keep the usual ones.
    """

    out_channels = (32, 96, 1280)

    def __init__(self, pretrained: str | None = None, activated_norm: tuple[float, float] = (1e-5, 0.1)) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.features = mobilenet_v2(weights=None).features
        for unit in self.features.modules():
            if isinstance(unit, Conv2dNormActivation):
                norm = unit[1]
                assert isinstance(norm, nn.BatchNorm2d)
                norm.eps, norm.momentum = activated_norm

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained, 'mobilenet_v2')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32."""
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                outputs.append(x)
        return tuple(outputs)
