"""MATLAB files that are not trusted, and the WIDER FACE split files among them."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.parsers.annotations import FaceAnnotations, Problems, build_annotations, safe_name
from faceresearch.errors import UserError

#: The largest of the official files has 1.6 MiB; larger than this is something else.
MAX_MAT_BYTES = 64 * 2**20
#: And the largest has 10 MB once unpacked.
MAX_UNPACKED_BYTES = 512 * 2**20
_COMPRESSED = 15


def read_mat(path: str | Path, variables: tuple[str, ...], largest: int = MAX_MAT_BYTES) -> dict[str, Any]:
    """Read variables of a MATLAB 5 file.

    Args:
        path: the file.
        variables: the names that must be there; others are not read.
        largest: bytes the file may have.

    Raises:
        UserError: the file is missing, too large, damaged, or lacks a variable.
    """
    from scipy.io import loadmat

    path = Path(path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror or error})') from error
    if size > largest:
        raise UserError(f'{path}: {size} bytes are more than the {largest} allowed for a MATLAB file')
    try:
        if _unpacked_size(path) > MAX_UNPACKED_BYTES:
            raise UserError(f'{path}: unpacks to more than {MAX_UNPACKED_BYTES} bytes, too many for annotations')
        content = loadmat(path, variable_names=variables)
    except UserError:
        raise
    except Exception as error:  # scipy raises many kinds on damaged files
        raise UserError(f'{path}: not a MATLAB 5 file that can be read ({error}); download it again') from error
    missing = [name for name in variables if name not in content]
    if missing:
        raise UserError(f'{path}: the variable {missing[0]!r} is missing: it is another kind of file')
    return {name: content[name] for name in variables}


def _unpacked_size(path: Path) -> int:
    """Return the bytes the variables of a MATLAB 5 file unpack to, at most a block above the limit."""
    total = 0
    with path.open('rb') as stream:
        order = {b'IM': '<', b'MI': '>'}[stream.read(128)[126:]]
        while len(tag := stream.read(8)) == 8:
            kind, size = struct.unpack(f'{order}II', tag)
            if kind != _COMPRESSED:
                total += size
                stream.seek(size, os.SEEK_CUR)
                continue
            unpack = zlib.decompressobj()
            pending = stream.read(size)
            while pending and total <= MAX_UNPACKED_BYTES:
                total += len(unpack.decompress(pending, 2**20))
                pending = unpack.unconsumed_tail
    return total


def read_wider_mat(path: Path, problems: Problems) -> list[FaceAnnotations]:
    """Read ``wider_face_{train,val}.mat``: boxes xywh, and the flag of invalid faces, which become ignore regions.

    Raises:
        UserError: the file is not in this form.
    """
    content = read_mat(path, ('event_list', 'file_list', 'face_bbx_list', 'invalid_label_list'))
    annotations = []
    try:
        for event, event_name in enumerate(content['event_list'][:, 0]):
            files = content['file_list'][event, 0]
            boxes, invalid = content['face_bbx_list'][event, 0], content['invalid_label_list'][event, 0]
            for image in range(len(files)):
                # Paths are listed without the suffix, which is always .jpg.
                name = safe_name(f'{event_name[0]}/{files[image, 0][0]}.jpg')
                if name is None:
                    problems.add('path leaves the image folder', 0, f'{event_name[0]}/{files[image, 0][0]}')
                    continue
                # Stored as small unsigned integers where they fit; arithmetic needs doubles, as in MATLAB.
                corners = boxes[image, 0].reshape(-1, 4).astype(np.float64)
                corners[:, 2:] += corners[:, :2]
                flags = invalid[image, 0].reshape(len(corners)).astype(bool)
                annotations.append(build_annotations(name, corners, problems, ignore=flags))
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f'{path}: not a WIDER FACE split file ({error}); download wider_face_split.zip again'
        ) from error
    return annotations
