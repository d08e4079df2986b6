"""Matching against the original's rules, restated as plain loops."""

from __future__ import annotations

import pytest
import torch

from faceresearch.codecs import PriorBoxCodec
from faceresearch.models.heads.prior_matching import match_priors
from faceresearch.models.heads.regions import covered_priors


def iou(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union


def loops(boxes: list[list[float]], priors: list[list[float]]) -> tuple[list[int], list[bool]]:
    corners = [[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] for cx, cy, w, h in priors]
    table = [[iou(box, corner) for corner in corners] for box in boxes]
    face = [max(range(len(boxes)), key=lambda g: (table[g][p], -g)) for p in range(len(priors))]
    overlap = [table[face[p]][p] for p in range(len(priors))]
    best = [max(range(len(priors)), key=lambda p: (row[p], -p)) for row in table]
    claiming = [row[p] >= 0.2 for row, p in zip(table, best)]
    if not any(claiming):
        return face, [False] * len(priors)
    for p, claims in zip(best, claiming):
        if claims:
            overlap[p] = 2.0
    for g, p in enumerate(best):  # the loop over all faces, also those that may not claim
        face[p] = g
    return face, [o >= 0.35 for o in overlap]


@pytest.mark.parametrize('seed', range(25))
def test_equals_the_loops_of_the_original(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    priors = PriorBoxCodec(strides=(16, 32), min_sizes=((16, 32), (64, 128))).priors((96, 128))
    count = 1 + seed % 7
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 0.8
    size = 0.01 + torch.rand(count, 1, generator=generator, dtype=torch.float64) * 0.3
    boxes = torch.cat([corner, corner + size], 1)
    if seed % 5 == 0:
        boxes = torch.cat([boxes, boxes[:1]])  # two faces claim the same prior
    face, positive = match_priors(boxes, priors)
    expected_face, expected_positive = loops(boxes.tolist(), priors.tolist())
    assert positive.tolist() == expected_positive
    assert [f for f, p in zip(face.tolist(), expected_positive) if p] == [
        f for f, p in zip(expected_face, expected_positive) if p
    ]


def test_no_faces_and_no_face_large_enough() -> None:
    priors = PriorBoxCodec().priors((64, 64))
    assert not match_priors(torch.zeros(0, 4, dtype=torch.float64), priors)[1].any()
    speck = torch.tensor([[0.5, 0.5, 0.501, 0.501]], dtype=torch.float64)
    assert not match_priors(speck, priors)[1].any()


def test_priors_inside_an_ignore_region() -> None:
    priors = torch.tensor([[0.2, 0.2, 0.1, 0.1], [0.5, 0.2, 0.2, 0.2], [0.8, 0.8, 0.1, 0.1]])
    region = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    # wholly inside; exactly half inside; outside
    assert covered_priors(region, priors).tolist() == [True, True, False]
    assert covered_priors(region, priors, min_share=0.6).tolist() == [True, False, False]
