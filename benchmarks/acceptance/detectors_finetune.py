"""Fine-tune imported weights of three detectors on few real WIDER FACE images with boxes only.

Expected: easy AP on the real validation images falls by no more than 0.03. The reduced form takes one of the detectors,
one epoch and every fifth validation image.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import folder_of, parser, record, run_tool, shared_folder

#: Name, config, published file, how to convert it.
DETECTORS = (
    ('SCRFD-500M', 'scrfd_500m_kps_widerface', 'scrfd/scrfd_500m_kps.onnx'),
    ('YOLOv5-Face n-0.5', 'yolov5_face_n_0_5_widerface', 'yolov5_face/yolov5n-0.5_state_dict.pth'),
    ('YOLOv8-Face lite-t', 'yolov8_face_lite_t_widerface', 'yolov8_face/yolov8-lite-t.onnx'),
)


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--epochs', type=int, help='default 3, reduced 1')
    options.add_argument('--only', help="part of a detector's name")
    args = options.parse_args()
    epochs = args.epochs or (1 if args.reduced else 3)
    chosen = [d for d in DETECTORS if not args.only or args.only.lower() in d[0].lower()]
    with folder_of(args.work_dir) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        return measure(folder, chosen[:1] if args.reduced else chosen, epochs, args.reduced)


def measure(folder: Path, detectors: list[tuple[str, str, str]], epochs: int, reduced: bool) -> int:
    shared = shared_folder()
    data = f'data_root={shared / "data/widerface"}'
    # Every fifth image: the three events are in the file one after the other.
    some = str(list(range(0, 221, 5))).replace(' ', '')
    images = [f'++test_dataloader.dataset.indices={some}'] if reduced else []
    rows = ['| | before | after | seconds |', '| --- | --- | --- | --- |']
    good = True
    for name, config, file in detectors:
        work = folder / config
        work.mkdir(parents=True, exist_ok=True)
        imported = work / 'imported.safetensors'
        source = shared / 'weights' / file
        calibrated = (
            ['--bn', 'calibrated', '--images', shared / 'data/widerface/WIDER_train']
            if source.suffix == '.onnx'
            else []
        )
        run_tool('tools/convert_checkpoint.py', source, config, '-o', imported, *calibrated)
        tuning = tuning_config(work, config)
        # Without landmarks in the labels, "not labelled" says nothing about whether a point can be seen.
        masked = ['model.head.loss.missing_is_invisible=false'] if 'yolov8' in config else []
        tune = [*masked, f'load_from={imported}', f'max_epochs={epochs}', f'val_interval={epochs + 1}']
        seconds = run_tool('tools/train.py', tuning, data, *tune, '--work-dir', work / 'tuned')
        found = {}
        for key, weights in (('before', imported), ('after', work / 'tuned/last.safetensors')):
            out = work / f'{key}.json'
            run_tool('tools/test.py', config, weights, data, *images, 'num_workers=1', '--out', out, '--work-dir', work)
            found[key] = json.loads(out.read_text())
        good &= found['after']['widerface/easy_ap'] >= found['before']['widerface/easy_ap'] - 0.03
        cells = [
            ' / '.join(f'{found[key][f"widerface/{s}_ap"]:.4f}' for s in ('easy', 'medium', 'hard')) for key in found
        ]
        rows.append(f'| {name} | {cells[0]} | {cells[1]} | {seconds:.0f} |')
    rows += [
        '',
        f'{epochs} epochs of 221 images with boxes only at 320 px. Easy AP falls by at most 0.03: {"yes" if good else "NO"}.',
    ]
    title = 'SCRFD and YOLO-Face, imported weights fine-tuned on few real images'
    record(title, 'python benchmarks/acceptance/detectors_finetune.py', rows, write=not reduced and len(detectors) == 3)
    return 0 if good else 1


def tuning_config(folder: Path, config: str) -> Path:
    """Write a config that inherits a detector's and trains it briefly: as a user would."""
    family = next(path for path in (Path(__file__).parents[2] / 'configs').glob(f'*/{config}.py'))
    path = folder / 'tuning.py'
    path.write_text(
        f"_base_ = ['{family}']\n"
        'image_size = 320\n'
        'batch_size = 8\n'
        'num_workers = 1\n'
        "optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.01))\n"
        "param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)]\n"
        'custom_hooks = []\n'
    )
    return path


if __name__ == '__main__':
    sys.exit(main())
