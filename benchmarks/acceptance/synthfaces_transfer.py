"""Train RetinaFace mnet025 on SynthFaces alone, and test it on real photographs.

The aim: easy AP of at least 0.5 on the real WIDER FACE validation images after at most an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from record import record, run_tool, shared_folder

CONFIG = 'retinaface_mnet025_synthfaces'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--scenes', type=int, default=6000)
    parser.add_argument('--epochs', type=int, default=12)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/acceptance_synthfaces'))
    args = parser.parse_args()
    folder = args.work_dir.resolve()
    schedule = (f'train_scenes={args.scenes}', f'max_epochs={args.epochs}', f'val_interval={args.epochs}')
    seconds = run_tool('tools/train.py', CONFIG, *schedule, '--work-dir', folder)
    weights = folder / 'last.safetensors'
    run_tool('tools/test.py', CONFIG, weights, '--out', folder / 'synth.json', '--work-dir', folder)
    data = f'data_root={shared_folder() / "data/widerface"}'
    real = ('--benchmark', 'widerface_val', data, '--out', folder / 'real.json', '--work-dir', folder)
    run_tool('tools/test.py', CONFIG, weights, *real)
    synth, real_figures = (json.loads((folder / name).read_text()) for name in ('synth.json', 'real.json'))

    from faceresearch.synth import RENDERER_VERSION

    rows = [
        f'Renderer {RENDERER_VERSION}, {args.scenes} scenes of 320 px, {args.epochs} epochs, {seconds / 60:.0f} min.',
        '',
        '| tested on | easy | medium | hard |',
        '| --- | --- | --- | --- |',
        *(
            f'| {name} | ' + ' | '.join(f'{found[f"{key}/{s}_ap"]:.4f}' for s in ('easy', 'medium', 'hard')) + ' |'
            for name, key, found in (
                ('unseen SynthFaces scenes', 'synthfaces', synth),
                ('221 real WIDER FACE images', 'widerface', real_figures),
            )
        ),
    ]
    record('RetinaFace mnet025, SynthFaces to photographs', 'python benchmarks/acceptance/synthfaces_transfer.py', rows)
    return 0


if __name__ == '__main__':
    sys.exit(main())
