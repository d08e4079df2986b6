"""What keeps several attention maps from becoming one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class AttentionDiversity(BaseModule):
    """Pairs of heads divided by the sum of their mean squared differences: small where the maps differ (DDAMFN, eq. 5).

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def loss(self, maps: Tensor, samples: Sequence[FaceDataSample]) -> dict[str, Tensor]:
        """Return the weighted loss of attention maps (heads, N, C, H, W).

        Raises:
            UserError: there is one head only.
        """
        if len(maps) < 2:
            raise UserError('AttentionDiversity compares heads: set model.backbone.attention_heads to at least 2')
        pairs = torch.combinations(torch.arange(len(maps))).tolist()
        differences = torch.stack([F.mse_loss(maps[i].float(), maps[j].float()) for i, j in pairs])
        return {'loss_attention': self.loss_weight * len(pairs) / (differences.sum() + sys.float_info.epsilon)}
