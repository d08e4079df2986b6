"""Lists of images to leave out, such as those that a training set contains too."""

from __future__ import annotations

from pathlib import Path

from faceresearch.errors import UserError


def read_excluded(path: str | Path) -> frozenset[str]:
    """Read image names, one a line; empty lines and lines that start with ``#`` are passed over.

    Raises:
        UserError: the file cannot be read as text.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise UserError(f'exclude={str(path)!r}: {reason}; give a text file of image names, one a line') from error
    return frozenset(name for line in lines if (name := line.strip()) and not name.startswith('#'))
