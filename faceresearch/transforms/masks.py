"""Masks of face parsing: read them, and change them together with their images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.parsing_metainfo import COLOURS, IGNORED, class_map, classes_of
from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.instances import resize_sample
from faceresearch.transforms.loading import MAX_FILE_BYTES, MAX_PIXELS, read_image


def read_mask(path: str | Path, palette: np.ndarray | None = None) -> np.ndarray:
    """Read a mask file as (H, W) uint8 class ids.

    Palette images (the numbers, not the colours they stand for) and grey ones hold ids; a colour image is taken where
    all its colours are in ``palette``.

    Args:
        path: PNG, or whatever Pillow reads without loss.
        palette: (C, 3) uint8 RGB, by class id.

    Raises:
        BrokenImageError: the file cannot be read, is too large, or does not hold ids of 8 bits.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size == 0 or size > MAX_FILE_BYTES:
            raise BrokenImageError(f'{path}: {"empty file" if size == 0 else f"{size} bytes are too many"}')
        data = path.read_bytes()
    except OSError as error:
        raise BrokenImageError(f'{path}: {error.strerror or error}') from error
    return decode_mask(data, str(path), palette)


def decode_mask(data: bytes, name: str, palette: np.ndarray | None = None) -> np.ndarray:
    """Decode an encoded mask (see :func:`read_mask`); ``name`` is for the error message."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenImageError(f'{name}: {image.width} x {image.height} pixels are too many')
            mode, values = image.mode, np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenImageError(f'{name}: not a mask that can be read ({error})') from error
    if values.ndim == 2:
        if values.size and (int(values.min()) < 0 or int(values.max()) > 255):
            raise BrokenImageError(f'{name}: has values up to {values.max()}; class ids have 8 bits')
        return values.astype(np.uint8)
    return _ids_of_colours(name, mode, values, palette)


def _ids_of_colours(path: str, mode: str, values: np.ndarray, palette: np.ndarray | None) -> np.ndarray:
    if palette is None or mode not in ('RGB', 'RGBA'):
        raise BrokenImageError(f'{path}: is a picture ({mode}), not class ids: a palette or grey PNG is needed')
    codes = _codes(values)
    known = _codes(palette)
    order = np.argsort(known, kind='stable')
    place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
    ids = order[place]
    strange = known[ids] != codes
    if strange.any():
        y, x = np.argwhere(strange)[0]
        raise BrokenImageError(
            f'{path}: is a colour picture, and the colour {tuple(values[y, x, :3].tolist())} at x {x}, y {y} is no class'
        )
    return ids.astype(np.uint8)


def _codes(colours: np.ndarray) -> np.ndarray:
    return colours[..., :3].astype(np.int64) @ np.array([65536, 256, 1])


def merge_parts(parts: Mapping[str, str | Path], names: Sequence[str]) -> np.ndarray:
    """Merge masks of single parts into one; where parts overlap, the later in ``names`` lies on top.

    Args:
        parts: file of each part that the face has, white where the part is (CelebAMask-HQ-mask-anno).
        names: classes by id; the first is the background.

    Returns:
        (H, W) uint8 ids.

    Raises:
        BrokenImageError: a file cannot be read, or the sizes differ.
    """
    merged: np.ndarray | None = None
    for number, name in enumerate(names):
        if name not in parts:
            continue
        part = read_image(parts[name])[..., 0]
        if merged is None:
            merged = np.zeros(part.shape, np.uint8)
        if part.shape != merged.shape:
            raise BrokenImageError(f'{parts[name]}: is {part.shape}, other parts of this face are {merged.shape}')
        merged[part > 127] = number
    if merged is None:
        raise BrokenImageError('a face without any part mask')
    return merged


@TRANSFORMS.register_module()
class LoadFaceMask(BaseTransform):
    """Read a sample's mask as ``gt_sem_seg`` (H, W) uint8, in the class order that the data set was asked for.

    The file is ``mask_path``, or ``mask_parts``, one per part. Its ids are of the order ``mask_order``, and become
    those of ``class_order``; 255 is kept and does not count. A mask that is there already is kept; images without one, in
    inference, pass.

    Args:
        fit: what to do with a mask of another size than its image: ``same`` refuses it, ``image`` brings the image to
            the mask's size where both have the same proportions (CelebAMask-HQ: images of 1024 px, masks of 512).

    Raises:
        UserError: ``fit`` is unknown.
    """

    def __init__(self, fit: Literal['same', 'image'] = 'same') -> None:
        if fit not in ('same', 'image'):
            raise UserError(f"LoadFaceMask: fit={fit!r} is unknown; use 'same' or 'image'")
        self.fit = fit

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        if results.get('img_broken', False):
            results['gt_sem_seg'] = np.full((height, width), IGNORED, np.uint8)
            return results
        if 'gt_sem_seg' in results or not ('mask_path' in results or 'mask_parts' in results):
            return results
        mask, name = self._read(results)
        if mask.shape != (height, width):
            if self.fit == 'same' or mask.shape[0] * width != mask.shape[1] * height:
                raise BrokenImageError(
                    f'{name}: the mask is {mask.shape[1]} x {mask.shape[0]}, its image {width} x {height}'
                )
            # As zllrunning prepares the data.
            size = (mask.shape[1], mask.shape[0])
            results['img'] = cv2.resize(results['img'], size, interpolation=cv2.INTER_LINEAR)
            results['img_shape'] = results['ori_shape'] = mask.shape
        results['gt_sem_seg'] = mask
        return results

    def _read(self, results: dict[str, Any]) -> tuple[np.ndarray, str]:
        order = results['mask_order']
        names = classes_of(order)
        if 'mask_parts' in results:
            mask = merge_parts(results['mask_parts'], names)
            name = str(next(iter(results['mask_parts'].values())))
        else:
            name = results['mask_path']
            mask = read_mask(name, np.array([COLOURS[name] for name in names], np.uint8))
        strange = (mask >= len(names)) & (mask != IGNORED)
        if strange.any():
            y, x = np.argwhere(strange)[0]
            raise BrokenImageError(
                f'{name}: value {mask[y, x]} at x {x}, y {y}; the order {order!r} has classes 0 to {len(names) - 1}'
            )
        parts = results.get('face_parts')
        table = class_map(order, results['class_order'], *([parts] if parts else []))
        return table[mask], name


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Resize by a factor drawn from several, image and mask alike.

    Args:
        factors: of both sides.

    Raises:
        UserError: there is none, or one is not above 0.
    """

    def __init__(self, factors: Sequence[float] = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0)) -> None:
        if not factors or min(factors) <= 0:
            raise UserError(f'RandomScale: factors={tuple(factors)}: at least one, all above 0')
        self.factors = tuple(factors)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        factor = self.factors[results['rng'].integers(len(self.factors))]
        height, width = results['img'].shape[:2]
        if factor != 1:
            resize_sample(results, (max(1, int(height * factor)), max(1, int(width * factor))))
        return results


