"""The residual networks of face recognition: iResNet (ArcFace, MagFace) and IR, IR-SE (AdaFace, CurricularFace)."""

from __future__ import annotations

from typing import Literal

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.models.precision import full_precision
from faceresearch.registry import MODELS

#: Units of the four stages, by depth; 101 is what AdaFace and CurricularFace call the network of 100.
BASIC_UNITS = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    101: (3, 13, 30, 3),
    152: (3, 8, 36, 3),
    200: (6, 26, 60, 6),
}
#: The same with bottleneck units, of which a stage has four times the channels (AdaFace).
BOTTLENECK_UNITS = {152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
SIZE = (112, 112)
SE_REDUCTION = 16


@MODELS.register_module()
class IResNet(BaseModule):
    """Residual network for aligned faces of 112 × 112: a stem without stride, four stages that halve the size, and a
    fully connected layer between two batch norms.

    Units have a batch norm before their first convolution and no activation after the sum. The last layers compute in
    float32 under AMP. Tensors have the names of arcface_torch (``layer1.0.bn1``, …).

    Source: Duta et al. 2020 and Deng et al. 2019 (ArcFace); deepinsight/insightface recognition/arcface_torch
    backbones/iresnet.py (the defaults), mk-minchul/AdaFace net.py, HuangYG123/CurricularFace backbone/model_irse.py,
    IrvingMeng/MagFace models/iresnet.py.

    Args:
        depth: 18, 34, 50, 100 (or 101), 152, 200; 10 for trainings of minutes, which nobody has published.
        embedding_size: D.
        bottleneck: units of 1×1, 3×3, 1×1 convolutions and four times the channels (AdaFace IR-152, IR-200).
        se: squeeze and excitation at the end of each unit (IR-SE), reduction 16.
        stage1_shortcut: how the first unit, which changes the size but not the channels, is bridged: ``conv`` (1×1 and
            batch norm, iResNet) or ``maxpool`` (every second pixel, IR).
        middle_bn: batch norm between the first convolution of a unit and its PReLU (CurricularFace has none).
        final_bn_affine: whether the last batch norm has a bias; its scale is 1 and is never trained.
        bn_eps: epsilon of all batch norms (2e-5 in MagFace and in networks that come from MXNet).
        bn_momentum: share of a batch in the running statistics.
        dropout: probability before the fully connected layer.
        channel_dropout: drop whole channels (MagFace).
        init: ``normal``: convolutions with σ 0.1 (arcface_torch); ``kaiming``: all by their fan out (IR).
        pretrained: initial weights, see :func:`load_pretrained`.
        width: channels of the stem and the first stage; each further stage has twice as many.
        stem_stride: of the first convolution; 2 quarters the cost.
        input_size: height and width of the images; recognition has 112 × 112.

    Raises:
        UserError: there is no network of that depth.
    """

    def __init__(
        self,
        depth: int = 50,
        embedding_size: int = 512,
        bottleneck: bool = False,
        se: bool = False,
        stage1_shortcut: Literal['conv', 'maxpool'] = 'conv',
        middle_bn: bool = True,
        final_bn_affine: bool = True,
        bn_eps: float = 1e-5,
        bn_momentum: float = 0.1,
        dropout: float = 0.0,
        channel_dropout: bool = False,
        init: Literal['normal', 'kaiming'] = 'normal',
        pretrained: str | None = None,
        width: int = 64,
        stem_stride: int = 1,
        input_size: tuple[int, int] = SIZE,
    ) -> None:
        super().__init__()
        table = BOTTLENECK_UNITS if bottleneck else BASIC_UNITS
        if depth not in table:
            raise UserError(f'IResNet: there is no depth {depth}; use {", ".join(map(str, table))}')
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        pool_shortcut = stage1_shortcut == 'maxpool'
        self.conv1 = nn.Conv2d(3, width, 3, stride=stem_stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU(width)
        channels, stages = width, []
        for number, units in enumerate(table[depth]):
            out_channels = width * 2**number * (4 if bottleneck else 1)
            stage = [Unit(channels, out_channels, 2, bottleneck, se, middle_bn, pool_shortcut)]
            stage += [Unit(out_channels, out_channels, 1, bottleneck, se, middle_bn) for _ in range(units - 1)]
            stages.append(nn.Sequential(*stage))
            channels = out_channels
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.bn2 = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout2d(dropout) if channel_dropout else nn.Dropout(dropout)
        self.input_size = (input_size[0], input_size[1])
        rows, columns = (-(-side // (16 * stem_stride)) for side in self.input_size)
        self.fc = nn.Linear(channels * rows * columns, embedding_size)
        self.features = nn.BatchNorm1d(embedding_size, affine=final_bn_affine)
        if final_bn_affine:
            self.features.weight.requires_grad_(False)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.eps, module.momentum = bn_eps, bn_momentum
        self._initialise(init)

    def _initialise(self, init: str) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and init == 'normal':
                nn.init.normal_(module.weight, 0, 0.1)
            elif isinstance(module, nn.Conv2d | nn.Linear) and init == 'kaiming':
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map aligned faces (N, 3, 112, 112) to embeddings (N, D), not normalised."""
        require_size(x, self.input_size, type(self).__name__)
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        x = torch.flatten(self.dropout(self.bn2(x)), 1)
        with full_precision(x):
            return self.features(self.fc(x.to(self.fc.weight.dtype)))


class Unit(nn.Module):
    """Residual unit: batch norm, convolutions, batch norm, and the sum with the shortcut.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        stride: of the last convolution, and of the shortcut.
        bottleneck: see :class:`IResNet`.
        se: likewise.
        middle_bn: likewise.
        pool_shortcut: bridge a change of size alone without parameters.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        bottleneck: bool,
        se: bool,
        middle_bn: bool,
        pool_shortcut: bool = False,
    ) -> None:
        super().__init__()
        inner = out_channels // 4 if bottleneck else out_channels
        self.bn1 = nn.BatchNorm2d(in_channels)
        kernel = 1 if bottleneck else 3
        self.conv1 = nn.Conv2d(in_channels, inner, kernel, padding=kernel // 2, bias=False)
        self.bn2 = nn.BatchNorm2d(inner) if middle_bn else nn.Identity()
        self.prelu = nn.PReLU(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=1 if bottleneck else stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner)
        self.prelu2 = nn.PReLU(inner) if bottleneck else nn.Identity()
        self.expand = nn.Sequential()
        if bottleneck:
            self.expand = nn.Sequential(
                nn.Conv2d(inner, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )
        self.se = SqueezeExcitation(out_channels) if se else nn.Identity()
        self.downsample = _shortcut(in_channels, out_channels, stride, pool_shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        out = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        out = self.expand(self.prelu2(self.bn3(self.conv2(out))))
        return self.se(out) + self.downsample(x)


class SqueezeExcitation(nn.Module):
    """Channel attention by two 1×1 convolutions without bias (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // SE_REDUCTION, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // SE_REDUCTION, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels of (N, C, H, W)."""
        weight = self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weight)


def _shortcut(in_channels: int, out_channels: int, stride: int, pool: bool) -> nn.Module:
    if in_channels == out_channels and (stride == 1 or pool):
        return nn.Identity() if stride == 1 else nn.MaxPool2d(1, stride)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
    )
