"""Greedy NMS against its definition in plain loops, with both size conventions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faceresearch.models.heads.nms import select_detections


def reference(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: float) -> list[int]:
    order = list(np.argsort(-scores, kind='stable'))
    kept: list[int] = []
    for i in order:
        area = (boxes[i, 2] - boxes[i, 0] + offset) * (boxes[i, 3] - boxes[i, 1] + offset)
        for j in kept:
            width = max(0.0, min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0]) + offset)
            height = max(0.0, min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1]) + offset)
            other = (boxes[j, 2] - boxes[j, 0] + offset) * (boxes[j, 3] - boxes[j, 1] + offset)
            if width * height / (area + other - width * height) > threshold:
                break
        else:
            kept.append(int(i))
    return kept


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('seed', range(8))
def test_equals_the_definition(seed: int, offset: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 40, (60, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(2, 20, (60, 2))], 1)
    scores = rng.permutation(60) / 60
    kept = select_detections(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4, offset)
    assert kept.tolist() == reference(boxes, scores, 0.4, offset)
    assert (
        select_detections(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4, offset, limit=5).tolist()
        == kept[:5].tolist()
    )
    best = np.argsort(-scores)[:20]
    expected = [int(best[i]) for i in reference(boxes[best], scores[best], 0.4, offset)]
    assert (
        select_detections(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4, offset, pre=20).tolist() == expected
    )


def test_no_detections() -> None:
    assert select_detections(torch.zeros(0, 4), torch.zeros(0), 0.4, 1).tolist() == []
