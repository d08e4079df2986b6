"""Operations on all annotations of a sample at once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

#: Per-face arrays of a sample: first axis N.
INSTANCE_KEYS = (
    'gt_bboxes',
    'gt_bboxes_labels',
    'gt_ignore_flags',
    'gt_keypoints',
    'gt_keypoints_visible',
    'gt_difficulty',
)


def select_instances(results: dict[str, Any], keep: np.ndarray) -> None:
    """Keep the faces where ``keep`` (N,) bool is true, in every annotation array."""
    for key in INSTANCE_KEYS:
        if key in results:
            results[key] = results[key][keep]


def scale_instances(results: dict[str, Any], scale_x: float, scale_y: float) -> None:
    """Multiply boxes and points by the two factors and fold them into ``scale_factor``."""
    factor = np.array([scale_x, scale_y], np.float32)
    if 'gt_bboxes' in results:
        results['gt_bboxes'] = results['gt_bboxes'] * np.tile(factor, 2)
    if 'gt_keypoints' in results:
        results['gt_keypoints'] = results['gt_keypoints'] * factor
    old = results.get('scale_factor', (1.0, 1.0))
    results['scale_factor'] = (old[0] * scale_x, old[1] * scale_y)


def resize_sample(results: dict[str, Any], size: tuple[int, int], method: int = cv2.INTER_LINEAR) -> None:
    """Resize image, mask (by the nearest pixel), boxes and points to ``size`` (h, w), in place."""
    height, width = results['img'].shape[:2]
    results['img'] = cv2.resize(np.ascontiguousarray(results['img']), (size[1], size[0]), interpolation=method)
    results['img_shape'] = size
    if 'gt_sem_seg' in results:
        mask = np.ascontiguousarray(results['gt_sem_seg'])
        results['gt_sem_seg'] = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
    scale_instances(results, size[1] / width, size[0] / height)


def shift_instances(results: dict[str, Any], x: float, y: float) -> None:
    """Add an offset in pixels to boxes and points and fold it into ``pad_offset``."""
    offset = np.array([x, y], np.float32)
    if 'gt_bboxes' in results:
        results['gt_bboxes'] = results['gt_bboxes'] + np.tile(offset, 2)
    if 'gt_keypoints' in results:
        results['gt_keypoints'] = results['gt_keypoints'] + offset
    old = results.get('pad_offset', (0.0, 0.0))
    results['pad_offset'] = (old[0] + x, old[1] + y)
