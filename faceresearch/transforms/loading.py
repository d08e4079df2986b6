"""Read images from disk."""

from __future__ import annotations

from functools import lru_cache
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
#: Bytes of a JPEG without metadata in which its size is found.
_HEAD = 192
_END_OF_JPEG = b'\xff\xd9'
#: Bytes at the end of a JPEG in which its end marker is looked for.
_END = 65536
_COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


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
    # Most images of large sets are small JPEGs that begin alike: they need no closer look.
    if not 0 < _pixels_in_head(data[:_HEAD]) <= MAX_PIXELS or data.rfind(_END_OF_JPEG, -_END) < 0:
        _check_header(data, name)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _COLOUR)
    except cv2.error as error:
        raise BrokenImageError(f'{name}: cannot be decoded ({error.err or error})') from error
    if image is None or image.size == 0:
        raise BrokenImageError(f'{name}: cannot be decoded')
    return image


def _check_header(data: bytes, name: str) -> None:
    """Refuse images whose header announces too many pixels, and truncated files, before decoding."""
    width, height = _jpeg_size(data)
    if width * height:
        _check_content(data, name, width, height, 'JPEG')
        return
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as header:
            width, height = header.size
            kind = header.format or ''
    except UnidentifiedImageError as error:
        raise BrokenImageError(f'{name}: {"empty file" if not data else "not an image of a known format"}') from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenImageError(f'{name}: not an image that can be read ({error})') from error
    _check_content(data, name, width, height, kind)


def _check_content(data: bytes, name: str, width: int, height: int, kind: str) -> None:
    if width * height > MAX_PIXELS:
        raise BrokenImageError(f'{name}: {width} x {height} pixels are too many')
    # OpenCV fills what a truncated JPEG lacks with grey and says nothing. Bytes after the end marker are common.
    if kind == 'JPEG' and data.rfind(_END_OF_JPEG, -_END) < 0:
        raise BrokenImageError(f'{name}: truncated JPEG (no end marker)')


@lru_cache(64)
def _pixels_in_head(head: bytes) -> int:
    """Return how many pixels a JPEG's first bytes announce, or 0."""
    width, height = _jpeg_size(head)
    return width * height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height from a JPEG's frame header; zeros if it is not found (Pillow then has the word).

    Pillow takes a third of the time that decoding a face takes; these few lines a thirtieth.
    """
    if data[:3] != b'\xff\xd8\xff':
        return 0, 0
    position, end = 2, len(data) - 9
    while position < end and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[position + 7] << 8 | data[position + 8], data[position + 5] << 8 | data[position + 6]
        if marker in (0x01, 0xDA, 0xFF) or 0xD0 <= marker <= 0xD9:
            break
        position += 2 + (data[position + 2] << 8 | data[position + 3])
    return 0, 0


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read ``img_path`` to ``img`` (H, W, 3) uint8 BGR and set ``ori_shape`` and ``img_shape`` (h, w).

    An ``img`` that is already there (video frames, rendered scenes) is kept, and ``img_bytes``, an encoded image from
    an archive, is decoded.

    Raises:
        BrokenImageError: see :func:`read_image`; the data set decides what happens then.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        data = results.pop('img_bytes', None)
        if 'img' not in results:
            path = results['img_path']
            results['img'] = read_image(path) if data is None else decode_image(data, path)
        results['ori_shape'] = results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (1.0, 1.0)
        return results
