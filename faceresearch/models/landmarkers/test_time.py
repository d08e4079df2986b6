"""Looking at a face several times: in narrower and wider crops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import MODELS


@MODELS.register_module()
class LandmarkMultiScale:
    """Find the points in crops of several scales around one centre, and average them.

    The test pipeline gives crops with more of the face's surroundings than the network takes, at the same pixels: 32 more
    pixels a side, say, and a ``padding`` that is larger by as much (``landmark68_pfld_300w_multiscale``). Every scale is
    resampled from that crop; scale 1 is its middle, untouched. Points are averaged rather than heatmaps, so that
    coordinates, heatmaps and SimCC are tested alike. The mirror test of the model is made at every scale.

    Args:
        size: (width, height) of the network's input, or its side.
        scales: sides of the crops, as multiples of what the network was trained on.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(self, size: int | Sequence[int], scales: Sequence[float] = (0.9, 1.0, 1.1)) -> None:
        width, height = (size, size) if isinstance(size, int) else size
        if min(width, height) < 1 or not scales or not all(0 < scale < float('inf') for scale in scales):
            raise UserError(
                f'LandmarkMultiScale: size={size}, scales={tuple(scales)}: sides are at least 1, scales above 0'
            )
        self.width, self.height = int(width), int(height)
        self.scales = tuple(float(scale) for scale in scales)

    def mean_points(self, images: Tensor, find: Callable[[Tensor], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Return points (N, K, 2) in pixels of ``images`` and scores (N, K), each the mean over the scales.

        Args:
            images: (N, 3, H, W), normalised; the middle of the face's crop is at (W / 2, H / 2).
            find: from crops (N, 3, height, width) to points (N, K, 2), in their pixels, and scores (N, K).

        Raises:
            UserError: a scale needs more than the images show.
        """
        points, scores = [], []
        for scale in self.scales:
            found, certain = find(self.crop(images, scale))
            middle, place = found.new_tensor([self.width, self.height]) / 2, found.new_tensor(images.shape[:1:-1]) / 2
            points.append((found - middle) * scale + place)
            scores.append(certain)
        return torch.stack(points).mean(0), torch.stack(scores).mean(0)

    def crop(self, images: Tensor, scale: float) -> Tensor:
        """Return crops (N, 3, height, width) around the images' centres, ``scale`` times as wide as scale 1.

        Raises:
            UserError: they need more than the images show.
        """
        tall, wide = images.shape[-2:]
        if scale * self.width > wide + 1e-6 or scale * self.height > tall + 1e-6:
            raise UserError(
                f'LandmarkMultiScale: scale {scale:g} of {self.width} x {self.height} pixels needs more than the {wide} x {tall}'
                ' that the test pipeline gives: make its crop larger, and its padding by the same factor'
            )
        left, top = (wide - self.width) / 2, (tall - self.height) / 2
        if scale == 1 and left.is_integer() and top.is_integer():
            return images[..., int(top) : int(top) + self.height, int(left) : int(left) + self.width]
        x = (torch.arange(self.width, device=images.device) - self.width / 2) * scale + wide / 2
        y = (torch.arange(self.height, device=images.device) - self.height / 2) * scale + tall / 2
        # From −1 at the middle of the first pixel to 1 at that of the last.
        x, y = 2 * x / max(wide - 1, 1) - 1, 2 * y / max(tall - 1, 1) - 1
        grid = torch.stack([x.expand(self.height, -1), y[:, None].expand(-1, self.width)], -1)
        return F.grid_sample(
            images, grid.to(images).expand(len(images), -1, -1, -1), padding_mode='border', align_corners=True
        )
