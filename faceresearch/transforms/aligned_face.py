"""Bring one face to the size and place that a recogniser wants."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.alignment import align_face, face_template


@TRANSFORMS.register_module()
class AlignFace(BaseTransform):
    """Cut the face out so that its five points lie on the template.

    The points are ``gt_keypoints`` (1, 5, 2). Without them the image is an aligned crop already: of the right size it
    stays as it is, and of another one it is moved from template to template, or merely resized where one of the two
    sizes has no template.

    Args:
        size: side, or (height, width), of the crop.

    Raises:
        UserError: the size is not positive.
        BrokenImageError: the points cannot be aligned.
    """

    def __init__(self, size: int | tuple[int, int] = 112) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 1:
            raise UserError(f'AlignFace: size={size}: sizes are at least 1')
        self.size = (int(height), int(width))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        points = None if results.get('img_broken') else results.pop('gt_keypoints', None)
        for key in ('gt_keypoints', 'gt_keypoints_visible'):
            results.pop(key, None)
        if points is not None:
            try:
                image = align_face(image, points[0], self.size)
            except UserError as error:
                raise BrokenImageError(f'{results.get("img_path", "image")}: {error}') from error
        elif image.shape[:2] != self.size:
            image = self._move(image)
        results['img'] = image
        results['img_shape'] = self.size
        return results

    def _move(self, image: np.ndarray) -> np.ndarray:
        try:
            points = face_template(image.shape[:2])
            face_template(self.size)
        except UserError:
            return cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return align_face(image, points, self.size)
