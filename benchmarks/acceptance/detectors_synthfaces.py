"""Train the smallest SCRFD, YOLOv5-Face and YOLOv8-Face on SynthFaces.

Expected: easy AP on unseen scenes of at least 0.85, each after at most 15 minutes on two cores.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import folder_of, parser, record, run_tool

CONFIGS = ('scrfd_500m_kps_synthfaces', 'yolov5_face_n_0_5_synthfaces', 'yolov8_face_lite_t_synthfaces')


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--only', help="part of a config's name")
    args = options.parse_args()
    chosen = [config for config in CONFIGS if not args.only or args.only in config]
    with folder_of(args.work_dir) as folder:
        return measure(folder, chosen, args.reduced)


def measure(folder: Path, configs: list[str], reduced: bool) -> int:
    # Enough for a face to be told from a wall.
    small = (
        ['train_scenes=160', 'val_scenes=40', 'max_epochs=14', 'val_interval=14', 'warmup_epochs=1'] if reduced else []
    )
    wanted, limit = (0.2, 900) if reduced else (0.85, 900)
    good = True
    for config in configs:
        out = folder / f'{config}.json'
        seconds = run_tool('tools/train.py', config, *small, '--work-dir', folder / config)
        weights = folder / config / 'last.safetensors'
        run_tool('tools/test.py', config, weights, *small[1:2], '--out', out, '--work-dir', folder / config)
        found = json.loads(out.read_text())
        easy, medium, hard = (found[f'synthfaces/{subset}_ap'] for subset in ('easy', 'medium', 'hard'))
        reached = easy >= wanted and seconds <= limit
        good &= reached
        rows = [
            f'Easy / medium / hard AP {easy:.4f} / {medium:.4f} / {hard:.4f} after {seconds / 60:.1f} minutes of training,'
            f' rendering included. Easy AP of at least {wanted} within {limit // 60} minutes: {"yes" if reached else "NO"}.'
        ]
        command = f'python benchmarks/acceptance/detectors_synthfaces.py --only {config}'
        record(f'SynthFaces, {config}', command, rows, write=not reduced)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
