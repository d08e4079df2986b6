"""Train attribute models on the real faces that are here: liveness, emotion, age, gender and race.

Splits are by the checksum of a name: no image, and where names tell the person no person, is on both sides; files with
the same bytes are looked for. Expected: AUC of liveness at least 0.9; CK+ at least 0.85 on other people; FER2013 above the
majority class; UTKFace's mean absolute error of age at least 25 % below that of the best constant; FairFace's gender at
least 0.70 and race above the majority class.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from record import folder_of, parser, record, run_tool, shared_folder

Figures = dict[str, float]


@dataclass(frozen=True)
class Run:
    """A training: config, data, what is changed, and how its figures are judged."""

    config: str
    data: str
    judge: Callable[[Figures], tuple[bool, str]]
    overrides: tuple[str, ...] = ()
    epochs: int = 30


def above(key: str, wanted: float, what: str) -> Callable[[Figures], tuple[bool, str]]:
    def judge(found: Figures) -> tuple[bool, str]:
        majority = found.get(f'{key.rpartition("/")[0]}/majority')
        trivial = (
            'scores that tell nothing 0.5' if majority is None else f'always naming the commonest class {majority:.4f}'
        )
        text = f'{what} {found[key]:.4f}, of {trivial}; at least {wanted}'
        return found[key] >= wanted, text

    return judge


def emotion_above_majority(found: Figures) -> tuple[bool, str]:
    accuracy, majority = found['emotion/accuracy'], found['emotion/majority']
    balanced = found['emotion/balanced_accuracy']
    return accuracy > majority + 0.05, (
        f'Accuracy {accuracy:.4f}, balanced {balanced:.4f}; the majority class has {majority:.4f} (0.05 above it is wanted)'
    )


def age(found: Figures) -> tuple[bool, str]:
    error, constant = found['age/mae'], found['age/mae_of_median']
    return error <= 0.75 * constant, (
        f'Mean absolute error of age {error:.2f} years, of the best constant {constant:.2f}:'
        f' {1 - error / constant:.1%} less (25 % is wanted); gender accuracy {found["gender/accuracy"]:.4f}'
    )


def fairface(found: Figures) -> tuple[bool, str]:
    gender, race, majority = found['gender/accuracy'], found['race/accuracy'], found['race/majority']
    return gender >= 0.70 and race > majority, (
        f'Gender {gender:.4f} (0.70 is wanted; majority {found["gender/majority"]:.4f}), race {race:.4f} (majority'
        f' {majority:.4f}), age {found["age/accuracy"]:.4f} (majority {found["age/majority"]:.4f}); gap of gender between'
        f' race and gender groups {found.get("gender/gap", float("nan")):.3f}'
    )


SPLIT_OF_ONE_CSV = ('train_csv=fairface_label_val.csv', 'train_part=train', 'val_part=val')
RUNS = {
    'liveness': Run('minifasnet_v2_liveness', 'anti_spoof/liveness', above('spoof/auc', 0.9, 'AUC'), epochs=40),
    'ckplus': Run('emotion_r18_ckplus_48', 'emotion/CK+48', above('emotion/accuracy', 0.85, 'Accuracy'), epochs=20),
    'fer2013': Run('emotion_r18_fer2013_48', 'emotion/fer2013', emotion_above_majority, epochs=30),
    'utkface': Run('age_gender_r18_utkface_64', 'utkface', age, epochs=40),
    'fairface': Run('fairface_r18_fairface_64', 'fairface', fairface, SPLIT_OF_ONE_CSV, epochs=30),
}


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--only', choices=sorted(RUNS), help='one of the trainings')
    args = options.parse_args()
    data = shared_folder() / 'data'
    good = True
    with folder_of(args.work_dir) as folder:
        for name in [args.only] if args.only else list(RUNS):
            good &= measure(name, data, folder, args.reduced)
    return 0 if good else 1


def measure(name: str, data: Path, folder: Path, reduced: bool) -> bool:
    run = RUNS[name]
    common = [f'data_root={data / run.data}', 'num_workers=1', *run.overrides]
    epochs = 2 if reduced else run.epochs
    length = [f'max_epochs={epochs}', f'val_interval={epochs}', 'warmup_epochs=1']
    out = folder / f'{name}.json'
    seconds = run_tool('tools/train.py', run.config, *common, *length, '--work-dir', folder / name)
    weights = folder / name / 'last.safetensors'
    run_tool('tools/test.py', run.config, weights, *common, '--out', out, '--work-dir', folder / name)
    found = json.loads(out.read_text())
    reached, text = run.judge(found)
    sizes = split_sizes(run, common)
    rows = [
        f'{sizes}, {epochs} epochs in {seconds / 60:.1f} minutes, from random weights.',
        f'{text}: {"yes" if reached else "NO"}.',
    ]
    command = f'python benchmarks/acceptance/attributes_training.py --only {name}'
    record(f'Attributes, {name}', command, rows, write=not reduced)
    if reduced:
        # Two epochs are enough for emotions to be better than the commonest one; of the others they prove that they run.
        learned = found.get('emotion/accuracy', 1.0) > found.get('emotion/majority', 0.0)
        return learned and all(map(math.isfinite, found.values()))
    return reached


def split_sizes(run: Run, overrides: list[str]) -> str:
    """Return the sizes of both parts; files with the same bytes on both sides are named.

    Raises:
        SystemExit: an image is on both sides.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from faceresearch.config import load_config
    from faceresearch.registry import DATASETS

    cfg = load_config(run.config, overrides)
    sides: list[Any] = [DATASETS.build(cfg[f'{part}_dataloader']['dataset']) for part in ('train', 'val')]
    paths = [[side.get_data_info(i)['img_path'] for i in range(len(side))] for side in sides]
    if set(paths[0]) & set(paths[1]):
        sys.exit(f'error: {run.config}: an image is on both sides of the split')
    contents = [{hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in part} for part in paths]
    same = len(contents[0] & contents[1])
    groups = [{side.get_data_info(i).get('group') for i in range(len(side))} - {None} for side in sides]
    people = f' of {len(groups[0])} and {len(groups[1])} people, none on both sides' if groups[0] else ''
    copies = (
        f', {same} of them with the same bytes as one of the other part' if same else ', no two with the same bytes'
    )
    return f'{len(paths[0])} training and {len(paths[1])} test images{people}{copies}'


if __name__ == '__main__':
    sys.exit(main())
