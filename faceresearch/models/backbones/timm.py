"""Any timm model as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError, did_you_mean
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """The feature maps of a timm model.

    Args:
        name: timm's name, for example ``'mobilenetv3_small_100'``.
        strides: which strides to return, from fine to coarse.
        pretrained: initial weights: ``'timm'`` fetches timm's own; otherwise see :func:`load_pretrained`.

    Raises:
        UserError: timm has no such model, or the model has no map of one of the strides.
    """

    def __init__(
        self,
        name: str,
        strides: Sequence[int] = (8, 16, 32),
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        if not timm.is_model(name):
            raise UserError(
                f'TimmBackbone: timm {timm.__version__} has no {name!r}.{did_you_mean(name, timm.list_models())}'
            )
        probe: Any = timm.create_model(name, features_only=True, pretrained=False).feature_info
        available = list(probe.reduction())
        missing = [stride for stride in strides if stride not in available]
        if missing:
            raise UserError(f'TimmBackbone: {name} has feature maps of strides {available}, none of {missing}')
        indices = tuple(available.index(stride) for stride in strides)
        self._create: dict[str, Any] = {'model_name': name, 'features_only': True, 'out_indices': indices}
        net: Any = timm.create_model(**self._create, pretrained=False)
        self.net = net
        self.out_channels = tuple(net.feature_info.channels())

    def init_weights(self) -> None:
        """Load ``pretrained``, if any: here and not in the constructor, so that testing needs no network."""
        if self.pretrained == 'timm':
            self.net.load_state_dict(_fetch(self._create).state_dict())
        elif self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of ``strides``."""
        return tuple(self.net(x))


def _fetch(arguments: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(**arguments, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{arguments['model_name']}: timm's weights cannot be fetched ({' '.join(str(error).split())[:200]});"
            ' start from random weights with model.backbone.pretrained=null, or give a file'
        ) from error
