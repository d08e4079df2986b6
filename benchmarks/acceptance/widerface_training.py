"""Train RetinaFace mnet025 on few real WIDER FACE images, and fine-tune the published checkpoint on them.

Expected: easy AP on the real validation images goes from nothing to at least 0.5 within an hour on two cores;
fine-tuning for a few epochs keeps at least 0.9 of the published checkpoint's easy AP.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import folder_of, parser, record, run_tool, shared_folder

CONFIG = 'retinaface_mnet025_widerface_320'
#: Random weights see faces everywhere, and suppression compares all of them.
CAPPED = '++model.head.nms_pre=3000'


def row(name: str, found: dict[str, float]) -> str:
    figures = ' | '.join(f'{found[f"widerface/{subset}_ap"]:.4f}' for subset in ('easy', 'medium', 'hard'))
    return f'| {name} | {figures} |'


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--epochs', type=int, help='default: 300, reduced 10')
    options.add_argument('--tune-epochs', type=int, help='default: 5, reduced 1')
    args = options.parse_args()
    epochs = args.epochs or (10 if args.reduced else 300)
    tune_epochs = args.tune_epochs or (1 if args.reduced else 5)
    with folder_of(args.work_dir) as folder:
        return measure(folder, epochs, tune_epochs, args.reduced)


def measure(folder: Path, epochs: int, tune_epochs: int, reduced: bool) -> int:
    # Every fifth image: the three events are in the file one after the other.
    some = str(list(range(0, 221, 5))).replace(' ', '')
    images = [f'++test_dataloader.dataset.indices={some}'] if reduced else []
    validation = ['++val_dataloader.dataset.indices=8'] if reduced else []
    shared = shared_folder()
    data = f'data_root={shared / "data/widerface"}'
    backbone = shared / 'weights/retinaface/mobilenetV1X0.25_pretrain.tar'
    published = folder / 'published.safetensors'
    run_tool(
        'tools/convert_checkpoint.py', shared / 'weights/retinaface/mobilenet0.25_Final.pth', CONFIG, '-o', published
    )

    def test(weights: Path | str, name: str, *more: str) -> dict[str, float]:
        out = folder / f'{name}.json'
        run_tool('tools/test.py', CONFIG, weights, data, *images, *more, '--out', out, '--work-dir', folder)
        return json.loads(out.read_text())

    before = test('none', 'before', CAPPED)
    schedule = [f'max_epochs={epochs}', f'val_interval={epochs}', f'warmup_epochs={max(1, epochs // 30)}']
    start = f'model.backbone.pretrained={backbone}'
    seconds = run_tool('tools/train.py', CONFIG, data, start, *schedule, *validation, '--work-dir', folder / 'scratch')
    trained = test(folder / 'scratch/last.safetensors', 'trained')

    original = test(published, 'published')
    tune = [f'load_from={published}', f'max_epochs={tune_epochs}', 'warmup_epochs=1', 'val_interval=100', 'lr=1e-4']
    run_tool('tools/train.py', CONFIG, data, *tune, *validation, '--work-dir', folder / 'tuned')
    tuned = test(folder / 'tuned/last.safetensors', 'tuned')

    easy, wanted = 'widerface/easy_ap', 0.2 if reduced else 0.5
    good = before[easy] < 0.05 and trained[easy] >= wanted and tuned[easy] >= 0.9 * original[easy]
    lines = [
        f'221 training images of 5 events at 320 px, ImageNet backbone, {epochs} epochs, {seconds / 60:.0f} min;'
        f' {original["widerface/images"]} validation images of 3 events at original size.',
        '',
        '| | easy | medium | hard |',
        '| --- | --- | --- | --- |',
        row('random weights', before),
        row(f'trained {epochs} epochs', trained),
        row('published checkpoint', original),
        row(f'published checkpoint, fine-tuned {tune_epochs} epochs', tuned),
        '',
        f'Easy AP from nothing to at least {wanted}, and fine-tuning keeps 0.9 of it: {"yes" if good else "NO"}.',
    ]
    title = 'RetinaFace mnet025, trained on few real images'
    record(title, 'python benchmarks/acceptance/widerface_training.py', lines, write=not reduced)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
