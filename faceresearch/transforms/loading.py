"""Read images from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.datasets.base import BrokenImageError
from faceresearch.registry import TRANSFORMS

#: Files larger than this are refused unread; the largest published face images are a few tens of MiB.
MAX_FILE_BYTES = 256 * 2**20
#: Pixels an image may have; checked against the file's header before the pixels are decoded.
MAX_PIXELS = 128 * 10**6


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as (H, W, 3) uint8 BGR.

    Grey images are repeated to three channels, an alpha channel is dropped, 16-bit images are scaled to 8 bits, and
    the EXIF orientation is ignored, because annotations are made on the stored pixels.

    Raises:
        BrokenImageError: the file is missing, empty, truncated, not an image, or larger than the limits above.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size == 0 or size > MAX_FILE_BYTES:
            raise BrokenImageError(f'{path}: {"empty file" if size == 0 else f"{size} bytes are too many"}')
        data = path.read_bytes()
    except OSError as error:
        raise BrokenImageError(f'{path}: {error.strerror or error}') from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Decode an encoded image (see :func:`read_image`); ``name`` is for the error message."""
    _check_header(data, name)
    buffer = np.frombuffer(data, np.uint8)
    try:
        image = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise BrokenImageError(f'{name}: cannot be decoded ({error.err or error})') from error
    if image is None or image.size == 0:
        raise BrokenImageError(f'{name}: cannot be decoded')
    return image


def _check_header(data: bytes, name: str) -> None:
    """Refuse images whose header announces too many pixels, and truncated files, before decoding."""
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as header:
            width, height = header.size
            kind = header.format
    except UnidentifiedImageError as error:
        raise BrokenImageError(f'{name}: {"empty file" if not data else "not an image of a known format"}') from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenImageError(f'{name}: not an image that can be read ({error})') from error
    if width * height > MAX_PIXELS:
        raise BrokenImageError(f'{name}: {width} x {height} pixels are too many')
    # OpenCV fills what a truncated JPEG lacks with grey and says nothing. Bytes after the end marker are common.
    if kind == 'JPEG' and b'\xff\xd9' not in data[-65536:]:
        raise BrokenImageError(f'{name}: truncated JPEG (no end marker)')


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read ``img_path`` to ``img`` (H, W, 3) uint8 BGR and set ``ori_shape`` and ``img_shape`` (h, w).

    An ``img`` that is already there (video frames, rendered scenes) is kept.

    Raises:
        BrokenImageError: see :func:`read_image`; the data set decides what happens then.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        if 'img' not in results:
            results['img'] = read_image(results['img_path'])
        results['ori_shape'] = results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (1.0, 1.0)
        return results
