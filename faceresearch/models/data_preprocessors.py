"""The only place that knows colour order, mean, standard deviation and padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor

from faceresearch.config.contract import colour_order
from faceresearch.errors import UserError
from faceresearch.registry import MODELS


@MODELS.register_module()
class FaceDataPreprocessor(BaseDataPreprocessor):
    """Normalise images, pad them to a common size at the right and bottom, and stack them.

    Args:
        mean: one value per channel, in the order the network sees, on the scale 0…255.
        std: one value per channel.
        bgr_to_rgb: swap the channels first (images are read as BGR).
        grey: make one channel of the three, 0.299 R + 0.587 G + 0.114 B; ``mean`` and ``std`` then have one value.
        pad_size_divisor: the batch's height and width become multiples of this.
        pad_value: value of the padding after normalisation (0 is the mean colour).
        channels_last: store the batch with channels innermost. The values are the same; small convolutions on a CPU
            run about 1.6 times as fast.

    Raises:
        UserError: ``grey`` with a colour order, or with several values of ``mean`` or ``std``.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        bgr_to_rgb: bool = False,
        pad_size_divisor: int = 1,
        pad_value: float = 0.0,
        channels_last: bool = False,
        grey: bool = False,
    ) -> None:
        super().__init__()
        if grey and (bgr_to_rgb or len(mean) != 1 or len(std) != 1):
            raise UserError(
                f'FaceDataPreprocessor: grey=True with bgr_to_rgb={bgr_to_rgb}, mean={tuple(mean)}, std={tuple(std)}:'
                ' a grey image has no colour order, and one mean and one std'
            )
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self._unit_std = all(value == 1 for value in std)
        self.bgr_to_rgb = bgr_to_rgb
        self.grey = grey
        #: What the network sees, as the input contract states it.
        self.colour_order = colour_order(bgr_to_rgb, grey)
        self.pad_size_divisor = pad_size_divisor
        self.pad_value = pad_value
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def normalize(self, image: torch.Tensor) -> torch.Tensor:
        """Normalise one image (3, H, W), or a batch of them, 0…255, BGR; an image of one channel is grey already."""
        if self.grey and image.shape[-3] == 3:
            blue, green, red = image.to(self.mean.dtype).split(1, dim=-3)
            image = 0.114 * blue + 0.587 * green + 0.299 * red
        if self.bgr_to_rgb:
            image = image.flip(-3)
        if image.dtype == self.mean.dtype:
            return (image - self.mean) / self.std
        # The converted image is ours: no further copies of it.
        image = image.to(self.mean.dtype).sub_(self.mean)
        return image if self._unit_std else image.div_(self.std)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the batch with ``inputs`` (N, 3, H, W); ``data_samples`` are moved to the device."""
        if self.device.type != 'cpu':  # where everything is on the CPU already, this would copy the samples
            data = self.cast_data(data)  # type: ignore[assignment]
        if isinstance(data['inputs'], torch.Tensor):  # a batch in one piece: all at once
            images: Sequence[torch.Tensor] = [self.normalize(data['inputs'])]
        elif len({image.shape for image in data['inputs']}) == 1:
            images = [self.normalize(torch.stack(list(data['inputs'])))]
        else:
            images = [self.normalize(image) for image in data['inputs']]
        divisor = self.pad_size_divisor
        height = math.ceil(max(image.shape[-2] for image in images) / divisor) * divisor
        width = math.ceil(max(image.shape[-1] for image in images) / divisor) * divisor
        padded = [self._padded(image, height, width) for image in images]
        stacked = padded[0] if padded[0].dim() == 4 else torch.stack(padded)
        inputs = stacked.contiguous(memory_format=self.memory_format)
        return {'inputs': inputs, 'data_samples': data.get('data_samples')}

    def _padded(self, image: torch.Tensor, height: int, width: int) -> torch.Tensor:
        right, below = width - image.shape[-1], height - image.shape[-2]
        return F.pad(image, (0, right, 0, below), value=self.pad_value) if right or below else image
