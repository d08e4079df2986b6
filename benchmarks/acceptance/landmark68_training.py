"""Train 68 landmarks on about a hundred real faces, and judge them on faces of other people.

Expected: the inter-ocular NME on the other people's faces is at most 0.10, where the mean shape in the box has about 0.20.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from record import folder_of, parser, record, run_tool, shared_folder

CONFIG = 'landmark68_pfld_small'


def unit_shapes(dataset: object) -> np.ndarray:
    """Return the points (N, 68, 2) of a data set, relative to the centre and the longer side of their box."""
    shapes = []
    for index in range(len(dataset)):  # type: ignore[arg-type]
        face = dataset.raw_sample(index, 0)  # type: ignore[attr-defined]
        box = face['bbox'][0]
        shapes.append((face['keypoints'][0] - (box[:2] + box[2:]) / 2) / (box[2:] - box[:2]).max())
    return np.array(shapes, np.float64)


def mean_shape_error(data_root: Path) -> tuple[float, int, int]:
    """Return the NME of the training faces' mean shape on the test faces, and how many faces each set has."""
    from faceresearch.config import load_config
    from faceresearch.registry import DATASETS

    cfg = load_config(CONFIG, [f'data_root={data_root}', 'repeat=1'])
    train, test = (unit_shapes(DATASETS.build(cfg[key].dataset)) for key in ('train_dataloader', 'test_dataloader'))
    distances = np.linalg.norm(test - train.mean(0), axis=-1).mean(1)
    return float((distances / np.linalg.norm(test[:, 36] - test[:, 45], axis=-1)).mean()), len(train), len(test)


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--epochs', type=int, help='of ten times the training faces; default: 20, reduced 6')
    args = options.parse_args()
    epochs = args.epochs or (6 if args.reduced else 20)
    data = shared_folder() / 'data/landmarks'
    mean, trained_on, tested_on = mean_shape_error(data)
    with folder_of(args.work_dir) as folder:
        root = f'data_root={data}'
        schedule = [f'max_epochs={epochs}', f'val_interval={epochs}', 'num_workers=1']
        seconds = run_tool('tools/train.py', CONFIG, root, *schedule, '--work-dir', folder)
        out = folder / 'metrics.json'
        run_tool('tools/test.py', CONFIG, folder / 'last.safetensors', root, '--out', out, '--work-dir', folder)
        found = json.loads(out.read_text())
    error = found['landmark/nme']
    good = error <= 0.10 if not args.reduced else error < mean
    lines = [
        f'{trained_on} training faces (dlib_faces and half of the people of YTF-68), ten times an epoch, {epochs} epochs of PFLD'
        f' (730,216 parameters, random weights) at 112 px, {seconds / 60:.1f} min; {tested_on} faces of the other people.',
        '',
        '| | NME, inter-ocular | failures above 0.1 | AUC@0.1 | PCK@0.1 |',
        '| --- | --- | --- | --- | --- |',
        f'| mean shape of the training faces in the box | {mean:.4f} | | | |',
        f'| trained | {error:.4f} | {found["landmark/fr@0.1"]:.3f} | {found["landmark/auc@0.1"]:.3f}'
        f' | {found["landmark/pck@0.1"]:.3f} |',
        '',
        f'NME of at most 0.10 on other people: {"yes" if error <= 0.10 else "NO"}.',
    ]
    title = '68 landmarks, trained on few real faces'
    record(title, 'python benchmarks/acceptance/landmark68_training.py', lines, write=not args.reduced)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
