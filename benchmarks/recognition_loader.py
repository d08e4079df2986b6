"""How near the loader of aligned faces comes to the speed of bare JPEG decoding, on the same images in the same run.

    python benchmarks/recognition_loader.py [REC] [--images 20000] [--workers 2]

Without a record file, one of 112 x 112 JPEGs (quality 95, some 6 kB each) is made of noise and gradients. *Bare* is
``cv2.imdecode`` of bytes in memory in as many processes as the loader has workers, at once, and nothing else: no file,
no transforms, no batches. The loader reads records, decodes, and hands batches to this process; with ``--mirror`` it also
mirrors half of them, as training does. The two take turns, and the medians of the rounds are compared. Processor time is
compared as well: it tells what the loader costs on a machine that has other work to do. Acceptance: reading at least 0.85.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TARGET = 0.85
#: Images that each bare process decodes again and again, so that bytes come from the cache for it as well.
POOL = 2000


def faces(count: int) -> list[bytes]:
    """Make JPEGs of about the size and detail of aligned faces."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(min(count, 500)):
        coarse = rng.integers(0, 256, (9, 9, 3), np.uint8)
        image = cv2.resize(coarse, (112, 112), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        image += rng.normal(0, 4, image.shape)
        image = np.clip(image, 0, 255).astype(np.uint8)
        made.append(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return [made[i % len(made)] for i in range(count)]


def decode(images: list[bytes], total: int, start: Barrier, results: Any) -> None:
    """Decode ``total`` images and say from when to when it took, and how much of the processor."""
    cv2.setNumThreads(0)
    buffers = [np.frombuffer(data, np.uint8) for data in images]
    start.wait()
    begin, busy = time.perf_counter(), time.process_time()
    for number in range(total):
        cv2.imdecode(buffers[number % len(buffers)], cv2.IMREAD_COLOR)
    results.put((begin, time.perf_counter(), time.process_time() - busy))


def bare_rate(images: list[bytes], workers: int, total: int) -> tuple[float, float]:
    """Return images per second of all processes together, and microseconds of processor for each."""
    context = get_context('fork')
    start, results = context.Barrier(workers), context.Queue()
    children = [context.Process(target=decode, args=(images, total // workers, start, results)) for _ in range(workers)]
    for child in children:
        child.start()
    spans = [results.get() for _ in children]
    for child in children:
        child.join()
    count = workers * (total // workers)
    begins, ends, busy = zip(*spans, strict=True)
    return count / (max(ends) - min(begins)), sum(busy) / count * 1e6


def loader_rate(loader: Any, epoch: int, total: int) -> float:
    """Return images per second once the first batches are there."""
    loader.sampler.set_epoch(epoch)
    batches = iter(loader)
    waiting = loader.num_workers * (loader.prefetch_factor or 2)
    # What was prepared before the clock starts must not count.
    for _ in range(waiting):
        next(batches)
    begin, seen = time.perf_counter(), 0
    for batch in batches:
        seen += len(batch['inputs'])
        if seen >= total:
            break
    rate = seen / (time.perf_counter() - begin)
    for _ in batches:
        pass
    return rate


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rec', nargs='?', type=Path)
    parser.add_argument('--images', type=int, default=20000, help='per round (default: 20000)')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--batch', type=int, default=128)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--mirror', action='store_true', help='mirror half of the images, as training does')
    parser.add_argument('--profile', action='store_true', help='where one process spends its time')
    return parser.parse_args()


def main() -> int:
    args = parse()
    from faceresearch.datasets import RecordFaceDataset
    from faceresearch.datasets.parsers.face_records import write_face_records
    from faceresearch.engine.dataloader import build_dataloader
    from faceresearch.registry import DATASETS

    DATASETS.import_from_location()
    with tempfile.TemporaryDirectory(prefix='recognition_loader_') as folder:
        rec = args.rec
        if rec is None:
            rec = Path(folder, 'train.rec')
            write_face_records(rec, ((i // 50, data) for i, data in enumerate(faces(2 * args.images))))
        mirror = [{'type': 'RandomFlip', 'prob': 0.5}] if args.mirror else []
        pipeline = [{'type': 'LoadImage'}, *mirror, {'type': 'PackFaceInputs'}]
        data = RecordFaceDataset(str(rec.parent), rec.name, pipeline=pipeline)
        if args.profile:
            profile(data)
            return 0
        pool = [data.image_info(i)['img_bytes'] for i in range(min(POOL, len(data)))]
        loader = build_dataloader(
            {'batch_size': args.batch, 'num_workers': args.workers, 'drop_last': True, 'dataset': data}, 0
        )
        if loader.num_workers != args.workers:
            sys.exit(f'error: this machine has cores for {loader.num_workers} workers only')
        bare, ours, costs, busy = [], [], [], 0.0
        for number in range(args.rounds):
            rate, cost = bare_rate(pool, args.workers, args.images)
            bare.append(rate)
            costs.append(cost)
            begin = time.process_time()
            ours.append(loader_rate(loader, number, min(args.images, len(data) // 2)))
            busy += time.process_time() - begin
            print(f'round {number + 1}: bare {bare[-1]:,.0f}/s, loader {ours[-1]:,.0f}/s, {ours[-1] / bare[-1]:.3f}')
        images = args.rounds * len(loader) * args.batch
        workers = children_time()
        del loader  # its workers end, and what they took is known
        workers = children_time() - workers
    ratio = statistics.median(ours) / statistics.median(bare)
    cost = statistics.median(costs)
    print(
        f'{args.workers} workers: bare {statistics.median(bare):,.0f}/s, loader {statistics.median(ours):,.0f}/s: {ratio:.3f}\n'
        f'processor time of an image: bare {cost:.1f} us; loader {workers / images * 1e6:.1f} us in workers and'
        f' {busy / images * 1e6:.1f} us in this process: {cost / ((workers + busy) / images * 1e6):.3f}'
    )
    return 0 if ratio >= TARGET else 1


def children_time() -> float:
    """Return the seconds of processor that ended child processes took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def profile(data: Any) -> None:
    """Print what batches cost in this process."""
    import cProfile
    import pstats

    cv2.setNumThreads(0)
    profiler = cProfile.Profile()
    profiler.enable()
    for low in range(0, min(len(data), 6400) - 127, 128):
        data.__getitems__(list(range(low, low + 128)))
    profiler.disable()
    pstats.Stats(profiler).sort_stats('tottime').print_stats(20)


if __name__ == '__main__':
    sys.exit(main())
