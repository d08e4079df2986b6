"""The official ground truth of the WIDER FACE validation set: four MATLAB files."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.matlab import read_mat
from faceresearch.errors import UserError
from faceresearch.evaluation.wider_protocol import SUBSETS, GroundTruth

#: sha256 of the files in the official eval_tools; the same in every repository that copies them.
OFFICIAL_SHA256 = {
    'wider_face_val.mat': '1dfe6a9853950f9dde256b5e8bb75d8f272e6bc02a15ae1968f5a9b883f458cb',
    'wider_easy_val.mat': 'c2fb672d16f75653eb89fb8bc437a7d060896a71cd7a65c1a5a3e4479024099c',
    'wider_medium_val.mat': '4a031970bc132cef5cfacd05068aabcf4fe15d4a31a1e9f4f00eb134fdf449c1',
    'wider_hard_val.mat': 'bb1af19dc5bc4dd9517dd8ae8096326c68175f2c3411763bdd4f23fa98638b78',
}
DOWNLOAD = 'download eval_tools.zip from http://shuoyang1213.me/WIDERFACE/ and unpack its ground_truth folder there'


def load_ground_truth(folder: str | Path) -> GroundTruth:
    """Read ``wider_{face,easy,medium,hard}_val.mat``.

    A file that differs from the official one is used, with a warning.

    Raises:
        UserError: a file is missing or not in the official form.
    """
    folder = Path(folder)
    missing = [name for name in OFFICIAL_SHA256 if not (folder / name).is_file()]
    if missing:
        raise UserError(f'WIDER FACE ground truth: {folder / missing[0]} does not exist; {DOWNLOAD}')
    _warn_of_other_files(folder)
    content = read_mat(folder / 'wider_face_val.mat', ('event_list', 'file_list', 'face_bbx_list'))
    lists = {s: read_mat(folder / f'wider_{s}_val.mat', ('gt_list',))['gt_list'] for s in SUBSETS}
    try:
        return _assemble(content, lists)
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f'{folder}: not the WIDER FACE ground truth ({error}); {DOWNLOAD}') from error


def _assemble(content: dict[str, Any], lists: dict[str, Any]) -> GroundTruth:
    names: list[str] = []
    boxes: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    for event, event_name in enumerate(content['event_list'][:, 0]):
        files, faces = content['file_list'][event, 0], content['face_bbx_list'][event, 0]
        for image in range(len(files)):
            names.append(f'{event_name[0]}/{files[image, 0][0]}')
            # Stored as small unsigned integers where they fit; arithmetic needs doubles, as in MATLAB.
            boxes.append(faces[image, 0].reshape(-1, 4).astype(np.float64))
            flags = np.zeros((len(boxes[-1]), len(SUBSETS)), bool)
            for column, subset in enumerate(SUBSETS):
                numbers = lists[subset][event, 0][image, 0].reshape(-1).astype(np.int64)
                if len(numbers) and (numbers.min() < 1 or numbers.max() > len(flags)):
                    raise ValueError(f'{names[-1]}: {subset} names a box that does not exist')
                flags[numbers - 1, column] = True
            kept.append(flags)
    if len(set(names)) != len(names):
        raise ValueError('an image is listed twice')
    offsets = np.cumsum([0, *map(len, boxes)]).astype(np.int64)
    corners = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    corners[:, 2:] += corners[:, :2]
    return GroundTruth(tuple(names), offsets, corners, np.concatenate(kept) if kept else np.zeros((0, 3), bool))


def _warn_of_other_files(folder: Path) -> None:
    for name, expected in OFFICIAL_SHA256.items():
        with (folder / name).open('rb') as stream:
            digest = hashlib.file_digest(stream, 'sha256').hexdigest()
        if digest != expected:
            print_log(
                f'{folder / name} is not the official WIDER FACE file (sha256 differs): figures are not comparable',
                logger='current',
                level=logging.WARNING,
            )
