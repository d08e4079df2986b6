"""Crops and targets of attribute models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS

Border = Literal['shift', 'truncate']
Fit = Literal['stretch', 'letterbox']


@TRANSFORMS.register_module()
class CropFaceScales(BaseTransform):
    """Cut out the face's box, enlarged about its centre, and resize it: one crop a scale.

    The box is ``results['bbox']`` (1, 4) xyxy; without one it is the whole image. Crops of several scales lie one after
    the other in the channels (H, W, 3 M). A box is never enlarged beyond the image's width or height; where the window
    reaches over the border, ``border`` decides (minivision-ai/Silent-Face-Anti-Spoofing src/generate_patches.py):

    - ``shift`` moves it inside and keeps its size, as minivision and DeepFace do;
    - ``truncate`` cuts it off, which changes its shape, as yakhyo and uniface do.

    Args:
        scales: factors of the box; None takes the whole image.
        size: side of the crops in pixels, or (h, w).
        border: what happens at the border.
        fit: ``stretch`` the crop to ``size``, or ``letterbox``: keep its proportions and pad it with black on both
            sides (serengil/deepface).

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        scales: Sequence[float | None] = (2.7,),
        size: int | tuple[int, int] = 80,
        border: Border = 'shift',
        fit: Fit = 'stretch',
    ) -> None:
        if not scales or any(scale is not None and scale <= 0 for scale in scales):
            raise UserError(f'CropFaceScales: scales={scales!r}: give at least one factor above 0')
        if border not in ('shift', 'truncate'):
            raise UserError(f"CropFaceScales: border={border!r} is unknown; use 'shift' or 'truncate'")
        if fit not in ('stretch', 'letterbox'):
            raise UserError(f"CropFaceScales: fit={fit!r} is unknown; use 'stretch' or 'letterbox'")
        self.scales = tuple(scales)
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self.border = border
        self.fit = fit

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        height, width = image.shape[:2]
        box = np.asarray(results.get('bbox', [[0, 0, width, height]]), np.float64).reshape(-1, 4)[0]
        crops = []
        for scale in self.scales:
            window = (0, 0, width, height) if scale is None else scaled_window(box, scale, height, width, self.border)
            x1, y1, x2, y2 = window
            crop = np.ascontiguousarray(image[y1:y2, x1:x2])
            crops.append(cv2.resize(crop, self.size[::-1]) if self.fit == 'stretch' else letterboxed(crop, self.size))
        results['img'] = np.concatenate(crops, axis=2) if len(crops) > 1 else crops[0]
        results['img_shape'] = results['img'].shape[:2]
        return results


