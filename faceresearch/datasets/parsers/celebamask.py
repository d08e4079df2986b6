"""CelebAMask-HQ's own files: the masks of single parts, and the mapping to CelebA that its split follows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError

#: Numbers of CelebA's images by split (switchablenorms/CelebAMask-HQ face_parsing/Data_preprocessing/g_partition.py).
SPLITS = {'train': range(162_771), 'val': range(162_771, 182_638), 'test': range(182_638, 10**9), 'all': range(10**9)}
_PART = re.compile(r'(\d+)_(\w+)\.png')


def read_split(path: Path, split: str, problems: Problems) -> list[int]:
    """Return the numbers of CelebA-HQ's images of a split, in the file's order.

    Args:
        path: ``CelebA-HQ-to-CelebA-mapping.txt``: number, number in CelebA, file name in CelebA; a heading before.
        split: a key of :data:`SPLITS`.
        problems: malformed lines are counted here.

    Raises:
        UserError: the file is missing, not text, or names no image of the split.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise UserError(
            f'{path}: {reason}; it belongs to CelebAMask-HQ.zip and says which image is of which split'
        ) from error
    wanted, numbers, seen = SPLITS[split], [], set[int]()
    for line, text in enumerate(lines, 1):
        fields = text.split()
        if not fields or fields[0] == 'idx':
            continue
        if len(fields) < 2 or not fields[0].isdecimal() or not fields[1].isdecimal():
            problems.add('malformed line', line, text[:40], file=path.name)
            continue
        number, original = int(fields[0]), int(fields[1])
        if number in seen:
            problems.add('image named twice', line, text[:40], file=path.name)
        elif original in wanted:
            numbers.append(number)
        seen.add(number)
    if not numbers:
        raise UserError(f'{path}: names no image of split {split!r}')
    return numbers


def part_files(folder: Path, names: Sequence[str]) -> dict[int, dict[str, str]]:
    """Return the part masks ``<folder>/<0…14>/<number>_<part>.png`` by the image's number and the part's name.

    Files of other names are passed over; a folder that does not exist holds none.
    """
    found: dict[int, dict[str, str]] = defaultdict(dict)
    if not folder.is_dir():
        return found
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in below.iterdir():
            match = _PART.fullmatch(path.name)
            if match and match[2] in names:
                found[int(match[1])][match[2]] = str(path)
    return dict(found)
