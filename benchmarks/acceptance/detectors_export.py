"""Export every single-stage detector and compare the files with torch; time SCRFD-500M against the published file.

Expected: each export equals torch at three sizes, one image and four at once, within the exporter's limit; our
SCRFD-500M takes at most 5 % longer at 640 x 640 than the published file, in the same run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from record import ROOT, folder_of, parser, record, run_tool, shared_folder
from torch import nn

#: Other data, sizes and settings of a network that is in the list under another name.
SAME_NETWORK = re.compile(r'_(coco|synthfaces|320|multiscale|closeups|blackpad_anime)$')
FAMILIES = ('retinaface', 'scrfd', 'yolov5_face', 'yolov8_face', 'yolov3')
SMALL = ('retinaface_mnet025_widerface', 'scrfd_500m_widerface', 'yolov8_face_lite_t_widerface')


def main() -> int:
    options = parser(__doc__)
    options.add_argument('--jobs', type=int, default=2, help='exports at a time')
    args = options.parse_args()
    paths = sorted(path for family in FAMILIES for path in (ROOT / 'configs' / family).glob('*.py'))
    names = [path.stem for path in paths if not SAME_NETWORK.search(path.stem)]
    if args.reduced:
        names = [name for name in names if name in SMALL]
    with folder_of(args.work_dir) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        ratio = latency(folder, rounds=8 if args.reduced else 40)
        with ThreadPoolExecutor(args.jobs) as pool:
            found = list(pool.map(lambda name: export(name, folder), names))
    failed = [name for name, message in zip(names, found) if message]
    rows = [
        f'{len(names)} networks with random weights, batch norm statistics of a batch of images: 64 x 96, 203 x 317 and'
        ' 320 x 256, one image and four at once. Not equal to torch: ' + (', '.join(failed) or 'none') + '.',
        '',
        f'SCRFD-500M with key points, 640 x 640, onnxruntime, medians of alternating runs: ours {ratio:.3f} times the'
        ' published file.',
    ]
    record('Detectors as ONNX', 'python benchmarks/acceptance/detectors_export.py', rows, write=not args.reduced)
    for name in failed:
        print(name, found[names.index(name)], sep='\n')
    # A handful of runs beside other tests tells nothing about speed.
    return 1 if failed or (ratio > 1.05 and not args.reduced) else 0


def export(name: str, folder: Path) -> str:
    """Export one config with weights that let outputs depend on the image; return what went wrong, or nothing."""
    weights, out = folder / f'{name}.safetensors', folder / f'{name}.onnx'
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    for command in (
        [__file__, '--statistics', name, str(weights)],
        ['tools/export_onnx.py', name, str(weights), '-o', str(out)],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return (done.stdout + done.stderr)[-2000:]
    print(f'{name}: equal', flush=True)
    out.unlink()
    weights.unlink()
    return ''


def write_statistics(name: str, out: Path) -> None:
    """Write random weights with the batch norm statistics of a few images: without, signals die out or explode."""
    from faceresearch.apis import init_model
    from faceresearch.config import load_config
    from faceresearch.export.parity import synthetic_images
    from faceresearch.zoo.checkpoint import save_weights

    torch.manual_seed(0)
    model = init_model(load_config(name), 'none')
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        model(synthetic_images(2, 192, 256, model.data_preprocessor), mode='tensor')
    save_weights(out, model.state_dict(), {'config': name})


def latency(folder: Path, rounds: int) -> float:
    """Return how long our export of the published SCRFD-500M takes, in units of the published file."""
    published = shared_folder() / 'weights/scrfd/scrfd_500m_kps.onnx'
    weights, ours = folder / 'scrfd.safetensors', folder / 'scrfd.onnx'
    run_tool('tools/convert_checkpoint.py', published, 'scrfd_500m_kps_widerface', '-o', weights)
    run_tool('tools/export_onnx.py', 'scrfd_500m_kps_widerface', weights, '-o', ours)
    times = list(alternate([published, ours], rounds))
    first, second = np.median(times, axis=0)
    print(f'published {first * 1e3:.2f} ms, ours {second * 1e3:.2f} ms', flush=True)
    return float(second / first)


def alternate(files: list[Path], rounds: int) -> Iterator[list[float]]:
    """Yield the seconds that each file takes for one image, run after run."""
    import onnxruntime

    sessions = [onnxruntime.InferenceSession(str(file), providers=['CPUExecutionProvider']) for file in files]
    image = np.random.default_rng(0).normal(size=(1, 3, 640, 640)).astype(np.float32)
    for number in range(-3, rounds):
        times = []
        for session in sessions:
            start = time.perf_counter()
            session.run(None, {session.get_inputs()[0].name: image})
            times.append(time.perf_counter() - start)
        if number >= 0:  # the first runs find their memory
            yield times


if __name__ == '__main__':
    if sys.argv[1:2] == ['--statistics']:
        write_statistics(sys.argv[2], Path(sys.argv[3]))
        sys.exit(0)
    sys.exit(main())
