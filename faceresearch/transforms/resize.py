"""Resize rules of evaluation protocols."""

from __future__ import annotations

from typing import Any, Literal, get_args

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.instances import scale_instances, shift_instances

ResizeRule = Literal['original', 'short_side', 'letterbox', 'stretch']


@TRANSFORMS.register_module()
class ResizeForTest(BaseTransform):
    """Resize an image as an evaluation protocol prescribes.

    Rules: ``original`` leaves it; ``short_side`` scales the short side to ``short`` unless the long one would exceed
    ``long`` (RetinaFace's 1600 / 2150); ``letterbox`` scales the long side to ``size`` and pads to a square of ``size``
    with ``pad_value``: right and below, as SCRFD, or on all sides, as YOLO; ``stretch`` brings both sides to ``size``
    (parsers). A mask keeps its size: it is judged at the original one.

    Args:
        rule: one of the four.
        short: short side in pixels, for ``short_side``.
        long: largest long side in pixels, for ``short_side``.
        size: side in pixels, for ``letterbox`` and ``stretch``.
        pad_value: grey value of the padding, for ``letterbox``.
        centred: pad on all sides alike, for ``letterbox``.
        rectangle: pad only to the next multiple of this, not to a square, for ``letterbox``; 0 pads to a square.

    Raises:
        UserError: another rule is asked for, or a size is not positive.
    """

    def __init__(
        self,
        rule: ResizeRule = 'original',
        short: int = 1600,
        long: int = 2150,
        size: int = 640,
        pad_value: int = 0,
        centred: bool = False,
        rectangle: int = 0,
    ) -> None:
        if rule not in get_args(ResizeRule):
            raise UserError(f'ResizeForTest: unknown rule {rule!r}; use {", ".join(get_args(ResizeRule))}')
        if min(short, long, size) < 1 or rectangle < 0:
            raise UserError(
                f'ResizeForTest: short={short}, long={long}, size={size}, rectangle={rectangle}: sizes are at least 1'
            )
        self.rule = rule
        self.short = short
        self.long = long
        self.size = size
        self.pad_value = pad_value
        self.centred = centred
        self.rectangle = rectangle

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        if self.rule == 'original':
            return results
        if self.rule == 'short_side':
            return self._short_side(results)
        if self.rule == 'stretch':
            return self._stretch(results)
        return self._letterbox(results)

    def _short_side(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        scale = self.short / min(height, width)
        if np.round(scale * max(height, width)) > self.long:
            scale = self.long / max(height, width)
        # fx, fy rather than a size: the sampling positions, and so the published figures, depend on it.
        results['img'] = cv2.resize(results['img'], None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        results['img_shape'] = results['img'].shape[:2]
        scale_instances(results, scale, scale)
        return results

    def _stretch(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        results['img'] = cv2.resize(results['img'], (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        results['img_shape'] = (self.size, self.size)
        scale_instances(results, self.size / width, self.size / height)
        return results

    def _letterbox(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        scale = self.size / max(height, width)
        new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
        scale_instances(results, new_width / width, new_height / height)
        right, below = self.size - new_width, self.size - new_height
        if self.rectangle:
            right, below = right % self.rectangle, below % self.rectangle
        left = above = 0
        if self.centred:
            # Of an odd padding the smaller half comes first.
            left, above = right // 2, below // 2
            shift_instances(results, left, above)
        canvas = np.full((new_height + below, new_width + right, 3), self.pad_value, np.uint8)
        canvas[above : above + new_height, left : left + new_width] = cv2.resize(
            results['img'], (new_width, new_height)
        )
        results['img'] = canvas
        results['img_shape'] = canvas.shape[:2]
        return results
