"""RetinaFace and SCRFD-500M as files that go from an image to detections: the same faces as torch finds, how fast, how exact.

Published weights on the 221 real validation images. Expected: as many detections as torch on every image, but for scores that
equal the threshold to five decimals, each with its like of IoU at least 0.99 and score within 1e-3; the file takes no longer than the two-step form, raw ONNX and our decoding in
Python. Average precision, size and latency of float16 and int8 stand beside. The reduced form compares a few images.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import folder_of, parser, record, run_tool, shared_folder

MODELS = {
    'retinaface_mnet025_widerface': 'retinaface/mobilenet0.25_Final.pth',
    'scrfd_500m_kps_widerface': 'scrfd/scrfd_500m_kps.onnx',
}
FORMS: dict[str, list[str]] = {'float32': [], 'float16': ['--fp16'], 'int8': ['--int8']}
IOU, SCORE = 0.99, 1e-3
#: Boxes with a side below a pixel (SCRFD has some of a thousandth) have an IoU of rounding errors: their corners lie within
#: this, in pixels.
CORNER = 0.01
#: A score this near the threshold is on either side of it by single precision's rounding; such detections are counted apart.
NEAR = 1e-5


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--no-timing', action='store_true', help='for a machine with other work: times are not judged')
    args = options.parse_args()
    shared = shared_folder()
    images = sorted((shared / 'data/widerface/WIDER_val/images').rglob('*.jpg'))
    images = images[:: len(images) // 8] if args.reduced else images
    rows, good = [], True
    with folder_of(args.work_dir) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        for config, published in MODELS.items():
            weights = folder / f'{config}.safetensors'
            run_tool('tools/convert_checkpoint.py', shared / 'weights' / published, config, '-o', weights)
            files = export(config, weights, folder, shared, args.reduced)
            found, equal = compare(config, weights, files['float32'], images)
            rows += [f'**{config}**', '', found, '']
            good &= equal
            if args.reduced:
                continue
            ratio, line = latency(config, files, images)
            good &= ratio <= 1.0 or args.no_timing
            rows += [line, '', *precisions(config, files, shared, folder, images), '']
    record(
        'Detectors from image to detections as ONNX',
        'python benchmarks/acceptance/end2end_export.py',
        rows,
        write=not (args.reduced or args.no_timing),
    )
    return 0 if good else 1


def export(config: str, weights: Path, folder: Path, shared: Path, reduced: bool) -> dict[str, Path]:
    """Export the raw form and those from image to detections; return the files by name."""
    files = {'raw': folder / f'{config}_raw.onnx'}
    if not reduced:
        run_tool('tools/export_onnx.py', config, weights, '-o', files['raw'])
    for form, options in FORMS.items():
        if reduced and form != 'float32':
            continue
        files[form] = folder / f'{config}_{form}.onnx'
        calibration = [shared / 'data/widerface/WIDER_train/images'] if form == 'int8' else []
        run_tool('tools/export_onnx.py', config, weights, '-o', files[form], '--end2end', *options, *calibration)
    return files


def compare(config: str, weights: Path, file: Path, images: list[Path]) -> tuple[str, bool]:
    """Compare a file's detections with torch's on images; return a line and whether they are the same."""
    from faceresearch.apis import inference, init_model
    from faceresearch.transforms.loading import read_image

    model, detect = init_model(config, weights), runner(file)
    counts, near, ious, scores, corners, wrong = 0, [], [1.0], [0.0], [0.0], []
    threshold = model.head.score_thr
    for path in images:
        image = read_image(path)
        expected = inference(model, image)[0].pred_instances
        found = detect(image)
        counts += len(expected)
        if len(expected) != len(found['scores']):
            near.append(path.name)
            expected = expected[expected.scores > threshold + NEAR]
            clear = found['scores'] > threshold + NEAR
            found = {name: values[clear] for name, values in found.items()}
        if len(expected) != len(found['scores']):
            wrong.append(f'{path.name} ({len(expected)} and {len(found["scores"])})')
            continue
        iou, score, corner, paired = alike(expected, found)
        ious, scores, corners = [*ious, iou], [*scores, score], [*corners, corner]
        if not paired:
            wrong.append(path.name)
    same = not wrong and min(ious) >= IOU and max(scores) <= SCORE and max(corners) <= CORNER
    line = (
        f'{len(images)} images, {counts:,} detections of torch; another number of them on {len(near)} images, on {len(wrong)} even'
        f' without scores within {NEAR:g} of the threshold{": " + ", ".join(wrong[:5]) if wrong else ""}; smallest IoU {min(ious):.6f}, largest difference of scores'
        f' {max(scores):.1e}. The same: {"yes" if same else "NO"}.'
    )
    print(line, flush=True)
    return line, same


def alike(expected: Any, found: dict[str, np.ndarray]) -> tuple[float, float, float, bool]:
    """Pair detections by box and score; return the smallest IoU, largest score and corner differences, and if all are paired.

    Two scores that are equal but for rounding may stand in either order.
    """
    from torchvision.ops import box_iou

    if not len(expected):
        return 1.0, 0.0, 0.0, True
    boxes, scores = (torch.from_numpy(found[name]).double() for name in ('boxes', 'scores'))
    ours = torch.cat([expected.bboxes.double(), 100 * expected.scores.double()[:, None]], 1)
    partner = torch.cdist(ours, torch.cat([boxes, 100 * scores[:, None]], 1)).argmin(1)
    boxes, scores = boxes[partner], scores[partner]
    flat = ((ours[:, 2:4] - ours[:, :2]) < 1).any(1)
    iou = box_iou(ours[~flat, :4], boxes[~flat]).diagonal()
    return (
        float(iou.min()) if len(iou) else 1.0,
        float((ours[:, 4] / 100 - scores).abs().max()),
        float((ours[flat, :4] - boxes[flat]).abs().max()) if flat.any() else 0.0,
        len(set(partner.tolist())) == len(partner),
    )


def runner(file: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Return a function from an image (H, W, 3) to a file's outputs by name."""
    from faceresearch.export.parity import open_session

    session = open_session(file.read_bytes())
    names = [output.name for output in session.get_outputs()]
    return lambda image: dict(zip(names, session.run(names, {'image': image[None]})))


