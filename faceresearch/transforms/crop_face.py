"""The crop that landmark models see: a square around a face's box, and the way back to the image."""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropFace(BaseTransform):
    """Warp the square around a face's box to a fixed size; without randomness in tests, the same for training.

    The square is centred on ``bbox`` (1, 4) xyxy, and its side is the box's longer side times ``padding``; a sample
    without a box is cropped to the whole image. A point x of the image goes to s·R·(x − c) + size/2, c being the centre of
    the box and s the scale (insightface and mmpose do the same); what lies beyond the image is black.

    ``keypoints`` (1, K, 2) and ``bbox`` stay in pixels of the image. New are ``gt_keypoints`` (1, K, 2),
    ``gt_keypoints_visible`` (1, K) and ``gt_bboxes`` (1, 4), in pixels of the crop, and ``warp_matrix`` (2, 3) float64,
    from the image to the crop, rotation and mirroring included: its inverse brings predictions back.

    Args:
        size: side of the crop, in pixels.
        padding: side of the square divided by the box's side.
        side: the box's ``longer`` or ``shorter`` side.
        rotation: largest angle, in degrees, drawn uniformly from ± this.
        rotation_prob: how often the crop is rotated at all.
        scale: range of a further factor on the square's side.
        shift: largest shift of the square in x and y, as a fraction of its side.
        flip_prob: how often the crop is mirrored; points change names by the sample's ``flip_indices``.
        outside: points beyond the crop's border are targets all the same (``keep``: coordinates can be regressed
            there), or count as not annotated (``hide``).

    Raises:
        BrokenImageError: a sample's box lies outside its image.
        UserError: an argument has no meaning, or a sample with points has no ``flip_indices`` to mirror them by.
    """

    def __init__(
        self,
        size: int = 112,
        padding: float = 1.25,
        side: Literal['longer', 'shorter'] = 'longer',
        rotation: float = 0.0,
        rotation_prob: float = 1.0,
        scale: tuple[float, float] = (1.0, 1.0),
        shift: float = 0.0,
        flip_prob: float = 0.0,
        outside: Literal['keep', 'hide'] = 'keep',
    ) -> None:
        if size < 1 or padding <= 0 or min(scale) <= 0 or scale[0] > scale[1] or rotation < 0 or shift < 0:
            raise UserError(
                f'CropFace: size={size}, padding={padding}, scale={scale}, rotation={rotation}, shift={shift}: size is at'
                ' least 1, padding and scale (smallest, largest) are above 0, rotation and shift not below'
            )
        if side not in ('longer', 'shorter') or outside not in ('keep', 'hide'):
            raise UserError(
                f"CropFace: side={side!r}, outside={outside!r}: use 'longer' or 'shorter', and 'keep' or 'hide'"
            )
        self.size = size
        self.padding = padding
        self.side = side
        self.rotation = rotation
        self.rotation_prob = rotation_prob
        self.scale = (scale[0], scale[1])
        self.shift = shift
        self.flip_prob = flip_prob
        self.outside = outside

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        box = np.asarray(results.get('bbox', [[0, 0, width, height]]), np.float64).reshape(-1)[:4]
        outside = (box[2:] <= 0).any() or (box[:2] >= (width, height)).any()
        if outside and not results.get('img_broken', False):
            raise BrokenImageError(f'{results.get("img_path")}: the box {box.tolist()} lies outside {width} x {height}')
        results['bbox'] = box[None].astype(np.float32)
        matrix, mirrored = self._matrix(box, results)
        results['img'] = cv2.warpAffine(results['img'], matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)
        results['img_shape'] = (self.size, self.size)
        results['warp_matrix'] = matrix
        results['flip'] = mirrored
        results['gt_bboxes'] = warped_box(box, matrix)[None].astype(np.float32)
        if 'keypoints' in results:
            self._warp_points(results, matrix, mirrored)
        return results

    def _matrix(self, box: np.ndarray, results: dict[str, Any]) -> tuple[np.ndarray, bool]:
        sides = np.maximum(box[2:] - box[:2], 1e-3)
        side = float(sides.max() if self.side == 'longer' else sides.min()) * self.padding
        centre, angle, mirrored = (box[:2] + box[2:]) / 2, 0.0, False
        if self.shift or self.rotation or self.scale != (1.0, 1.0) or self.flip_prob:
            rng: np.random.Generator = results['rng']
            centre = centre + side * rng.uniform(-self.shift, self.shift, 2)
            side *= rng.uniform(*self.scale)
            turned = rng.random() < self.rotation_prob
            angle = rng.uniform(-self.rotation, self.rotation) if turned else 0.0
            mirrored = bool(rng.random() < self.flip_prob)
        return crop_matrix(centre, side, self.size, angle, mirrored), mirrored

    def _warp_points(self, results: dict[str, Any], matrix: np.ndarray, mirrored: bool) -> None:
        points = warp_points(np.asarray(results['keypoints'], np.float64), matrix)
        visible = np.asarray(results.get('keypoints_visible', np.ones(points.shape[:-1])), np.float32)
        if mirrored:
            order = list(results.get('flip_indices') or ())
            if len(order) != points.shape[-2]:
                raise UserError(
                    f'CropFace: flip_prob={self.flip_prob}, but the sample has {points.shape[-2]} points and'
                    f' {len(order)} flip_indices; give the data set a scheme, or set flip_prob=0'
                )
            points, visible = points[..., order, :], visible[..., order]
        if self.outside == 'hide':
            inside = ((points >= 0) & (points <= self.size - 1)).all(-1)
            visible = np.where(inside, visible, 0).astype(np.float32)
        results['gt_keypoints'] = points.astype(np.float32)
        results['gt_keypoints_visible'] = visible


def crop_matrix(centre: np.ndarray, side: float, size: int, angle: float = 0.0, mirrored: bool = False) -> np.ndarray:
    """Return the (2, 3) float64 map from an image to the crop of a square.

    Args:
        centre: (2,) of the square, in pixels of the image.
        side: of the square.
        size: of the crop.
        angle: degrees by which the face turns, counter-clockwise as seen.
        mirrored: mirror the crop: pixel i of a row becomes pixel size − 1 − i.
    """
    factor, radians = size / side, math.radians(angle)
    cos, sin = factor * math.cos(radians), factor * math.sin(radians)
    linear = np.array([[cos, sin], [-sin, cos]])
    matrix = np.concatenate([linear, (size / 2 - linear @ centre)[:, None]], 1)
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    return matrix


def warp_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points (..., 2) moved by an affine map (2, 3)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse (2, 3) float64 of an affine map (2, 3)."""
    inverse = np.linalg.inv(np.asarray(matrix, np.float64)[:, :2])
    return np.concatenate([inverse, -inverse @ np.asarray(matrix, np.float64)[:, 2:]], 1)


def warped_box(box: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the upright box (4,) xyxy around a box (4,) xyxy moved by an affine map (2, 3)."""
    corners = warp_points(box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2), matrix)
    return np.concatenate([corners.min(0), corners.max(0)])
