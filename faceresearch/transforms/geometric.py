"""Geometric augmentation of images with boxes and points (biubug6/Pytorch_Retinaface data/data_augment.py, SCRFD)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.instances import resize_sample, select_instances

#: Mirror image of the five points: eyes and mouth corners change places.
FIVE_POINT_FLIP = (1, 0, 2, 4, 3)
INTERPOLATIONS = {
    'linear': cv2.INTER_LINEAR,
    'cubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'nearest': cv2.INTER_NEAREST,
    'lanczos': cv2.INTER_LANCZOS4,
}


@TRANSFORMS.register_module()
class RandomSquareCrop(BaseTransform):
    """A random square of the image, larger than it if need be, with the faces whose centre lies strictly inside.

    RetinaFace's form is the default. SCRFD's (insightface detection/scrfd, arXiv:2105.04714 §3.1) also makes faces
    smaller, by squares that reach beyond the image, and asks for no whole face::

        RandomSquareCrop(scales=(0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0), accept='centre', fill=128,
                         max_tries=2500, tries_per_scale=250)

    When no crop is found in ``max_tries``, the sample is unchanged (pad it to a square afterwards).

    Args:
        scales: side of the square as a fraction of the image's short side, drawn uniformly.
        max_tries: attempts.
        min_size: faces whose shorter side, measured at ``train_size``, is not above this many pixels are dropped. The
            original's comment says 16, its code 0; 16 lowers hard AP by about ten points.
        train_size: side in pixels the crop is resized to later.
        accept: what a crop must hold: ``whole_face``, one face entirely, or ``centre``, the centre of one.
        fill: colour of what lies beyond the image, a grey level or one per channel (BGR). Needed for scales above 1:
            where the square is longer than the image, the image lies anywhere in it; None keeps it inside.
        clip: cut boxes and points off at the border of the crop; otherwise they may reach beyond it (SCRFD-2.5G and
            10G).
        tries_per_scale: attempts before another scale is drawn. With 1, large squares are accepted more often than
            small ones; with many, all scales that can hold a face are equally frequent.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        scales: Sequence[float] = (0.3, 0.45, 0.6, 0.8, 1.0),
        max_tries: int = 250,
        min_size: float = 0.0,
        train_size: int = 640,
        accept: Literal['whole_face', 'centre'] = 'whole_face',
        fill: float | Sequence[float] | None = None,
        clip: bool = True,
        tries_per_scale: int = 1,
    ) -> None:
        if not scales or min(scales) <= 0 or (max(scales) > 1 and fill is None) or train_size < 1:
            raise UserError(
                f'RandomSquareCrop: scales={tuple(scales)}, train_size={train_size}, fill={fill}: scales are above 0,'
                ' above 1 only with a fill colour, and train_size is at least 1'
            )
        if accept not in ('whole_face', 'centre') or tries_per_scale < 1:
            raise UserError(
                f'RandomSquareCrop: accept={accept!r}, tries_per_scale={tries_per_scale}: use accept='
                "'whole_face' or 'centre' and at least one try per scale"
            )
        self.scales = tuple(scales)
        self.max_tries = max_tries
        self.min_size = min_size
        self.train_size = train_size
        self.accept = accept
        self.fill = fill
        self.clip = clip
        self.tries_per_scale = tries_per_scale

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        height, width = results['img'].shape[:2]
        side = 0
        for attempt in range(self.max_tries):
            if attempt % self.tries_per_scale == 0:
                side = int(self.scales[rng.integers(len(self.scales))] * min(height, width))
            if side < 1:
                continue
            left, top = _random_offset(rng, width - side), _random_offset(rng, height - side)
            keep = self._faces_kept(results, left, top, side)
            if keep is not None:
                self._crop(results, left, top, side, keep)
                break
        return results

    def _faces_kept(self, results: dict[str, Any], left: int, top: int, side: int) -> np.ndarray | None:
        boxes, real = results['gt_bboxes'], _real_faces(results)
        window = np.array([left, top, left + side, top + side], np.float32)
        if self.accept == 'whole_face':
            inside = (boxes[:, :2] >= window[:2]).all(1) & (boxes[:, 2:] <= window[2:]).all(1)
            if not (inside & real).any():
                return None
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        keep = ((centres > window[:2]) & (centres < window[2:])).all(1)
        clipped = np.concatenate([np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])], 1)
        sizes = (clipped[:, 2:] - clipped[:, :2] + 1) / side * self.train_size
        keep &= sizes.min(1) > self.min_size
        return keep if (keep & real).any() else None

    def _crop(self, results: dict[str, Any], left: int, top: int, side: int, keep: np.ndarray) -> None:
        results['img'] = _window(results['img'], left, top, side, 0 if self.fill is None else self.fill)
        results['img_shape'] = (side, side)
        select_instances(results, keep)
        offset = np.array([left, top], np.float32)
        results['gt_bboxes'] = results['gt_bboxes'] - np.tile(offset, 2)
        if 'gt_keypoints' in results:
            results['gt_keypoints'] = results['gt_keypoints'] - offset
        if self.clip:
            for key in ('gt_bboxes', 'gt_keypoints'):
                if key in results:
                    results[key] = np.clip(results[key], 0, side)


