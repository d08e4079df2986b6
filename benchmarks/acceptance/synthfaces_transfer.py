"""Train RetinaFace mnet025 on SynthFaces alone, and test it on real photographs.

The aim: easy AP of at least 0.5 on the real WIDER FACE validation images after at most an hour on two cores.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import folder_of, parser, record, run_tool, shared_folder

CONFIG = 'retinaface_mnet025_synthfaces'


def main() -> int:
    options = parser(__doc__, reduced=False)
    options.add_argument(
        'overrides', nargs='*', metavar='KEY=VALUE', help='changes to the config, such as max_epochs=200'
    )
    args = options.parse_args()
    with folder_of(args.work_dir) as folder:
        return measure(folder, args.overrides)


def measure(folder: Path, overrides: list[str]) -> int:
    seconds = run_tool('tools/train.py', CONFIG, *overrides, '--work-dir', folder)
    weights = folder / 'last.safetensors'
    run_tool('tools/test.py', CONFIG, weights, '--out', folder / 'synth.json', '--work-dir', folder)
    data = f'data_root={shared_folder() / "data/widerface"}'
    # At 640 px: a network trained on 256 has learnt nothing about a place that is far from every border.
    real = (
        '--benchmark',
        'widerface_val',
        data,
        'resize=letterbox',
        'test_size=640',
        '--out',
        folder / 'real.json',
        '--work-dir',
        folder,
    )
    run_tool('tools/test.py', CONFIG, weights, *real)
    synth, real_figures = (json.loads((folder / name).read_text()) for name in ('synth.json', 'real.json'))

    from faceresearch.synth import RENDERER_VERSION

    rows = [
        f'Renderer {RENDERER_VERSION}, trained for {seconds / 60:.0f} min.',
        '',
        '| tested on | easy | medium | hard |',
        '| --- | --- | --- | --- |',
        *(
            f'| {name} | ' + ' | '.join(f'{found[f"{key}/{s}_ap"]:.4f}' for s in ('easy', 'medium', 'hard')) + ' |'
            for name, key, found in (
                ('unseen SynthFaces scenes', 'synthfaces', synth),
                ('221 real WIDER FACE images, 640 px', 'widerface', real_figures),
            )
        ),
    ]
    title = 'RetinaFace mnet025, SynthFaces to photographs'
    record(title, 'python benchmarks/acceptance/synthfaces_transfer.py', rows, write=not overrides)
    wanted_synth, wanted_real = 0.9, 0.5
    good = synth['synthfaces/easy_ap'] >= wanted_synth and real_figures['widerface/easy_ap'] >= wanted_real
    print(f'easy AP at least {wanted_synth} on scenes and {wanted_real} on photographs: {"yes" if good else "NO"}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
