"""Train a recogniser from random weights on CFP's people 001 to 160, and judge it on 161 to 200.

Expected, on frontal-frontal and frontal-profile pairs alike: accuracy well above one half, and above that of the cosine of
raw pixels, by more than the 95 % intervals (drawn over people) allow. The overlap of the two halves is audited.
"""

from __future__ import annotations

import json
import shutil
import sys
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np
from record import ROOT, folder_of, parser, record, run_tool, shared_folder

sys.path.insert(0, str(ROOT))
from faceresearch.evaluation.verification import PairScores, contiguous_folds, correct_pairs, unit_rows

DETECTOR, CONFIG = 'retinaface_mnet025_widerface', 'arcface_r10_cfp'
FOLDS = 10
#: People to train on and to judge by; fewer in the reduced form.
TRAIN, TEST = range(1, 161), range(161, 201)
FEW = range(1, 41), range(161, 181)
PROTOCOLS = {'FF': 'frontal-frontal', 'FP': 'frontal-profile'}


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--load-from', metavar='CHECKPOINT', help='start from weights, which is stated; not recorded')
    args = options.parse_args()
    with folder_of(args.work_dir) as folder:
        return measure(folder, shared_folder(), args.reduced, args.load_from)


def measure(folder: Path, shared: Path, reduced: bool, weights: str | None) -> int:
    people = FEW if reduced else (TRAIN, TEST)
    train, test = align(folder, shared, *people)
    audit = folder / 'audit'
    run_tool('tools/dataset_stats.py', '--audit', train, test, '-o', audit)
    overlap = json.loads((audit / 'audit.json').read_text())
    changes = [f'identities={[f"{number:03d}" for number in people[0]]}', f'num_classes={len(people[0])}']
    changes += ['max_epochs=30'] if reduced else []
    changes += [f'load_from={Path(weights).resolve()}'] if weights else []
    seconds = run_tool('tools/train.py', CONFIG, f'data_root={train}', *changes, '--work-dir', folder / 'run')
    rows = [
        f'{overlap["train_images"]} images of {len(people[0])} people to train on, {overlap["test_images"]} of {len(people[1])} others to judge by:'
        f' {overlap["exact_duplicates"]} images and {overlap["shared_identities"]} people in both, {overlap["near_duplicates"]}'
        f' test images nearly one of the training. Trained for {seconds / 60:.1f} minutes from {weights or "random weights"}.',
        '',
        '| pairs | raw pixels | raw pixels, mean taken away | trained | trained − raw pixels |',
        '| --- | --- | --- | --- | --- |',
    ]
    good = True
    for protocol, name in PROTOCOLS.items():
        chosen = folder / f'pairs_{protocol}.txt'
        pairs = write_pairs(chosen, protocol, people[1])
        dumped = folder / f'{protocol}.npz'
        data = [f'data_root={folder}', f'ann_file={chosen.name}', 'img_dir=test']
        run_tool(
            *('tools/test.py', CONFIG, folder / 'run/last.safetensors', '--benchmark', 'pairs', *data),
            *('--dump', dumped, '--work-dir', folder / 'run'),
        )
        cells, trained, margin = compare(test, pairs, dumped)
        rows.append(f'| {name}, {len(pairs)} | ' + ' | '.join(cells) + ' |')
        # Few people and few epochs show that it learns, not that it beats pixels.
        good &= trained > 0.55 if reduced else margin > 0
    rows.append('')
    rows.append(
        f'Intervals: 95 %, people drawn again. Above raw pixels by more than chance: {"yes" if good else "NO"}.'
    )
    command = 'python benchmarks/acceptance/cfp_training.py'
    record('ArcFace r10, trained on few photographs (CFP)', command, rows, write=not reduced and not weights)
    return 0 if good else 1


def align(folder: Path, shared: Path, train: range, test: range) -> tuple[Path, Path]:
    """Return the folders of aligned people to train on and to judge by."""
    detector = folder / 'retinaface.safetensors'
    source = shared / 'weights/retinaface/mobilenet0.25_Final.pth'
    run_tool('tools/convert_checkpoint.py', source, DETECTOR, '-o', detector)
    for name, people in (('train', train), ('test', test)):
        images = folder / 'images' / name
        for number in people:
            source = shared / f'data/cfp/Data/Images/{number:03d}'
            shutil.copytree(source, images / source.name, copy_function=shutil.copyfile, dirs_exist_ok=True)
        # Crops so tight that profiles touch the border: black around them lets the detector see faces.
        options = ['-o', folder / name, '--pad', '0.25,0.5,0', '--keep-missing']
        run_tool('tools/align_faces.py', DETECTOR, detector, images, *options)
    return folder / 'train', folder / 'test'


