"""Boxes that annotations place at or beyond the border of their image."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.instances import select_instances


def clip_boxes(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return boxes (N, 4) xyxy cut off at the border of an image of ``shape`` (h, w)."""
    height, width = shape
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


@TRANSFORMS.register_module()
class SanitizeBoxes(BaseTransform):
    """Drop faces whose box lies outside the image or is not finite, and cut the other boxes off at its border.

    Annotation files mostly do not give image sizes, so only now can this be known. The first three dropped boxes of
    each process are named in the log.

    Args:
        clip: cut boxes off at the border; otherwise those that cross it stay as annotated.
        min_size: faces whose width or height inside the image is not above this many pixels are dropped.
    """

    def __init__(self, clip: bool = True, min_size: float = 0.0) -> None:
        self.clip = clip
        self.min_size = min_size
        self._reported = 0

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        boxes = results.get('gt_bboxes')
        # The black image that stands for a broken one has a size that says nothing about the boxes.
        if boxes is None or len(boxes) == 0 or results.get('img_broken', False):
            return results
        clipped = clip_boxes(boxes, results['img_shape'])
        keep = np.isfinite(boxes).all(1) & ((clipped[:, 2:] - clipped[:, :2]) > self.min_size).all(1)
        self._report(results, keep)
        if self.clip:
            results['gt_bboxes'] = clipped
        if not keep.all():
            select_instances(results, keep)
        return results

    def _report(self, results: dict[str, Any], keep: np.ndarray) -> None:
        for row in np.flatnonzero(~keep)[: max(0, 3 - self._reported)]:
            self._reported += 1
            box = ', '.join(f'{v:g}' for v in results['gt_bboxes'][row])
            height, width = results['img_shape']
            print_log(
                f'{results.get("img_path", "image")}: box ({box}) is outside the image of {width} x {height} or too'
                ' small and is dropped',
                logger='current',
                level=logging.WARNING,
            )
