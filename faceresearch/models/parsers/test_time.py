"""Looking at an image several times: at several sizes, and mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import MODELS

if TYPE_CHECKING:
    from faceresearch.models.parsers.face_parser import FaceParser


@MODELS.register_module()
class ParsingMultiScaleFlip:
    """Parse at several sizes and in the mirror, and average the probabilities (CoinCheung/BiSeNet's evaluator).

    Args:
        scales: sizes as fractions of the network's input; the sides are rounded to multiples of ``divisor``.
        flip: look at the mirror image too.
        flip_pairs: class ids that change places in the mirror; those of the data set, such as ((2, 3), (4, 5), (7, 8)).
        divisor: sides are multiples of this.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        scales: Sequence[float] = (0.75, 1.0, 1.25),
        flip: bool = True,
        flip_pairs: Sequence[Sequence[int]] = (),
        divisor: int = 32,
    ) -> None:
        if not scales or min(scales) <= 0 or divisor < 1 or any(len(pair) != 2 for pair in flip_pairs):
            raise UserError(
                f'ParsingMultiScaleFlip: scales={tuple(scales)}, flip_pairs={flip_pairs}, divisor={divisor}: scales are'
                ' above 0, pairs name two classes, the divisor is at least 1'
            )
        self.scales = tuple(scales)
        self.flip = flip
        self.flip_pairs = [(int(one), int(other)) for one, other in flip_pairs]
        self.divisor = divisor

    def logits(self, parser: FaceParser, images: Tensor) -> Tensor:
        """Return what stands for logits: the log of the mean probabilities, (N, C, H, W), of images (N, 3, H, W).

        Raises:
            UserError: a pair names a class that the parser does not have.
        """
        size = (images.shape[-2], images.shape[-1])
        mean: Tensor | None = None
        for scale in self.scales:
            scaled = F.interpolate(images, size=self._size(size, scale), mode='bilinear', align_corners=False)
            for mirrored in (False, True) if self.flip else (False,):
                found = parser.logits(scaled.flip(-1) if mirrored else scaled)
                if mirrored:
                    found = self._mirrored(found)
                found = F.interpolate(found, size=size, mode='bilinear', align_corners=False)
                chance = found.sigmoid() if found.shape[1] == 1 else found.softmax(1)
                mean = chance if mean is None else mean + chance
        assert mean is not None
        mean = mean / (len(self.scales) * (2 if self.flip else 1))
        return mean.logit(1e-6) if mean.shape[1] == 1 else mean.clamp(min=1e-6).log()

    def _size(self, size: tuple[int, int], scale: float) -> tuple[int, int]:
        height, width = (max(self.divisor, round(side * scale / self.divisor) * self.divisor) for side in size)
        return height, width

    def _mirrored(self, logits: Tensor) -> Tensor:
        order = list(range(logits.shape[1]))
        for one, other in self.flip_pairs:
            if max(one, other) >= len(order):
                raise UserError(
                    f'ParsingMultiScaleFlip: flip_pairs name class {max(one, other)} of {len(order)} classes'
                )
            order[one], order[other] = other, one
        return logits.flip(-1)[:, order]
