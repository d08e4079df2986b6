"""FaceAnalyzer with published weights on real photographs: who is who, how fast, and how much memory.

RetinaFace finds the faces, foamliu's MobileFaceNet embeds them, MiniFASNet and PFLD look at them too, all as ONNX files.
Expected: with a threshold calibrated on the people of CFP's splits 01 and 02 (FAR 1e-3), pairs of splits 03 and 04 (other
people, frontal) are told apart in at least 97 % of the cases, and at most 1 % of the different ones pass; decoded images
take at most 20 % more than the same calls of onnxruntime alone; memory is flat over 5,000 images.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from record import folder_of, parser, record, run_tool, shared_folder

MODELS = {
    'retinaface_mnet025_widerface': 'retinaface/mobilenet0.25_Final.pth',
    'mobileface_foamliu_ms1m': 'recognition/foamliu_mobilefacenet.pt',
    'minifasnet_v2_celebaspoof_80': 'anti_spoof/2.7_80x80_MiniFASNetV2.pth',
    'landmark106_pfld_lite_lapa': 'landmarks/pfld106_lite.pth',
}
FAR, LEAST_ACCURACY, MOST_FAR, MOST_OVERHEAD, MOST_GROWTH = 1e-3, 0.97, 0.01, 0.20, 30e6
#: Faces that fill their crop are found with a border around them.
PADS = (0.0, 0.25, 0.5)


def main() -> int:
    options = parser(__doc__ or '')
    options.add_argument('--only', choices=['people', 'speed', 'memory'], nargs='+', help='parts; nothing is recorded')
    args = options.parse_args()
    parts = args.only or ['people', 'speed', 'memory']
    with folder_of(args.work_dir) as folder:
        shared = shared_folder()
        _files(folder, shared, args.reduced)
        outcomes = [PARTS[part](folder, shared, args.reduced) for part in parts]
    rows = [row for _, lines in outcomes for row in [*lines, '']]
    command = 'python benchmarks/acceptance/face_analyzer.py'
    record('FaceAnalyzer with published weights', command, rows[:-1], write=not (args.reduced or args.only))
    return 0 if all(good for good, _ in outcomes) else 1


def _files(folder: Path, shared: Path, reduced: bool) -> None:
    for name, published in MODELS.items():
        weights, exported = folder / f'{name}.safetensors', folder / f'{name}.onnx'
        if not weights.exists():
            run_tool('tools/convert_checkpoint.py', shared / 'weights' / published, name, '-o', weights)
        if not exported.exists():
            run_tool('tools/export_onnx.py', name, weights, '-o', exported, *['--no-verify'] * reduced)


def _analyzer(folder: Path, suffix: str, names: Sequence[str] = tuple(MODELS), **settings: Any) -> Any:
    from faceresearch.apis import FaceAnalyzer

    sources = [(name, folder / f'{name}.{suffix}') for name in names]
    return FaceAnalyzer(sources[0], sources[1:], device='cpu', **settings)


def _people(folder: Path, shared: Path, reduced: bool) -> tuple[bool, list[str]]:
    """Calibrate on some people and judge others."""
    from faceresearch.datasets.pairs import CFPDataset

    analyzer = _analyzer(folder, 'onnx', list(MODELS)[:2], pads=PADS)
    data = CFPDataset(data_root=str(shared / 'data/cfp'), img_dir='Data/Images', protocol='FF', lazy_init=True)
    table = data.load_pairs()
    assert table.folds is not None
    # Of images that are not here the path is none of a person.
    paths = [Path(str(image.get('img_path', '0/0/0'))) for image in table.images]
    # A split has people of its own: 01 has 001 to 050, and so on.
    splits, most = sorted(set(table.folds.tolist())), 10 if reduced else 50
    used = {path for path in paths if int(path.parts[-3]) and int(path.parts[-3]) % 50 < most}
    judged = np.isin(table.folds, splits[2:4]) & np.array([{paths[a], paths[b]} <= used for a, b in table.pairs])
    known = sorted(path for path in used if int(path.parts[-3]) <= 100)
    outcome = analyzer.calibrate(known, [path.parts[-3] for path in known], [1e-2, FAR], out=folder / 'thresholds.json')
    judges = _analyzer(folder, 'onnx', list(MODELS)[:2], pads=PADS, thresholds=folder / 'thresholds.json')
    needed = sorted({paths[number] for pair in table.pairs[judged] for number in pair})
    faces = dict(zip(needed, judges.represent(needed), strict=True))
    missing = [path for path, found in faces.items() if not found]
    verdicts = [
        judges.verify(faces[paths[a]], faces[paths[b]], far=FAR).same if faces[paths[a]] and faces[paths[b]] else False
        for a, b in table.pairs[judged]
    ]
    same = table.issame[judged]
    right = np.array(verdicts) == same
    accuracy, accepted, passed = right.mean(), right[same].mean(), 1 - right[~same].mean()
    entry = outcome['thresholds']['1e-3']
    lines = [
        f'Calibrated on all pairs of {len(known)} frontal photographs of {len({p.parts[-3] for p in known})} people'
        f' ({outcome["genuine_pairs"]:,} of one person, {outcome["impostor_pairs"]:,} of two): FAR 1e-3 at a cosine of'
        f' {entry["cosine"]:.4f}. On {len(same)} pairs of other people (CFP-FF, splits 03 and 04; {len(missing)} of'
        f' {len(needed)} images without a face): accuracy {accuracy:.4f} (at least {LEAST_ACCURACY}), same person accepted'
        f' {accepted:.4f}, different ones accepted {passed:.4f} (at most {MOST_FAR}).'
    ]
    return bool(accuracy >= LEAST_ACCURACY and passed <= MOST_FAR), lines


class _Calls:
    """Keeps what onnxruntime was asked, to ask it again alone."""

    def __init__(self, analyzer: Any) -> None:
        from faceresearch.models.onnx_network import ONNXNetwork

        models = [analyzer.finder.detector, *(stage.model for stage in analyzer.stages)]
        self.networks = [part for model in models for part in model.modules() if isinstance(part, ONNXNetwork)]
        self.asked: list[tuple[Any, Any, Any]] = []
        for network in self.networks:
            network.session = _Session(network.session, self.asked)

    def repeat(self) -> float:
        """Return the seconds that the calls take alone."""
        start = time.perf_counter()
        for session, names, feed in self.asked:
            session.run(names, feed)
        return time.perf_counter() - start


class _Session:
    def __init__(self, session: Any, asked: list[tuple[Any, Any, Any]]) -> None:
        self.session, self.asked = session, asked

    def run(self, names: Any, feed: Any) -> Any:
        self.asked.append((self.session, names, feed))
        return self.session.run(names, feed)


def _speed(folder: Path, shared: Path, reduced: bool) -> tuple[bool, list[str]]:
    """Time decoded images, one at a time and eight together, and the same calls of onnxruntime alone."""
    sets = {
        'CFP, frontal': _images(shared / 'data/cfp/Data/Images', '*/frontal/01.jpg', 16 if reduced else 120),
        'WIDER FACE': _images(shared / 'data/widerface/WIDER_val/images', '*/*.jpg', 8 if reduced else 40),
    }
    lines = ['| images | together | faces | analyzer | onnxruntime alone | more | PyTorch |', '| --- ' * 7 + '|']
    good = True
    for name, images in sets.items():
        for together in (1, 8):
            exported, whole = (_analyzer(folder, kind, batch_size=together) for kind in ('onnx', 'safetensors'))
            batches = [images[i : i + together] for i in range(0, len(images), together)]
            seconds, alone, faces = _timed(exported, batches)
            torch_seconds, _, _ = _timed(whole, batches)
            more = statistics.median(a / b for a, b in zip(seconds, alone, strict=True)) - 1
            total = sum(seconds) / sum(alone) - 1
            good &= reduced or total <= MOST_OVERHEAD
            per = 1e3 / len(images)
            lines.append(
                f'| {len(images)} of {name} | {together} | {faces} | {sum(seconds) * per:.1f} ms | {sum(alone) * per:.1f} ms |'
                f' {total:+.1%} (median {more:+.1%}) | {sum(torch_seconds) * per:.1f} ms |'
            )
    lines += ['', f'Per image, decoded before; at most {MOST_OVERHEAD:.0%} more is asked for.']
    return good, lines


def _timed(analyzer: Any, batches: Sequence[Sequence[np.ndarray]]) -> tuple[list[float], list[float], int]:
    """Return the seconds of each batch, those of its onnxruntime calls alone, and the number of faces."""
    calls = _Calls(analyzer)
    analyzer.analyze(batches[0])
    seconds, alone, faces = [], [], 0
    for batch in batches:
        # The better of two runs of each, in turn: what else the machine does falls on both.
        best, bare = [], []
        for _ in range(2):
            calls.asked.clear()
            start = time.perf_counter()
            found = analyzer.analyze(batch)
            best.append(time.perf_counter() - start)
            bare.append(calls.repeat())
        seconds.append(min(best))
        alone.append(min(bare))
        faces += sum(map(len, found))
    return seconds, alone, faces


def _images(folder: Path, pattern: str, count: int) -> list[np.ndarray]:
    from faceresearch.transforms.loading import read_image

    paths = sorted(folder.glob(pattern))
    return [read_image(path) for path in paths[:: max(1, len(paths) // count)][:count]]


def _memory(folder: Path, shared: Path, reduced: bool) -> tuple[bool, list[str]]:
    """Analyse image after image, and see what the process keeps."""
    analyzer = _analyzer(folder, 'onnx', pads=PADS)
    paths = sorted((shared / 'data/cfp/Data/Images').glob('*/*/*.jpg'))
    total, warm = (300, 100) if reduced else (5000, 1000)
    start, before, faces = time.perf_counter(), 0, 0
    for number, found in enumerate(analyzer.stream(islice(cycle(paths), total)), 1):
        faces += len(found)
        if number == warm:
            before = _resident()
    growth = _resident() - before
    lines = [
        f'{total} photographs of CFP from disk, all four models: {faces} faces in {time.perf_counter() - start:.0f} s; memory'
        f' {before / 1e6:.0f} MB after {warm} images, {growth / 1e6:+.1f} MB from there to the end (at most'
        f' {MOST_GROWTH / 1e6:.0f}); peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB.'
    ]
    return growth <= MOST_GROWTH, lines


def _resident() -> int:
    """Return the bytes of memory that the process has (Linux)."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize()


PARTS = {'people': _people, 'speed': _speed, 'memory': _memory}


if __name__ == '__main__':
    sys.exit(main())
