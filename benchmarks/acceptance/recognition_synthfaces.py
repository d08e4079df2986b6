"""Train a small recogniser on SynthFaces identities with ArcFace, AdaFace, CosFace and PartialFC.

Expected: accuracy of at least 0.95 on pairs of people none of them has seen, each after at most ten minutes on two cores. The
faces are rendered once for all of them, and the time of that is counted with each.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from record import ROOT, folder_of, parser, record, run_tool

sys.path.insert(0, str(ROOT))
from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.registry import DATASETS
from faceresearch.synth.portrait import PORTRAIT_VERSION

CONFIGS = (
    'arcface_r10_synthfaces',
    'adaface_r10_synthfaces',
    'cosface_r10_synthfaces',
    'arcface_r10_pfc_synthfaces',
)
LIMIT = 600


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--only', choices=CONFIGS, nargs='+', default=CONFIGS, help='some of the configs')
    args = options.parse_args()
    with folder_of(args.work_dir) as folder:
        return measure(folder, args.only, args.reduced)


def measure(folder: Path, configs: Sequence[str], reduced: bool) -> int:
    # Enough to be told from chance.
    small = ['train_identities=60', 'images_per_identity=8', 'val_pairs=400', 'max_epochs=6', 'val_interval=6']
    changes = [f'cache_dir={folder / "faces"}', *(small if reduced else [])]
    wanted = 0.6 if reduced else 0.95
    rendering, faces = render(configs[0], changes, folder / 'rendering.json')
    all_good = True
    for config in configs:
        out = folder / f'{config}.json'
        before = processor_seconds()
        seconds = run_tool('tools/train.py', config, *changes, '--work-dir', folder / config)
        used = processor_seconds() - before
        weights = folder / config / 'last.safetensors'
        run_tool('tools/test.py', config, weights, *changes, '--out', out, '--work-dir', folder / config)
        found = {key.removeprefix('synth_pairs/'): value for key, value in json.loads(out.read_text()).items()}
        good = found['accuracy'] >= wanted and seconds + rendering <= LIMIT
        all_good &= good
        rows = [
            f'Accuracy {found["accuracy"]:.4f} ± {found["accuracy_std"]:.4f} (ten folds), AUC {found["auc"]:.4f}, TAR at FAR 1e-3'
            f' {found["tar@far=1e-3"]:.4f}, after {minutes(seconds)} of training ({minutes(used)} of processor time; random weights, start and validation included)'
            f' and {minutes(rendering)} of rendering {faces:,} faces (portraits {PORTRAIT_VERSION}).'
            f' At least {wanted} within {LIMIT // 60} minutes: {"yes" if good else "NO"}.'
        ]
        command = f'python benchmarks/acceptance/recognition_synthfaces.py --only {config}'
        record(f'SynthFaces identities, {config}', command, rows, write=not reduced)
    return 0 if all_good else 1


def render(config: str, changes: list[str], note: Path) -> tuple[float, int]:
    """Fill the cache as a training would before its first epoch; return the seconds, noted for later runs, and the faces."""
    start, faces = time.perf_counter(), 0
    cfg = load_config(config, changes)
    set_scope(cfg)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        dataset = DATASETS.build(loader.dataset)
        dataset.full_init()
        faces += len(dataset)
    if not note.exists():
        note.write_text(json.dumps(time.perf_counter() - start))
    return json.loads(note.read_text()), faces


def processor_seconds() -> float:
    """Return what the tools that have ended have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def minutes(seconds: float) -> str:
    return f'{int(seconds) // 60} min {int(seconds) % 60:02d} s'


if __name__ == '__main__':
    sys.exit(main())
