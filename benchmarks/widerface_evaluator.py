"""Time the WIDER FACE evaluator against a plain loop over the protocol's text, on the same detections.

    python benchmarks/widerface_evaluator.py P.npz --ground-truth data/widerface/ground_truth [--images 300]

Both run on one core in the same process; the reference gets the first ``--images`` images (it takes about a minute
for all of them), and the ratio is that of the time per image. Their figures must agree.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from faceresearch.evaluation.predictions import DetectionSet
    from faceresearch.evaluation.wider_protocol import GroundTruth

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def reference_evaluation(images: list[dict], sort: bool = True, start: tuple[float, float] = (1.0, 0.0)) -> list[float]:
    """Evaluate as the protocol is written, one detection, one face and one threshold at a time.

    Args:
        images: ``detections`` (N, 5) x, y, w, h, score; ``faces`` (G, 4) x, y, w, h; ``kept``: for each of the three
            subsets the set of counted faces.
        sort: by score, first.
        start: where the search for the lowest and highest score starts.

    Returns:
        AP of easy, medium, hard.
    """
    lists = []
    for image in images:
        rows = [tuple(row) for row in image['detections'].tolist()]
        lists.append(sorted(rows, key=lambda row: -row[4]) if sort else rows)
    scores = [row[4] for rows in lists for row in rows]
    low, high = min([start[0], *scores]), max([start[1], *scores])
    return [_reference_subset(images, lists, subset, low, high) for subset in range(3)]


def _reference_subset(images: list[dict], lists: list[list[tuple]], subset: int, low: float, high: float) -> float:
    proposals, right, count = np.zeros(1000), np.zeros(1000), 0
    for image, rows in zip(images, lists):
        kept = image['kept'][subset]
        count += len(kept)
        if not rows or len(image['faces']) == 0:
            continue
        state = [0] * len(image['faces'])
        proposal, recalled = [], []
        for x, y, w, h, _ in rows:
            overlaps = [_reference_overlap((x, y, x + w, y + h), face) for face in image['faces'].tolist()]
            best = max(range(len(overlaps)), key=overlaps.__getitem__)
            proposal.append(1)
            if overlaps[best] >= 0.5:
                if best not in kept:
                    state[best] = -1
                    proposal[-1] = -1
                elif state[best] == 0:
                    state[best] = 1
            recalled.append(state.count(1))
        scaled = np.array([(row[4] - low) / (high - low) for row in rows])
        for t in range(1, 1001):
            reached = np.where(scaled >= 1 - t / 1000)[0]
            if len(reached):
                proposals[t - 1] += proposal[: reached[-1] + 1].count(1)
                right[t - 1] += recalled[reached[-1]]
    return _reference_ap([r / count for r in right], [r / p if p else 0.0 for r, p in zip(right, proposals)])


def _reference_overlap(a: tuple, face: list[float]) -> float:
    b = (face[0], face[1], face[0] + face[2], face[1] + face[3])
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0] + 1) * (a[3] - a[1] + 1) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1) - w * h)


def _reference_ap(recall: list[float], precision: list[float]) -> float:
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i + 1] - recall[i]) * precision[i + 1] for i in range(len(recall) - 1))


def reference_images(detections: DetectionSet, truth: GroundTruth) -> list[dict]:
    """Return what :func:`reference_evaluation` takes."""
    where = {name: i for i, name in enumerate(detections.names)}
    images = []
    for i, name in enumerate(truth.names):
        rows = slice(detections.offsets[where[name]], detections.offsets[where[name] + 1])
        boxes = detections.boxes[rows].astype(np.float64)
        if detections.form == 'xyxy':
            boxes[:, 2:] -= boxes[:, :2]
        faces = truth.boxes[truth.offsets[i] : truth.offsets[i + 1]].copy()
        faces[:, 2:] -= faces[:, :2]
        kept = truth.kept[truth.offsets[i] : truth.offsets[i + 1]]
        images.append(
            {
                'detections': np.concatenate([boxes, detections.scores[rows, None].astype(np.float64)], axis=1),
                'faces': faces,
                'kept': [set(np.flatnonzero(kept[:, s]).tolist()) for s in range(3)],
            }
        )
    return images


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('predictions', help='npz with names, offsets, xywh_score or xyxy_score')
    parser.add_argument(
        '--ground-truth', default='data/widerface/ground_truth', help='folder of the official .mat files'
    )
    parser.add_argument('--images', type=int, default=300, help='images the reference gets (default 300)')
    parser.add_argument('--repeat', type=int, default=5, help='runs of our evaluator, of which the fastest counts')
    args = parser.parse_args()

    from faceresearch.evaluation.predictions import read_predictions
    from faceresearch.evaluation.wider_ground_truth import load_ground_truth
    from faceresearch.evaluation.wider_protocol import evaluate_detections

    begin = time.process_time()
    truth = load_ground_truth(args.ground_truth)
    loading = time.process_time() - begin
    detections = read_predictions(args.predictions)
    times = []
    for _ in range(args.repeat):
        begin = time.process_time()
        curves = evaluate_detections(detections, truth)
        times.append(time.process_time() - begin)
    ours = min(times)
    print(f'ours: {len(truth.names)} images, {len(detections.scores)} detections in {ours:.3f} s of one core')
    print(f'  ground truth read in {loading:.3f} s; AP ' + ', '.join(f'{c.subset} {c.ap:.16f}' for c in curves))

    part = truth.select(set(truth.names[: args.images]) & set(detections.names))
    images = reference_images(detections, part)
    begin = time.process_time()
    expected = reference_evaluation(images)
    reference = time.process_time() - begin
    found = [curve.ap for curve in evaluate_detections(detections, part)]
    ratio = (reference / len(images)) / (ours / len(truth.names))
    print(f'reference loop: {len(images)} images in {reference:.1f} s; per image {ratio:.0f} times as long')
    difference = max(abs(a - b) for a, b in zip(expected, found))
    print(f'largest difference of AP on these images: {difference:.1e}')
    return 0 if difference < 1e-9 else 1


if __name__ == '__main__':
    sys.exit(main())
