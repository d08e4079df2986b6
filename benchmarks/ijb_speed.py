"""Time and memory of IJB-C 1:1, from features in memory to the TAR table, against the protocol as it is written.

    python benchmarks/ijb_speed.py                # full size: 469,375 images, 23,124 templates, 15,658,489 pairs
    python benchmarks/ijb_speed.py --scale 0.1    # a tenth of each

The set is synthetic (no download): people, templates, media, galleries and probes in IJB-C's numbers, features of
1024 numbers. Each implementation runs in a process of its own, whose peak memory includes the features. The reference
follows the steps of insightface's eval_ijbc.py one by one in plain numpy. Both must give the same table.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

IMAGES, TEMPLATES, GALLERY, PAIRS, PEOPLE, SIZE = 469_375, 23_124, 3_531, 15_658_489, 3_531, 1024
FARS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


class Problem(NamedTuple):
    """A synthetic set: features (N, 1024) float32, template, medium and detector score of each image, and the pairs."""

    features: np.ndarray
    templates: np.ndarray
    media: np.ndarray
    scores: np.ndarray
    first: np.ndarray
    second: np.ndarray
    issame: np.ndarray


def make_problem(scale: float, everything: bool) -> Problem:
    """Make a set; its features are written once, in pieces, so that making them does not show in the peak.

    Args:
        scale: share of IJB-C's numbers.
        everything: pairs of any two templates; otherwise of one in the galleries and one among the probes, as in IJB-C.
    """
    rng = np.random.default_rng(0)
    images, count, gallery, people = (max(8, round(n * scale)) for n in (IMAGES, TEMPLATES, GALLERY, PEOPLE))
    pairs = round(PAIRS * scale)
    person = np.concatenate([np.arange(gallery), rng.integers(people, size=count - gallery)])
    templates = np.sort(np.concatenate([np.arange(count), rng.integers(count, size=images - count)]))
    media = rng.integers(40, size=images)
    scores = rng.uniform(0.3, 1, images).astype(np.float32)
    centres = rng.standard_normal((people, SIZE), np.float32)
    features = np.empty((images, SIZE), np.float32)
    for start in range(0, images, 8192):
        part = features[start : start + 8192]
        rng.standard_normal(dtype=np.float32, out=part)
        part *= 10.0  # genuine and impostor pairs overlap
        part += centres[person[templates[start : start + 8192]]]
    # No pair comes twice, as in IJB-C.
    left, right = (count, count) if everything else (gallery, count - gallery)
    cells = np.unique(rng.integers(left * right, size=round(1.4 * pairs), dtype=np.int64 if everything else np.int32))
    rng.shuffle(cells)
    first, second = (part.astype(np.int32) for part in np.divmod(cells[:pairs], right))
    second += count - right
    pairs = len(first)  # small sets have fewer
    del cells
    # One pair in 800 is genuine, as in IJB-C: the probe's person in the gallery has the probe's number.
    genuine = rng.choice(pairs, pairs // 800, replace=False)
    first[genuine] = person[second[genuine]]
    return Problem(features, templates, media, scores, first, second, person[first] == person[second])


def ours(problem: Problem) -> dict[str, float]:
    """Judge with this project's functions."""
    from faceresearch.evaluation.ijb_protocol import index_templates, pool_templates, score_pairs
    from faceresearch.evaluation.roc import nearest_point, rate_text, roc_curve, split_scores

    clock = Clock('ours')
    index = index_templates(problem.templates, problem.media)
    pooled = pool_templates(problem.features, index, problem.scores)
    clock.lap('templates')
    rows = [index.rows_of(ids, 'pairs') for ids in (problem.first, problem.second)]
    scores = score_pairs(pooled, rows[0], rows[1])
    clock.lap('pairs')
    curve = roc_curve(split_scores(scores, problem.issame))
    table = {rate_text(far): nearest_point(curve, far).tar for far in FARS}
    clock.lap('curve')
    return {**table, 'auc': curve.auc}


