"""Train RetinaFace mnet025 on few real WIDER FACE images, and fine-tune the published checkpoint on them.

Expected: easy AP on the real validation images goes from nothing to at least 0.5 within an hour on two cores;
fine-tuning for a few epochs keeps at least 0.9 of the published checkpoint's easy AP.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from record import record, run_tool, shared_folder

CONFIG = 'retinaface_mnet025_widerface_320'


def test(weights: Path | str, out: Path, data: str) -> dict[str, float]:
    run_tool('tools/test.py', CONFIG, weights, data, '--out', out, '--work-dir', out.parent)
    return json.loads(out.read_text())


def row(name: str, found: dict[str, float]) -> str:
    figures = ' | '.join(f'{found[f"widerface/{subset}_ap"]:.4f}' for subset in ('easy', 'medium', 'hard'))
    return f'| {name} | {figures} |'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--epochs', type=int, default=300)
    parser.add_argument('--tune-epochs', type=int, default=5)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/acceptance_widerface'))
    args = parser.parse_args()
    shared, folder = shared_folder(), args.work_dir.resolve()
    data = f'data_root={shared / "data/widerface"}'
    backbone = shared / 'weights/retinaface/mobilenetV1X0.25_pretrain.tar'
    published = folder / 'published.safetensors'
    run_tool(
        'tools/convert_checkpoint.py', shared / 'weights/retinaface/mobilenet0.25_Final.pth', CONFIG, '-o', published
    )

    before = test('none', folder / 'before.json', data)
    start = f'model.backbone.pretrained={backbone}'
    schedule = (
        f'max_epochs={args.epochs}',
        f'val_interval={args.epochs}',
        f'warmup_epochs={max(1, args.epochs // 30)}',
    )
    seconds = run_tool('tools/train.py', CONFIG, data, start, *schedule, '--work-dir', folder / 'scratch')
    trained = test(folder / 'scratch/last.safetensors', folder / 'trained.json', data)

    original = test(published, folder / 'published.json', data)
    tune = (
        f'load_from={published}',
        f'max_epochs={args.tune_epochs}',
        'warmup_epochs=1',
        'val_interval=100',
        'lr=1e-4',
    )
    run_tool('tools/train.py', CONFIG, data, *tune, '--work-dir', folder / 'tuned')
    tuned = test(folder / 'tuned/last.safetensors', folder / 'tuned.json', data)

    easy = 'widerface/easy_ap'
    good = trained[easy] >= 0.5 and tuned[easy] >= 0.9 * original[easy]
    lines = [
        f'221 training images of 5 events at 320 px, ImageNet backbone, {args.epochs} epochs, {seconds / 60:.0f} min;'
        ' 221 validation images of 3 events at original size.',
        '',
        '| | easy | medium | hard |',
        '| --- | --- | --- | --- |',
        row('random weights', before),
        row(f'trained {args.epochs} epochs', trained),
        row('published checkpoint', original),
        row(f'published checkpoint, fine-tuned {args.tune_epochs} epochs', tuned),
        '',
        f'Easy AP at least 0.5, and fine-tuning keeps 0.9 of it: {"yes" if good else "NO"}.',
    ]
    record(
        'RetinaFace mnet025, trained on few real images', 'python benchmarks/acceptance/widerface_training.py', lines
    )
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
