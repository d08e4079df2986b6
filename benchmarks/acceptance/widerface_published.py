"""The published RetinaFace mnet025 checkpoint, converted, on the real validation images.

Expected, from the original code's own detections: easy 0.9731, medium 0.9390, hard 0.8621, within 0.002 each. The
reduced form is the same: it takes a minute or two.
"""

from __future__ import annotations

import json
import sys

from record import folder_of, parser, record, run_tool, shared_folder

CONFIG = 'retinaface_mnet025_widerface'
EXPECTED = {'easy': 0.9731, 'medium': 0.9390, 'hard': 0.8621}


def main() -> int:
    args = parser(__doc__).parse_args()
    shared = shared_folder()
    with folder_of(args.work_dir) as folder:
        weights, metrics = folder / 'retinaface.safetensors', folder / 'metrics.json'
        run_tool(
            'tools/convert_checkpoint.py', shared / 'weights/retinaface/mobilenet0.25_Final.pth', CONFIG, '-o', weights
        )
        data = f'data_root={shared / "data/widerface"}'
        seconds = run_tool('tools/test.py', CONFIG, weights, data, '--out', metrics, '--work-dir', folder)
        found = json.loads(metrics.read_text())
    rows = ['| subset | original code | faceresearch |', '| --- | --- | --- |']
    good = True
    for subset, expected in EXPECTED.items():
        value = found[f'widerface/{subset}_ap']
        good &= abs(value - expected) <= 0.002
        rows.append(f'| {subset} | {expected:.4f} | {value:.6f} |')
    rows.append('')
    rows.append(
        f'{found["widerface/images"]} images, original size, {seconds:.0f} s. Within 0.002: {"yes" if good else "NO"}.'
    )
    record(
        'RetinaFace mnet025, published checkpoint, real images',
        'python benchmarks/acceptance/widerface_published.py',
        rows,
        write=not args.reduced,
    )
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