def _real_faces(results: dict[str, Any]) -> np.ndarray:
    count = len(results['gt_bboxes'])
    return ~results['gt_ignore_flags'] if 'gt_ignore_flags' in results else np.ones(count, bool)


def _random_offset(rng: np.random.Generator, free: int) -> int:
    """Where a square starts on an axis: inside an image that is longer by ``free``, or around one that is shorter."""
    if free == 0:
        return 0
    return int(rng.integers(free)) if free > 0 else int(rng.integers(free, 1))


def _window(image: np.ndarray, left: int, top: int, side: int, fill: float | Sequence[float]) -> np.ndarray:
    """Cut a square out of an image; what lies beyond the image has the colour ``fill``."""
    height, width = image.shape[:2]
    if left >= 0 and top >= 0 and left + side <= width and top + side <= height:
        return image[top : top + side, left : left + side]
    canvas = np.empty((side, side, 3), image.dtype)
    canvas[:] = fill
    part = image[max(top, 0) : top + side, max(left, 0) : left + side]
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas


@TRANSFORMS.register_module()
class PadToSquare(BaseTransform):
    """Pad right and bottom to a square; what is added does not count in a mask (255).

    Args:
        fill: colour of the padding, in the channel order of the image (BGR).
    """

    def __init__(self, fill: Sequence[float] = (104, 117, 123)) -> None:
        self.fill = tuple(fill)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        if height != width:
            side = max(height, width)
            canvas = np.empty((side, side, 3), results['img'].dtype)
            canvas[:] = self.fill
            canvas[:height, :width] = results['img']
            results['img'] = canvas
            results['img_shape'] = (side, side)
            if 'gt_sem_seg' in results:
                mask = np.full((side, side), 255, np.uint8)
                mask[:height, :width] = results['gt_sem_seg']
                results['gt_sem_seg'] = mask
        return results


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror left and right; x becomes W − x, for boxes and points alike, and points and classes of masks change names.

    The classes of ``gt_sem_seg`` that change places are those of the sample's ``flip_pairs``.

    Args:
        prob: probability.
        permutation: which point each point becomes in the mirror.
    """

    def __init__(self, prob: float = 0.5, permutation: Sequence[int] = FIVE_POINT_FLIP) -> None:
        self.prob = prob
        self.permutation = list(permutation)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        if results['rng'].random() >= self.prob:
            return results
        width = results['img'].shape[1]
        results['img'] = results['img'][:, ::-1]
        if 'gt_bboxes' in results:
            boxes = results['gt_bboxes']
            results['gt_bboxes'] = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
        if 'gt_keypoints' in results:
            points = results['gt_keypoints'][:, self.permutation]
            results['gt_keypoints'] = np.stack([width - points[..., 0], points[..., 1]], -1)
            results['gt_keypoints_visible'] = results['gt_keypoints_visible'][:, self.permutation]
        if 'gt_sem_seg' in results:
            results['gt_sem_seg'] = _mirrored_mask(results['gt_sem_seg'], results.get('flip_pairs', ()))
        results['flip'] = True
        return results


def _mirrored_mask(mask: np.ndarray, pairs: Sequence[Sequence[int]]) -> np.ndarray:
    table = np.arange(256, dtype=np.uint8)
    for one, other in pairs:
        table[one], table[other] = other, one
    return table[mask[:, ::-1]]


@TRANSFORMS.register_module()
class RandomInterpolationResize(BaseTransform):
    """Resize to a fixed size with an interpolation drawn from several; masks take the nearest pixel.

    Args:
        size: side in pixels, or (height, width).
        methods: some of ``linear``, ``cubic``, ``area``, ``nearest`` and ``lanczos``.

    Raises:
        UserError: a side is not at least 1, or a method is unknown.
    """

    def __init__(self, size: int | Sequence[int], methods: Sequence[str] = tuple(INTERPOLATIONS)) -> None:
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        if min(self.size) < 1:
            raise UserError(f'RandomInterpolationResize: size={size}: sides must be at least 1 pixel')
        unknown = [method for method in methods if method not in INTERPOLATIONS]
        if unknown or not methods:
            raise UserError(
                f'RandomInterpolationResize: methods={list(methods)}: use some of {", ".join(INTERPOLATIONS)}'
            )
        self.methods = tuple(methods)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        method = INTERPOLATIONS[self.methods[results['rng'].integers(len(self.methods))]]
        resize_sample(results, self.size, method)
        return results