def letterboxed(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image (H, W, 3) scaled into ``size`` (h, w), in the middle of black; of an odd border less comes first.

    Lengths are cut to whole pixels, as serengil/deepface does (modules/preprocessing.py).
    """
    factor = min(size[0] / image.shape[0], size[1] / image.shape[1])
    # The side that fills the box is whole; a product of doubles may fall short of it by one.
    height, width = (
        wanted if wanted / length == factor else max(int(length * factor), 1)
        for wanted, length in zip(size, image.shape)
    )
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas = np.zeros((*size, image.shape[2]), image.dtype)
    canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height))
    return canvas


def scaled_window(box: np.ndarray, scale: float, height: int, width: int, border: Border) -> tuple[int, int, int, int]:
    """Return the window x1, y1, x2, y2 (the last two exclusive) of a box (4,) xyxy enlarged by ``scale``."""
    x, y = box[:2]
    w, h = np.maximum(box[2:] - box[:2], 1)
    scale = min((height - 1) / h, (width - 1) / w, scale)
    half = np.array([w, h]) * scale / 2
    centre = np.array([x + w / 2, y + h / 2])
    low, high = centre - half, centre + half
    last = np.array([width - 1, height - 1], np.float64)
    if border == 'shift':
        for axis in (0, 1):
            if low[axis] < 0:
                high[axis] -= low[axis]
                low[axis] = 0
            if high[axis] > last[axis]:
                low[axis] -= high[axis] - last[axis]
                high[axis] = last[axis]
    # Towards zero, as an int() of the original's does; the lower right pixel belongs to the window.
    x1, y1 = np.clip(low, 0, last).astype(int)
    x2, y2 = np.clip(high, 0, last).astype(int)
    return int(x1), int(y1), max(int(x2), int(x1)) + 1, max(int(y2), int(y1)) + 1


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """A random part of the image, resized to a fixed size; labels stay (torchvision's RandomResizedCrop).

    Parts larger than the image, which ``scale`` may ask for, become as large as the image allows.

    Args:
        size: side of the result, or (h, w).
        scale: range of the part's area as a fraction of the image's.
        ratio: range of width / height; its logarithm is drawn uniformly.

    Raises:
        UserError: a range has no meaning.
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        scale: tuple[float, float] = (0.9, 1.1),
        ratio: tuple[float, float] = (0.75, 4 / 3),
    ) -> None:
        if not 0 < scale[0] <= scale[1] or not 0 < ratio[0] <= ratio[1]:
            raise UserError(
                f'RandomResizedCrop: scale={tuple(scale)}, ratio={tuple(ratio)}: ranges rise and are above 0'
            )
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self.scale, self.ratio = (scale[0], scale[1]), (ratio[0], ratio[1])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        image = results['img']
        height, width = image.shape[:2]
        area = rng.uniform(*self.scale) * height * width
        ratio = float(np.exp(rng.uniform(*np.log(self.ratio))))
        h = int(np.clip(round((area / ratio) ** 0.5), 1, height))
        w = int(np.clip(round((area * ratio) ** 0.5), 1, width))
        top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
        part = np.ascontiguousarray(image[top : top + h, left : left + w])
        results['img'] = cv2.resize(part, self.size[::-1])
        results['img_shape'] = results['img'].shape[:2]
        return results


@TRANSFORMS.register_module()
class RandomRotate(BaseTransform):
    """Turn the image about its middle; what comes into view is black. Labels stay: not for gaze or head pose.

    Args:
        degrees: the largest angle to either side.
        prob: probability.
    """

    def __init__(self, degrees: float = 10.0, prob: float = 1.0) -> None:
        self.degrees = degrees
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        if rng.random() >= self.prob:
            return results
        height, width = results['img'].shape[:2]
        matrix = cv2.getRotationMatrix2D(
            ((width - 1) / 2, (height - 1) / 2), rng.uniform(-self.degrees, self.degrees), 1
        )
        results['img'] = cv2.warpAffine(np.ascontiguousarray(results['img']), matrix, (width, height))
        return results


@TRANSFORMS.register_module()
class FlipAttributes(BaseTransform):
    """Mirror the image at random, and with it the labels that have a side: angles to the left become angles to the right.

    Args:
        negate: names of labels that change their sign: ``yaw``, ``roll``.
        rotations: names of labels that are rotation matrices (3, 3), whose yaw and roll change their sign.
        prob: probability.
    """

    def __init__(self, negate: Sequence[str] = (), rotations: Sequence[str] = (), prob: float = 0.5) -> None:
        self.negate, self.rotations = tuple(negate), tuple(rotations)
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        if results['rng'].random() >= self.prob:
            return results
        results['img'] = np.ascontiguousarray(results['img'][:, ::-1])
        labels = dict(results.get('gt_attributes', {}))
        for name in self.negate:
            if name in labels:
                labels[name] = -labels[name]
        for name in self.rotations:
            if name in labels:
                # diag(-1, 1, 1) R diag(-1, 1, 1)
                labels[name] = labels[name] * np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], labels[name].dtype)
        results['gt_attributes'] = labels
        results['flip'] = True
        return results


@TRANSFORMS.register_module()
class FourierTarget(BaseTransform):
    """Make ``gt_attributes['fourier']`` (1, size, size) float32: the spectrum of the image as it is at this place.

    After augmentation it is that of what the network sees; before it, as in the original, it does not follow the flip,
    the rotation and the crop.

    Args:
        size: side; an eighth of the network's input.
    """

    def __init__(self, size: int = 10) -> None:
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        spectrum = fourier_map(results['img'], self.size)
        results['gt_attributes'] = {**results.get('gt_attributes', {}), 'fourier': spectrum[None]}
        return results


def fourier_map(image: np.ndarray, size: int) -> np.ndarray:
    """Return log(|F| + 1) of the grey image (H, W, 3) BGR, zero frequency in the middle, resized (size, size), 0…1.

    Scaled as (s − min + 1) / (max − min + 1) before resizing (minivision-ai src/data_io/dataset_folder.py).
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
    spectrum = np.log(np.abs(np.fft.fftshift(np.fft.fft2(grey))) + 1)
    low, high = spectrum.min(), spectrum.max()
    return cv2.resize(((spectrum - low + 1) / (high - low + 1)).astype(np.float32), (size, size))
