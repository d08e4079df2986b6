"""Boxes and points relative to prior boxes on a grid (SSD, RetinaFace)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from faceresearch.registry import CODECS

#: Image sizes whose priors are kept: those of a video, or of a batch. 1.4 MB for 1024 x 1024 pixels.
_KEPT_SIZES = 8


@CODECS.register_module()
class PriorBoxCodec:
    """Square prior boxes at every cell of every level, and offsets from them.

    Everything is in fractions of the image's width and height. Order of priors: level, row, column, size.
    Source: biubug6/Pytorch_Retinaface layers/functions/prior_box.py, utils/box_utils.py; Liu et al., SSD, eq. 2.

    Shapes: P priors, K points.

    Args:
        strides: pixels per cell of each level.
        min_sizes: sides of the priors of each level, in pixels.
        variances: divisors of centre offsets and of log sizes.
    """

    def __init__(
        self,
        strides: Sequence[int] = (8, 16, 32),
        min_sizes: Sequence[Sequence[int]] = ((16, 32), (64, 128), (256, 512)),
        variances: tuple[float, float] = (0.1, 0.2),
    ) -> None:
        if len(strides) != len(min_sizes):
            raise ValueError(f'PriorBoxCodec: {len(strides)} strides but {len(min_sizes)} lists of min_sizes')
        self.strides = tuple(strides)
        self.min_sizes = tuple(tuple(sizes) for sizes in min_sizes)
        self.variances = tuple(variances)
        self._kept: dict[tuple[int, int], Tensor] = {}

    @property
    def num_priors(self) -> tuple[int, ...]:
        """Priors per cell of each level."""
        return tuple(len(sizes) for sizes in self.min_sizes)

    def priors(self, image_size: tuple[int, int]) -> Tensor:
        """Return the priors (P, 4) of an image of ``image_size`` (h, w) as (cx, cy, w, h), float64 on the CPU.

        A level has ceil(h / stride) × ceil(w / stride) cells, so any image size will do. Those of the last sizes are kept:
        do not write into them.
        """
        height, width = image_size
        if torch.compiler.is_compiling() or not (isinstance(height, int) and isinstance(width, int)):
            return self._priors(height, width)  # a graph's sizes and tensors are none to keep
        if (height, width) not in self._kept:
            if len(self._kept) >= _KEPT_SIZES:
                self._kept.pop(next(iter(self._kept)))
            with torch.inference_mode(False):
                self._kept[height, width] = self._priors(height, width)
        return self._kept[height, width]

    def _priors(self, height: int, width: int) -> Tensor:
        maps = [(math.ceil(height / stride), math.ceil(width / stride)) for stride in self.strides]
        return self.priors_of_maps((height, width), maps)

    def priors_of_maps(self, image_size: tuple[int, int], maps: Sequence[tuple[int, int]]) -> Tensor:
        """Return the priors (P, 4) of feature maps of sizes (h, w), one per level, as :meth:`priors` does.

        For graphs that are exported: the sizes of an image's maps stay symbolic there.
        """
        height, width = image_size
        levels = []
        for stride, sizes, (rows, columns) in zip(self.strides, self.min_sizes, maps, strict=True):
            cy = (torch.arange(rows, dtype=torch.float64) + 0.5) * stride / height
            cx = (torch.arange(columns, dtype=torch.float64) + 0.5) * stride / width
            side = torch.tensor(sizes, dtype=torch.float64)
            shape = (rows, columns, len(sizes))
            parts = (
                cx[None, :, None].expand(shape),
                cy[:, None, None].expand(shape),
                (side / width).expand(shape),
                (side / height).expand(shape),
            )
            levels.append(torch.stack(parts, -1).reshape(-1, 4))
        return torch.cat(levels)

    def encode_boxes(self, boxes: Tensor, priors: Tensor) -> Tensor:
        """Encode boxes (..., 4) xyxy against priors (..., 4) as offsets (dx, dy, dw, dh)."""
        centre_variance, size_variance = self.variances
        centres = (boxes[..., :2] + boxes[..., 2:]) / 2 - priors[..., :2]
        sizes = (boxes[..., 2:] - boxes[..., :2]) / priors[..., 2:]
        return torch.cat([centres / (centre_variance * priors[..., 2:]), torch.log(sizes) / size_variance], -1)

    def decode_boxes(self, deltas: Tensor, priors: Tensor) -> Tensor:
        """Invert :meth:`encode_boxes`: offsets (..., 4) to boxes (..., 4) xyxy."""
        centre_variance, size_variance = self.variances
        centres = priors[..., :2] + deltas[..., :2] * centre_variance * priors[..., 2:]
        sizes = priors[..., 2:] * torch.exp(deltas[..., 2:] * size_variance)
        top_left = centres - sizes / 2
        return torch.cat([top_left, top_left + sizes], -1)

    def encode_keypoints(self, keypoints: Tensor, priors: Tensor) -> Tensor:
        """Encode points (..., K, 2) against priors (..., 4) as offsets (..., 2K)."""
        offsets = (keypoints - priors[..., None, :2]) / (self.variances[0] * priors[..., None, 2:])
        return offsets.flatten(-2)

    def decode_keypoints(self, deltas: Tensor, priors: Tensor) -> Tensor:
        """Invert :meth:`encode_keypoints`: offsets (..., 2K) to points (..., K, 2)."""
        offsets = deltas.unflatten(-1, (-1, 2))
        return priors[..., None, :2] + offsets * self.variances[0] * priors[..., None, 2:]
