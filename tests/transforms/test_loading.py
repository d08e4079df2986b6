"""Images as people have them: grey, transparent, 16 bits, rotated by EXIF, truncated, empty, hostile."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceresearch.datasets.base import BrokenImageError
from faceresearch.transforms.loading import read_image


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[:40, :60]
    return np.dstack([x * 4, y * 6, (x + y) * 2]).astype(np.uint8)


def test_colour_is_bgr(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., ::-1]).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png'), picture)


def test_grey_alpha_palette_and_16_bits_become_three_channels(tmp_path: Path, picture: np.ndarray) -> None:
    grey = picture[..., 0]
    Image.fromarray(grey).save(tmp_path / 'grey.png')
    np.testing.assert_array_equal(read_image(tmp_path / 'grey.png'), np.dstack([grey] * 3))
    rgba = np.dstack([picture[..., ::-1], np.full(grey.shape, 10, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / 'rgba.png')
    np.testing.assert_array_equal(read_image(tmp_path / 'rgba.png'), picture)
    deep = picture.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / 'deep.png'), deep)
    np.testing.assert_array_equal(read_image(tmp_path / 'deep.png'), picture)
    cv2.imwrite(str(tmp_path / 'grey16.png'), deep[..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / 'grey16.png'), np.dstack([grey] * 3))


def test_exif_rotation_is_ignored_because_boxes_are_on_stored_pixels(tmp_path: Path, picture: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(tmp_path / 'r.jpg', exif=exif)
    assert read_image(tmp_path / 'r.jpg').shape == (40, 60, 3)


@pytest.mark.parametrize('keep', [0.3, 0.7, 0.98])
def test_truncated_jpeg_is_broken(tmp_path: Path, picture: np.ndarray, keep: float) -> None:
    Image.fromarray(picture).save(tmp_path / 'whole.jpg', quality=95)
    data = (tmp_path / 'whole.jpg').read_bytes()
    (tmp_path / 'cut.jpg').write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BrokenImageError, match=r'cut\.jpg'):
        read_image(tmp_path / 'cut.jpg')


def test_jpeg_with_trailing_bytes_is_fine(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / 'a.jpg')
    (tmp_path / 'a.jpg').write_bytes((tmp_path / 'a.jpg').read_bytes() + b'\0' * 100)
    assert read_image(tmp_path / 'a.jpg').shape == (40, 60, 3)


@pytest.mark.parametrize('content', [b'', b'not an image', b'\xff\xd8\xff\xe0garbage\xff\xd9'])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'x.jpg').write_bytes(content)
    with pytest.raises(BrokenImageError, match=r'x\.jpg'):
        read_image(tmp_path / 'x.jpg')


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenImageError, match='No such file'):
        read_image(tmp_path / 'none.jpg')


def test_a_header_that_announces_too_many_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    header = struct.pack('>IIBBBBB', 30000, 30000, 8, 2, 0, 0, 0)
    png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')
    (tmp_path / 'bomb.png').write_bytes(png)
    with pytest.raises(BrokenImageError, match=r'bomb\.png'):
        read_image(tmp_path / 'bomb.png')