def latency(config: str, files: dict[str, Path], images: list[Path]) -> tuple[float, str]:
    """Time a file against the two-step form on decoded images, in turns; return the ratio of medians and a line."""
    from faceresearch.apis import inference, init_model
    from faceresearch.transforms.loading import read_image

    two_step, detect = init_model(config, files['raw']), runner(files['float32'])
    times = []
    for path in images[:10] + images:
        image = read_image(path)
        marks = [time.perf_counter()]
        inference(two_step, image)
        marks.append(time.perf_counter())
        detect(image)
        marks.append(time.perf_counter())
        times.append(np.diff(marks))
    first, second = np.median(times[10:], axis=0) * 1e3
    line = (
        f'Medians over {len(images)} decoded images, in turns, {torch.get_num_threads()} threads: one file {second:.1f} ms,'
        f' raw ONNX with our preparation and decoding {first:.1f} ms.'
    )
    print(line, flush=True)
    return float(second / first), line


def precisions(config: str, files: dict[str, Path], shared: Path, folder: Path, images: list[Path]) -> list[str]:
    """Return a table of average precision, size and latency of the three forms."""
    from faceresearch.transforms.loading import read_image

    lines = ['| | easy | medium | hard | MB | ms |', '| --- | --- | --- | --- | --- | --- |']
    chosen = [read_image(path) for path in images[:: max(1, len(images) // 40)]]
    for form in FORMS:
        out = folder / f'{config}_{form}.json'
        data = f'data_root={shared / "data/widerface"}'
        run_tool('tools/test.py', config, files[form], data, 'num_workers=0', '--out', out, '--work-dir', folder)
        found = json.loads(out.read_text())
        detect, times = runner(files[form]), []
        for image in [*chosen[:3], *chosen]:
            start = time.perf_counter()
            detect(image)
            times.append(time.perf_counter() - start)
        figures = ' | '.join(f'{found[f"widerface/{subset}_ap"]:.4f}' for subset in ('easy', 'medium', 'hard'))
        size = files[form].stat().st_size / 1e6
        lines.append(f'| {form} | {figures} | {size:.2f} | {np.median(times[3:]) * 1e3:.1f} |')
    return lines


if __name__ == '__main__':
    sys.exit(main())
