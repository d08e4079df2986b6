"""Sizes and names of the images that annotations belong to, without decoding a pixel."""

from __future__ import annotations

import re
from pathlib import Path

from faceresearch.errors import UserError

IMAGE_SUFFIX = re.compile(r'\.(jpe?g|png|bmp|webp|tiff?)$', re.IGNORECASE)


def image_size(path: Path) -> tuple[int, int] | None:
    """Return height and width of the stored pixels from an image file's header; None if it is not an image."""
    from PIL import Image

    try:
        with Image.open(path) as header:
            width, height = header.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return (height, width) if width > 0 and height > 0 else None


def images_by_stem(folder: Path) -> dict[str, str]:
    """Return the images below a folder, by their path without suffix; both have forward slashes.

    Raises:
        UserError: the folder is missing, or two images differ in the suffix only.
    """
    if not folder.is_dir():
        raise UserError(f'{folder}: no such image folder')
    found: dict[str, str] = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if not IMAGE_SUFFIX.search(name):
            continue
        stem = stem_of(name)
        if stem in found:
            raise UserError(f'{folder}: {found[stem]} and {name} would share one label file; rename one of them')
        found[stem] = name
    return found


def stem_of(name: str) -> str:
    """Return an image name without its suffix."""
    return IMAGE_SUFFIX.sub('', name)
