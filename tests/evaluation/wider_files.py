"""A small ground truth in the official form, for tests that do without the real one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat


def cells(items: Sequence) -> np.ndarray:
    """A MATLAB cell column."""
    column = np.empty((len(items), 1), object)
    for row, item in enumerate(items):
        column[row, 0] = item
    return column


def write_ground_truth(folder: Path, images: dict[str, dict]) -> Path:
    """Write the four files for ``event/file`` → boxes (G, 4) xywh and lists of counted boxes, numbered from 0."""
    folder.mkdir(parents=True, exist_ok=True)
    events = list(dict.fromkeys(name.split('/')[0] for name in images))
    members = [[name for name in images if name.startswith(f'{event}/')] for event in events]
    content = {
        'event_list': cells(events),
        'file_list': cells([cells([name.split('/')[1] for name in names]) for names in members]),
        'face_bbx_list': cells([cells([np.array(images[n]['boxes'], np.int32) for n in names]) for names in members]),
        'invalid_label_list': cells(
            [cells([np.zeros((len(images[n]['boxes']), 1), np.uint8) for n in names]) for names in members]
        ),
    }
    savemat(folder / 'wider_face_val.mat', content)
    for subset in ('easy', 'medium', 'hard'):
        numbers = [
            cells([np.array(images[n][subset], np.uint8).reshape(-1, 1) + np.uint8(1) for n in names])
            for names in members
        ]
        savemat(folder / f'wider_{subset}_val.mat', {'gt_list': cells(numbers)})
    return folder
