"""YOLO's geometric augmentation: four images in one, and a random affine map.

Mosaic: arXiv:2004.10934 §3.4. Written from the papers and published hyper-parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform, Compose

from faceresearch.datasets.base import MAX_REPLACEMENTS, BrokenImageError
from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.instances import INSTANCE_KEYS, scale_instances, select_instances, shift_instances
from faceresearch.transforms.resize import ResizeForTest
from faceresearch.transforms.sanitize import clip_boxes

_LOAD = ({'type': 'LoadImage'}, {'type': 'SanitizeBoxes', 'clip': False})


@TRANSFORMS.register_module()
class Mosaic(BaseTransform):
    """Join the image and three others of the data set around a random point of a canvas of twice the size.

    Each image is resized so that its longer side is ``size`` and lies with one corner on the point, which is drawn
    from the middle half of the canvas; what does not fit is cut off. Follow it with :class:`RandomAffine`, which
    brings the canvas to ``size``. A sample that is not joined is letterboxed to ``size`` instead. The other images
    come from the data set (``results['raw_sample']``), drawn by the sample's own generator; one that cannot be read is
    drawn again and named in ``results['replaced']``.

    Args:
        prob: probability of a mosaic.
        size: side in pixels of the images before and after; the canvas has twice that.
        fill: grey level of what no image covers.
        stop_epoch: from this epoch on (counted from 0) nothing is joined; None: never stop. YOLOv8 stops ten epochs
            before the end.
        load: transforms that read the other images.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        prob: float = 1.0,
        size: int = 640,
        fill: int = 114,
        stop_epoch: int | None = None,
        load: Sequence[dict[str, Any]] = _LOAD,
    ) -> None:
        if not 0 <= prob <= 1 or size < 2:
            raise UserError(f'Mosaic: prob={prob}, size={size}: prob is between 0 and 1, size at least 2 pixels')
        self.prob, self.size, self.fill = prob, size, fill
        self.stop_epoch = stop_epoch
        self.load = Compose([TRANSFORMS.build(dict(config)) for config in load])
        self.letterbox = ResizeForTest(rule='letterbox', size=size, pad_value=fill, centred=True)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        join = rng.random() < self.prob
        stopped = self.stop_epoch is not None and results.get('epoch', 0) >= self.stop_epoch
        if not join or stopped:
            return self.letterbox.transform(results)
        others = [self._other(results) for _ in range(3)]
        tiles = [[results, *others][number] for number in rng.permutation(4)]
        centre = rng.integers(self.size // 2, self.size * 3 // 2 + 1, size=2)
        canvas = np.empty((2 * self.size, 2 * self.size, 3), np.uint8)
        canvas[:] = self.fill
        for quadrant, tile in enumerate(tiles):
            self._place(canvas, tile, quadrant, int(centre[0]), int(centre[1]))
        for key in INSTANCE_KEYS:
            if key in results:
                results[key] = np.concatenate([tile[key] for tile in tiles])
        results['img'], results['img_shape'] = canvas, canvas.shape[:2]
        # There is no way back to one original image.
        results['scale_factor'] = (1.0, 1.0)
        results.pop('pad_offset', None)
        return _keep_inside(results, results['gt_bboxes'], 0.0, 0.0)

    def _other(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        for _ in range(MAX_REPLACEMENTS):
            other = results['raw_sample'](int(rng.integers(results['num_samples'])))
            other['rng'] = rng
            try:
                loaded = self.load(other)
            except BrokenImageError as error:
                results.setdefault('replaced', []).append(str(error))
                continue
            if loaded is not None:
                return loaded
        raise BrokenImageError(f'{MAX_REPLACEMENTS} images drawn for a mosaic cannot be used')

    def _place(self, canvas: np.ndarray, tile: dict[str, Any], quadrant: int, x: int, y: int) -> None:
        """Put an image left or right of x, above or below y, and its annotations with it."""
        height, width = tile['img'].shape[:2]
        scale = self.size / max(height, width)
        new_width, new_height = max(round(width * scale), 1), max(round(height * scale), 1)
        image = cv2.resize(np.ascontiguousarray(tile['img']), (new_width, new_height))
        left = x - new_width if quadrant % 2 == 0 else x
        top = y - new_height if quadrant < 2 else y
        right, bottom = min(left + new_width, canvas.shape[1]), min(top + new_height, canvas.shape[0])
        part = image[max(-top, 0) : bottom - top, max(-left, 0) : right - left]
        canvas[max(top, 0) : bottom, max(left, 0) : right] = part
        scale_instances(tile, new_width / width, new_height / height)
        shift_instances(tile, left, top)


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Rotate, scale, shear and translate about the centre, into an image of ``size``.

    Without rotation, scaling, shear and translation the middle of the image is cut out. Faces take the bounding box
    of their turned corners, cut off at the border; points outside are no longer visible.

    Args:
        size: side in pixels of the result.
        degrees: largest rotation.
        translate: largest shift, as a fraction of ``size``.
        scale: factors are drawn from 1 − scale to 1 + scale.
        shear: largest shear in degrees, along each axis.
        fill: grey level beyond the image.
        min_size: faces of which not more than this many pixels remain in width or height are dropped.
        min_visible: faces of which not more than this fraction remains inside are dropped.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        size: int = 640,
        degrees: float = 0.0,
        translate: float = 0.1,
        scale: float = 0.5,
        shear: float = 0.0,
        fill: int = 114,
        min_size: float = 2.0,
        min_visible: float = 0.1,
    ) -> None:
        if size < 1 or not 0 <= scale < 1 or min(degrees, translate, shear) < 0 or shear >= 90:
            raise UserError(
                f'RandomAffine: size={size}, degrees={degrees}, translate={translate}, scale={scale}, shear={shear}:'
                ' size is at least 1, scale below 1, shear below 90, and none is negative'
            )
        self.size = size
        self.degrees, self.translate, self.scale, self.shear = degrees, translate, scale, shear
        self.fill = (fill,) * 3
        self.min_size, self.min_visible = min_size, min_visible

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        matrix = self._matrix(results['rng'], height, width)
        # Coordinates count from the corner of the first pixel, OpenCV's from its middle.
        half = _shift(0.5, 0.5)
        of_middles = np.linalg.inv(half) @ matrix @ half
        results['img'] = cv2.warpAffine(
            np.ascontiguousarray(results['img']), of_middles[:2], (self.size, self.size), borderValue=self.fill
        )
        results['img_shape'] = (self.size, self.size)
        if 'gt_keypoints' in results:
            results['gt_keypoints'] = _apply(matrix, results['gt_keypoints']).astype(np.float32)
        if 'gt_bboxes' not in results:
            return results
        boxes = results['gt_bboxes']
        corners = _apply(matrix, boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2))
        whole = np.concatenate([corners.min(1), corners.max(1)], 1).astype(np.float32)
        return _keep_inside(results, whole, self.min_size, self.min_visible)

    def _matrix(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        factor = rng.uniform(1 - self.scale, 1 + self.scale)
        shear_x, shear_y = np.tan(np.radians(rng.uniform(-self.shear, self.shear, 2)))
        target = rng.uniform(0.5 - self.translate, 0.5 + self.translate, 2) * self.size
        turn = np.eye(3)
        turn[:2, :2] = factor * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        skew = np.array([[1, shear_x, 0], [shear_y, 1, 0], [0, 0, 1]])
        return _shift(*target) @ skew @ turn @ _shift(-width / 2, -height / 2)


def _shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _keep_inside(results: dict[str, Any], boxes: np.ndarray, min_size: float, min_visible: float) -> dict[str, Any]:
    """Cut boxes off at the border of the image, and drop the faces of which too little is left."""
    height, width = results['img_shape']
    clipped = clip_boxes(boxes, (height, width))
    sizes = clipped[:, 2:] - clipped[:, :2]
    visible = sizes.prod(1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-9)
    results['gt_bboxes'] = clipped
    if 'gt_keypoints' in results:
        points = results['gt_keypoints']
        inside = ((points >= 0) & (points <= (width, height))).all(2)
        results['gt_keypoints_visible'] = results['gt_keypoints_visible'] & inside
    select_instances(results, (sizes > min_size).all(1) & (visible > min_visible))
    return results