@TRANSFORMS.register_module()
class RandomCrop(BaseTransform):
    """Cut a random window out of image and mask; images smaller than it are enlarged first, in their proportions.

    For parsing and recognition: boxes and points do not follow.

    Args:
        size: side in pixels, or (height, width).

    Raises:
        UserError: a side is not at least 1.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        if min(self.size) < 1:
            raise UserError(f'RandomCrop: size={size}: sides must be at least 1 pixel')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rows, columns = self.size
        height, width = results['img'].shape[:2]
        if height < rows or width < columns:
            factor = max(rows / height, columns / width)
            resize_sample(results, (max(rows, math.ceil(height * factor)), max(columns, math.ceil(width * factor))))
            height, width = results['img'].shape[:2]
        top = int(results['rng'].integers(height - rows + 1))
        left = int(results['rng'].integers(width - columns + 1))
        for key in ('img', 'gt_sem_seg'):
            if key in results:
                results[key] = results[key][top : top + rows, left : left + columns]
        results['img_shape'] = self.size
        return results


@TRANSFORMS.register_module()
class RandomSimilarity(BaseTransform):
    """Turn, scale and shift image and mask at random, and bring them to one size, in a single interpolation.

    For parsing and recognition: boxes and points do not follow. What comes from beyond the image is black and does not count in training.

    Args:
        size: side of the result in pixels, or (height, width); at factor 1 and without rotation and shift the whole
            image fills it.
        angle: largest rotation, in degrees.
        scale: range of the factor.
        shift: largest shift, as a fraction of the sides.
        prob: probability; otherwise the image is only resized.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        angle: float = 10.0,
        scale: tuple[float, float] = (0.95, 1.05),
        shift: float = 0.05,
        prob: float = 1.0,
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        if min(self.size) < 1 or angle < 0 or not 0 < scale[0] <= scale[1] or shift < 0 or not 0 <= prob <= 1:
            raise UserError(
                f'RandomSimilarity: size={size}, angle={angle}, scale={tuple(scale)}, shift={shift}, prob={prob}: sides are'
                ' at least 1, the range of scales rises and is above 0, the others are not negative'
            )
        self.angle, self.shift, self.prob = angle, shift, prob
        self.scale = (scale[0], scale[1])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        matrix = self._matrix(rng, results['img'].shape[:2])
        width_height = (self.size[1], self.size[0])
        for key, method, fill in (('img', cv2.INTER_LINEAR, 0), ('gt_sem_seg', cv2.INTER_NEAREST, IGNORED)):
            if key in results:
                results[key] = cv2.warpAffine(
                    np.ascontiguousarray(results[key]), matrix, width_height, flags=method, borderValue=(fill,) * 3
                )
        results['img_shape'] = self.size
        return results

    def _matrix(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """Return the matrix (2, 3) from the image's pixels to the result's; pixel centres lie on whole numbers."""
        rows, columns = self.size
        height, width = shape
        resize = np.array([[columns / width, 0, 0], [0, rows / height, 0], [0, 0, 1.0]])
        turn = np.eye(3)
        if rng.random() < self.prob:
            angle = math.radians(rng.uniform(-self.angle, self.angle))
            factor = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
            cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
            move = rng.uniform(-self.shift, self.shift, 2) * (columns, rows)
            centre = np.array([columns / 2, rows / 2])
            turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
            turn[:2, 2] = centre + move - turn[:2, :2] @ centre
        # OpenCV's pixel (0, 0) is a centre; the matrices above count from the corner.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        back = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
        return (back @ turn @ resize @ half)[:2]