def reference(problem: Problem) -> dict[str, float]:
    """Judge step by step as the protocol is written."""
    from faceresearch.evaluation.roc import rate_text

    clock = Clock('reference')
    half = SIZE // 2
    features = problem.features[:, :half] + problem.features[:, half:]
    features = features * problem.scores[:, None]
    ids = np.unique(problem.templates)
    pooled = np.zeros((len(ids), half))
    for row, template in enumerate(ids):
        own = np.where(problem.templates == template)[0]
        own_features, own_media = features[own], problem.media[own]
        parts = []
        for medium in np.unique(own_media):
            chosen = np.where(own_media == medium)[0]
            parts.append(own_features[chosen].mean(0) if len(chosen) > 1 else own_features[chosen[0]])
        pooled[row] = np.sum(parts, axis=0)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    clock.lap('templates')
    row_of = np.zeros(int(ids.max()) + 1, int)
    row_of[ids] = np.arange(len(ids))
    scores = np.zeros(len(problem.first))
    for start in range(0, len(scores), 100_000):
        part = slice(start, start + 100_000)
        scores[part] = np.sum(pooled[row_of[problem.first[part]]] * pooled[row_of[problem.second[part]]], -1)
    clock.lap('pairs')
    far, tar = reference_curve(scores, problem.issame)
    far, tar = far[::-1], tar[::-1]
    table = {rate_text(f): float(tar[int(np.argmin(np.abs(far - f)))]) for f in FARS}
    clock.lap('curve')
    return {**table, 'auc': float(-np.trapezoid(tar, far))}


def reference_curve(scores: np.ndarray, issame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's definition of the curve: all distinct scores, without points on a line with their neighbours."""
    order = np.argsort(scores, kind='stable')[::-1]
    scores, right = scores[order], issame[order].astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    tps = np.cumsum(right)[last]
    fps = 1 + last - tps
    kept = np.flatnonzero(np.concatenate([[True], (np.diff(fps, 2) != 0) | (np.diff(tps, 2) != 0), [True]]))
    fps, tps = np.append(0, fps[kept]), np.append(0, tps[kept])
    return fps / fps[-1], tps / tps[-1]


class Clock:
    """Says how long each step took."""

    def __init__(self, name: str) -> None:
        self.name, self.start = name, time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        print(f'  {self.name}: {step} {now - self.start:.2f} s', file=sys.stderr, flush=True)
        self.start = now


def child(kind: str, scale: float, everything: bool) -> None:
    """Make the set, judge it, and print table, seconds and peak memory as JSON."""
    problem = make_problem(scale, everything)
    import scipy.sparse  # noqa: F401  (imports are not what is measured)

    import faceresearch.evaluation.ijb_protocol  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, busy = time.perf_counter(), time.process_time()
    table = {'ours': ours, 'reference': reference}[kind](problem)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    numbers = {'seconds': seconds, 'cpu_seconds': cpu, 'peak_gb': peak / 2**20, 'before_gb': before / 2**20}
    print(json.dumps({**numbers, 'table': table}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--scale', type=float, default=1.0, help="share of IJB-C's numbers (default 1)")
    parser.add_argument('--any-pairs', action='store_true', help='pairs of any two templates, not gallery and probe')
    parser.add_argument('--only', choices=('ours', 'reference'), help='run this one alone')
    parser.add_argument('--child', choices=('ours', 'reference'), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.scale, args.any_pairs)
        return 0
    found = {}
    for kind in [args.only] if args.only else ['ours', 'reference']:
        command = [sys.executable, __file__, '--child', kind, '--scale', str(args.scale)]
        command += ['--any-pairs'] if args.any_pairs else []
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[kind] = json.loads(answer.splitlines()[-1])
        numbers = found[kind]
        print(
            f'{kind}: {numbers["seconds"]:.2f} s ({numbers["cpu_seconds"]:.2f} s of processors), peak'
            f' {numbers["peak_gb"]:.2f} GiB, {numbers["before_gb"]:.2f} GiB of it before (features, pairs, Python)'
        )
        print('  ' + ', '.join(f'{key} {value:.6f}' for key, value in numbers['table'].items()))
    if len(found) < 2:
        return 0
    ratio = found['reference']['seconds'] / found['ours']['seconds']
    pairs = [(found['ours']['table'][key], value, key) for key, value in found['reference']['table'].items()]
    tar = max(abs(mine - theirs) for mine, theirs, key in pairs if key != 'auc')
    auc = max(abs(mine - theirs) for mine, theirs, key in pairs if key == 'auc')
    busy = found['reference']['cpu_seconds'] / found['ours']['cpu_seconds']
    print(f'the reference takes {ratio:.1f} times as long ({busy:.1f} times in processor time)')
    print(f'largest difference of TAR {tar:.1e}, of AUC {auc:.1e}')
    # The reference adds features in single precision, ours in double: nearly equal scores may change places, which AUC,
    # a sum over all pairs, shows in its ninth digit.
    return 0 if tar == 0 and auc < 1e-7 else 1


if __name__ == '__main__':
    sys.exit(main())
