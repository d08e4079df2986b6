"""The Fourier branch of MiniFASNet's training: a map of the image's spectrum, regressed from a middle feature map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class FourierBranch(BaseModule):
    """Three convolutions that predict the spectrum of the input, for training only.

    (minivision-ai/Silent-Face-Anti-Spoofing src/model_lib/MultiFTNet.py.) Its target is ``gt_attributes.fourier``, made
    by the transform ``FourierTarget``, whose place in the pipeline says whether the spectrum is that of the augmented
    image or, as in the original, that of the image before.

    Args:
        in_channels: channels of the map it reads.
        loss_weight: factor of the loss.
    """

    def __init__(self, in_channels: int = 128, loss_weight: float = 0.5) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        layers: list[nn.Module] = []
        for ins, outs in ((in_channels, 128), (128, 64), (64, 1)):
            layers += [nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the spectrum (N, 1, H, W), at least 0."""
        return self.layers(x)

    def loss(self, x: Tensor, samples: Sequence[FaceDataSample]) -> dict[str, Tensor]:
        """Return the weighted mean squared error.

        Raises:
            UserError: a sample has no target, or one of another size.
        """
        predicted = self(x)
        targets = []
        for sample in samples:
            if 'gt_attributes' not in sample or 'fourier' not in sample.gt_attributes:
                raise UserError(
                    f"{sample.get('img_path', 'an image')}: has no Fourier target; put dict(type='FourierTarget')"
                    ' into the pipeline, or train with model.auxiliary=null'
                )
            targets.append(sample.gt_attributes.fourier)
        target = torch.stack(targets).to(predicted)
        if target.shape != predicted.shape:
            raise UserError(
                f'the Fourier targets are {tuple(target.shape[1:])}, the branch predicts {tuple(predicted.shape[1:])}:'
                f" use dict(type='FourierTarget', size={predicted.shape[-1]})"
            )
        return {'loss_fourier': self.loss_weight * F.mse_loss(predicted, target)}