def write_pairs(path: Path, protocol: str, people: range) -> list[tuple[bool, str, str]]:
    """Write every pair of one person, and as many of two, in folds that share nobody.

    CFP's own list holds too few pairs of these people for narrow intervals.
    """
    rng = np.random.default_rng(0)
    frontal, profile = (
        [f'{kind}/{n:02d}' for n in range(1, count + 1)] for kind, count in (('frontal', 10), ('profile', 4))
    )
    pairs = []
    for part in np.array_split(np.array(people), FOLDS):
        names = [f'{number:03d}' for number in part]
        within = list(combinations(frontal, 2)) if protocol == 'FF' else list(product(frontal, profile))
        same = [(True, f'{name}/{a}', f'{name}/{b}') for name in names for a, b in within]
        second = frontal if protocol == 'FF' else profile
        across = [
            (False, f'{one}/{a}', f'{other}/{b}')
            for one, other in combinations(names, 2)
            for a, b in product(frontal, second)
        ]
        pairs += same + [across[k] for k in rng.permutation(len(across))[: len(same)]]
    path.write_text(''.join(f'{int(same)} {a} {b}\n' for same, a, b in pairs))
    return pairs


def compare(test: Path, pairs: list[tuple[bool, str, str]], dumped: Path) -> tuple[list[str], float, float]:
    """Return the cells of a row, the accuracy, and the lower end of the interval of its difference from raw pixels."""
    embeddings = np.load(dumped)['embeddings']
    trained = (unit_rows(embeddings[::2]) * unit_rows(embeddings[1::2])).sum(1)
    right = np.array([judged_rightly(cosine, pairs) for cosine in (*raw_pixels(test, pairs), trained)], float)
    draws = bootstrap(right, pairs)
    cells = [cell(row.mean(), drawn) for row, drawn in zip(right, draws)]
    better = right[:2].mean(1).argmax()
    difference = draws[2] - draws[better]
    cells.append(cell(right[2].mean() - right[better].mean(), difference))
    return cells, right[2].mean(), np.quantile(difference, 0.025)


def judged_rightly(cosine: np.ndarray, pairs: list[tuple[bool, str, str]]) -> np.ndarray:
    same = np.array([pair[0] for pair in pairs])
    return correct_pairs(PairScores(cosine, same, contiguous_folds(len(pairs), FOLDS)))


def raw_pixels(test: Path, pairs: list[tuple[bool, str, str]]) -> list[np.ndarray]:
    """Return the cosines (P,) of the crops as vectors of pixels, as they are and with the mean of each taken away."""
    place: dict[str, int] = {}
    chosen = np.array([[place.setdefault(name, len(place)) for name in pair[1:]] for pair in pairs])
    pixels = np.stack([cv2.imread(str(test / f'{name}.jpg')).astype(np.float32).ravel() for name in place])
    cosines = []
    for vectors in (pixels, pixels - pixels.mean(1, keepdims=True)):
        unit = unit_rows(vectors)
        cosines.append((unit @ unit.T)[chosen[:, 0], chosen[:, 1]])
    return cosines


def bootstrap(right: np.ndarray, pairs: list[tuple[bool, str, str]], samples: int = 1000) -> np.ndarray:
    """Accuracies (rows, samples) with people drawn again: a pair counts as often as its people are drawn."""
    rng = np.random.default_rng(0)
    people = np.unique([[name[:3] for name in pair[1:]] for pair in pairs], return_inverse=True)[1].reshape(-1, 2)
    count = people.max() + 1
    same = np.array([pair[0] for pair in pairs])
    drawn = np.empty((len(right), samples))
    for number in range(samples):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        weight = np.where(same, times[people[:, 0]], times[people].prod(1)).astype(float)
        # Half of the pairs are of each kind, also when other people are drawn.
        weight[same] /= weight[same].sum()
        weight[~same] /= weight[~same].sum()
        drawn[:, number] = right @ weight / 2
    return drawn


def cell(value: float, draws: np.ndarray) -> str:
    low, high = np.quantile(draws, [0.025, 0.975])
    return f'{value:.4f} ({low:.4f} to {high:.4f})'


if __name__ == '__main__':
    sys.exit(main())
