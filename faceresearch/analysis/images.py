"""Images as programs hold them, brought to the one form that all of ours take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.transforms.loading import read_image

#: A path; an array (H, W, 3) BGR, (H, W, 4) BGRA, (H, W) or (H, W, 1) grey; a tensor (3, H, W) RGB or (1, H, W) grey.
Image = np.ndarray | Tensor | str | Path


def is_one_image(images: object) -> bool:
    """Return whether this is one image, and not several."""
    return isinstance(images, str | Path) or (isinstance(images, np.ndarray | Tensor) and images.ndim <= 3)


def as_images(images: Iterable[Image]) -> Iterator[np.ndarray]:
    """Yield images one after the other in our form; see :func:`as_image`."""
    return (as_image(image, f'image {number}') for number, image in enumerate(images))


def as_image(image: Image, name: str = 'image') -> np.ndarray:
    """Return an image as (H, W, 3) uint8 BGR, treated as :func:`~faceresearch.transforms.loading.read_image` treats files.

    Grey images are repeated to three channels, an alpha channel is dropped.

    Args:
        image: a path; an array as OpenCV decodes images, (H, W, 3) **BGR**, with alpha or grey; or a tensor as
            torchvision decodes them, (3, H, W) **RGB**, (4, H, W) or (1, H, W). All are uint8.
        name: how messages call it.

    Raises:
        UserError: the values are not uint8, the shape is none of these, or a file cannot be read.
    """
    if isinstance(image, str | Path):
        try:
            return read_image(image)
        except BrokenImageError as error:
            raise UserError(str(error)) from error
    if isinstance(image, Tensor):
        array = image.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
        wanted, swapped = '(3, height, width), RGB', True
    else:
        array = np.asarray(image)
        wanted, swapped = '(height, width, 3), BGR', False
    flat = array[..., None] if array.ndim == 2 else array
    depth = flat.shape[2] if flat.ndim == 3 else 0
    if flat.dtype != np.uint8:
        raise UserError(
            f'{name}: values are {flat.dtype}; needed is uint8, 0 to 255 (floating point from 0 to 1: multiply by 255'
            ' and round first)'
        )
    if flat.ndim != 3 or not flat.size or depth not in (1, 3, 4):
        raise UserError(f'{name}: has the shape {tuple(image.shape)}; needed is {wanted}')
    if depth == 1:
        return cv2.cvtColor(np.ascontiguousarray(flat[..., 0]), cv2.COLOR_GRAY2BGR)
    colours = flat[..., 2::-1] if swapped else flat[..., :3]
    return np.ascontiguousarray(colours)
