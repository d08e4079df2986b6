"""BiSeNet's outputs: one for use, two that help to train it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.layers import conv_bn, normal_convolutions
from faceresearch.registry import MODELS, build_module


class ClassMap(nn.Module):
    """A 3 × 3 convolution and a 1 × 1 one without bias: from features to a logit per class and position.

    Args:
        in_channels: channels of the features.
        channels: channels between the two.
        num_classes: classes.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.block = conv_bn(in_channels, channels)
        self.conv = nn.Conv2d(channels, num_classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to logits (N, num_classes, H, W)."""
        return self.conv(self.block(x))


@MODELS.register_module()
class BiSeNetHead(BaseModule):
    """The main output of BiSeNet and its auxiliary ones, all enlarged to the size of the input.

    Args:
        num_classes: classes, background among them.
        in_channels: channels of the main features, then of the auxiliary ones.
        channels: channels inside the main output.
        aux_channels: channels inside the auxiliary outputs.
        loss: loss of each output, ``(logits, labels) -> scalar``; None cannot be trained.
        aux_weight: weight of the auxiliary outputs' losses.

    Raises:
        UserError: there is no class.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int] = (256, 128, 128),
        channels: int = 256,
        aux_channels: int = 64,
        loss: nn.Module | dict[str, Any] | None = None,
        aux_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise UserError(f'BiSeNetHead: num_classes={num_classes}: background and at least one class')
        self.num_classes = num_classes
        self.main = ClassMap(in_channels[0], channels, num_classes)
        self.aux = nn.ModuleList(ClassMap(number, aux_channels, num_classes) for number in in_channels[1:])
        self.loss_function = build_module(loss) if loss is not None else None
        self.aux_weight = aux_weight

    def init_weights(self) -> None:
        """Draw convolutions as zllrunning does: normal, with variance 1 / fan in."""
        normal_convolutions(self)

    def output_names(self, outputs: str) -> tuple[str, ...]:
        """Names of what ``tensor`` returns."""
        return ('logits',) if outputs == 'main' else ('logits', *(f'aux{number}' for number in range(len(self.aux))))

    def logits(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Map the neck's features to the main logits (N, num_classes, h, w)."""
        return _enlarged(self.main(features[0]), size)

    def tensor(self, features: Sequence[Tensor], size: tuple[int, int], outputs: str) -> tuple[Tensor, ...]:
        """Map the neck's features to the ``main`` logits, or to ``all`` of them, each (N, num_classes, h, w)."""
        if outputs == 'main':
            return (self.logits(features, size),)
        aux = [_enlarged(head(x), size) for head, x in zip(self.aux, features[1:], strict=True)]
        return self.logits(features, size), *aux

    def logits_of(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the main logits (N, num_classes, h, w) among what :meth:`tensor` gives."""
        return outputs[0]

    def loss(self, features: Sequence[Tensor], labels: Tensor) -> dict[str, Tensor]:
        """Return the loss of each output.

        Args:
            features: of the neck.
            labels: (N, H, W) int64 class ids of the input's pixels.

        Raises:
            UserError: the head was built without a loss.
        """
        if self.loss_function is None:
            raise UserError("model.head has no loss to train with: give model.head.loss=dict(type='OHEMCrossEntropy')")
        outputs = self.tensor(features, (labels.shape[-2], labels.shape[-1]), 'all')
        weights = (1.0, *([self.aux_weight] * len(self.aux)))
        names = ('main', *self.output_names('all')[1:])
        return {
            f'loss_{name}': weight * self.loss_function(logits, labels)
            for name, weight, logits in zip(names, weights, outputs, strict=True)
        }


def _enlarged(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(logits, size=size, mode='bilinear', align_corners=True)
