"""Train BiSeNet and XSeg from random weights on 340 real faces, and judge them at 512 px on 80 others.

The images are the 420 of celebamask_mini, by name: the first 340 to train on, the last 80 to judge. Expected within an hour each
on two cores: BiSeNet (ResNet-18) a mean F1 of at least 0.70 over the classes that have at least 1 % of the judged pixels,
background left out; XSeg an IoU of at least 0.85 of faces against everything else. How many epochs XSeg gets is decided among
the training images: by trainings on a third of them, judged on fifty others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from record import folder_of, parser, record, run_tool, shared_folder

TRAINED, ALL = 340, 420
#: XSeg's numbers of epochs to choose from; the training images that they are tried on, and those that they are judged on.
EPOCHS = (3, 6)
TRIED, DECIDING = range(113), range(290, TRAINED)
COMMAND = 'python benchmarks/acceptance/parsing_training.py'


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--only', choices=('bisenet', 'xseg'), help='one of the two')
    args = options.parse_args()
    good = True
    with folder_of(args.work_dir) as folder:
        if args.only != 'xseg':
            good &= bisenet(folder / 'bisenet', args.reduced)
        if args.only != 'bisenet':
            good &= xseg(folder / 'xseg', args.reduced)
    return 0 if good else 1


def train_and_test(
    config: str,
    folder: Path,
    reduced: bool,
    *options: str,
    trained: range = range(TRAINED),
    judged: range = range(TRAINED, ALL),
) -> tuple[float, dict[str, float]]:
    """Train in a folder, unless that was done before, and return the seconds it took and the figures on the other images."""
    data = [
        f'data_root={shared_folder() / "data/celebamask_mini"}',
        f'++train_indices={_list(trained[:8] if reduced else trained)}',
        f'++test_indices={_list(judged[:4] if reduced else judged)}',
    ]
    note = folder / 'seconds.json'
    if not note.exists():
        epochs = ['max_epochs=2', 'val_interval=2', 'warmup_epochs=1'] if reduced else []
        seconds = run_tool('tools/train.py', config, *data, *options, *epochs, '--work-dir', folder)
        note.write_text(json.dumps(seconds))
    out = folder / 'metrics.json'
    report = ['--report', folder / 'report', '--work-dir', folder]
    run_tool('tools/test.py', config, folder / 'last.safetensors', *data, '--out', out, *report)
    return json.loads(note.read_text()), json.loads(out.read_text())


def bisenet(folder: Path, reduced: bool) -> bool:
    seconds, found = train_and_test('bisenet_r18_faces_128', folder, reduced)
    f1 = {key.partition('f1_')[2]: value for key, value in found.items() if key.startswith('parsing/f1_')}
    f1.pop('background')
    frequent = [name for name in f1 if found[f'parsing/share_{name}'] >= 0.01]
    mean = sum(f1[name] for name in frequent) / len(frequent)
    wanted = 0.0 if reduced else 0.70
    good = mean >= wanted and len(f1) == 18
    lines = [
        f'{TRAINED} training images at 128 px, random initial weights, {seconds / 60:.0f} min; {found["parsing/images"]:.0f}'
        f' other images, judged at 512 px.',
        '',
        f'Mean F1 over {", ".join(frequent)} (at least 1 % of the pixels each): **{mean:.4f}**; over all 18 classes'
        f' {found["parsing/mean_f1"]:.4f}; mean IoU with background {found["parsing/miou"]:.4f}, pixel accuracy'
        f' {found["parsing/pixel_accuracy"]:.4f}.',
        '',
        '| class | pixels | F1 | IoU |',
        '| --- | --- | --- | --- |',
        *(
            f'| {name} | {100 * found[f"parsing/share_{name}"]:.2f} % | {f1[name]:.4f} | {found[f"parsing/iou_{name}"]:.4f} |'
            for name in f1
        ),
        '',
        f'Mean F1 of at least {wanted} over the frequent classes within 60 minutes: {_said(good and seconds <= 3600)}.',
    ]
    record('BiSeNet r18, trained on 340 real faces', f'{COMMAND} --only bisenet', lines, write=not reduced)
    return good


def xseg(folder: Path, reduced: bool) -> bool:
    config, tried, spent = 'xseg_dfl_faces_256', {}, 0.0
    for epochs in EPOCHS[:1] if reduced else EPOCHS:
        options = schedule(epochs, reduced)
        seconds, found = train_and_test(
            config, folder / f'tried_{epochs}', reduced, *options, trained=TRIED, judged=DECIDING
        )
        tried[epochs], spent = found['xseg/iou'], spent + seconds
    best = max(tried, key=lambda epochs: tried[epochs])
    seconds, found = train_and_test(config, folder / 'chosen', reduced, *schedule(best, reduced))
    wanted = 0.0 if reduced else 0.85
    good = found['xseg/iou'] >= wanted
    lines = [
        f'{TRAINED} training images at 256 px, random initial weights, bfloat16, {seconds / 60:.0f} min;'
        f' {found["xseg/images"]:.0f} other images, judged at 512 px. Face: skin, brows, eyes, glasses, nose, mouth, lips.',
        '',
        f'Epochs: {best}. Trainings on {len(TRIED)} of the training images, judged on {len(DECIDING)} others of them, took'
        f' {spent / 60:.0f} min and gave '
        + ', '.join(f'{value:.4f} with {epochs}' for epochs, value in tried.items())
        + '.',
        '',
        f'IoU **{found["xseg/iou"]:.4f}** (mean over images {found["xseg/image_iou"]:.4f}).',
        '',
        f'IoU of at least {wanted} within 60 minutes, the choice of epochs included:'
        f' {_said(good and seconds + spent <= 3600)}.',
    ]
    record('XSeg, trained on 340 real faces', f'{COMMAND} --only xseg', lines, write=not reduced)
    return good


def schedule(epochs: int, reduced: bool) -> list[str]:
    """Return XSeg's options; a reduced run brings its own number of epochs."""
    return ['--amp'] if reduced else ['--amp', f'max_epochs={epochs}', f'val_interval={epochs}']


def _list(numbers: range) -> str:
    return str(list(numbers)).replace(' ', '')


def _said(good: bool) -> str:
    return 'yes' if good else 'NO'


if __name__ == '__main__':
    sys.exit(main())
