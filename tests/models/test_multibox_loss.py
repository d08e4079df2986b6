"""The multibox loss on cases small enough for arithmetic by hand, and against plain loops."""

from __future__ import annotations

import math

import pytest
import torch

from faceresearch.models.losses import MultiBoxLoss


def smooth_l1(x: float) -> float:
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


def loops(boxes, logits, landmarks, labels, box_targets, landmark_targets, ratio=7):  # type: ignore[no-untyped-def]
    box = cls = lmk = 0.0
    positives = landmarked = 0
    for n in range(len(labels)):
        losses = [
            math.log(sum(math.exp(v) for v in logits[n][p])) - logits[n][p][1 if labels[n][p] != 0 else 0]
            for p in range(len(labels[n]))
        ]
        chosen = [p for p, label in enumerate(labels[n]) if label != 0]
        negatives = sorted((p for p, label in enumerate(labels[n]) if label == 0), key=lambda p: -losses[p])
        limit = min(ratio * len(chosen), len(labels[n]) - 1)
        cls += sum(losses[p] for p in chosen + negatives[:limit])
        box += sum(smooth_l1(a - b) for p in chosen for a, b in zip(boxes[n][p], box_targets[n][p]))
        with_points = [p for p in chosen if labels[n][p] > 0]
        lmk += sum(smooth_l1(a - b) for p in with_points for a, b in zip(landmarks[n][p], landmark_targets[n][p]))
        positives += len(chosen)
        landmarked += len(with_points)
    return 2 * box / max(positives, 1), cls / max(positives, 1), lmk / max(landmarked, 1)


@pytest.mark.parametrize('seed', range(10))
def test_equals_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    images, priors = 3, 40
    labels = torch.zeros(images, priors, dtype=torch.int64)
    labels[0, :3] = torch.tensor([1, -1, 1])
    labels[1, 5] = -1
    if seed % 2:
        labels[2, :12] = 1  # more than a seventh: the negatives run out
    values = [torch.randn(images, priors, k, generator=generator, dtype=torch.float64) for k in (4, 2, 10, 4, 10)]
    boxes, logits, landmarks, box_targets, landmark_targets = values
    losses = MultiBoxLoss()((boxes, logits, landmarks), labels, box_targets, landmark_targets)
    expected = loops(*(v.tolist() for v in (boxes, logits, landmarks, labels, box_targets, landmark_targets)))
    assert [losses[k].item() for k in ('loss_box', 'loss_cls', 'loss_landmark')] == pytest.approx(expected, rel=1e-12)


def test_ignored_priors_are_neither_positive_nor_hard_negatives() -> None:
    logits = torch.zeros(1, 10, 2, dtype=torch.float64)
    logits[0, 4, 1] = 50.0  # the hardest negative, were it one
    labels = torch.zeros(1, 10, dtype=torch.int64)
    labels[0, 0], labels[0, 4] = -1, -2
    zeros = torch.zeros(1, 10, 4, dtype=torch.float64), torch.zeros(1, 10, 10, dtype=torch.float64)
    losses = MultiBoxLoss()((zeros[0], logits, zeros[1]), labels, *zeros)
    assert losses['loss_cls'].item() == pytest.approx(8 * math.log(2))  # the face and seven of eight negatives


def test_a_batch_without_faces_has_zero_loss_and_finite_gradients() -> None:
    outputs = tuple(torch.randn(2, 30, k, requires_grad=True) for k in (4, 2, 10))
    labels = torch.zeros(2, 30, dtype=torch.int64)
    losses = MultiBoxLoss()(outputs, labels, torch.zeros(2, 30, 4), torch.zeros(2, 30, 10))
    total = sum(losses.values())
    total.backward()
    assert total.item() == 0 and all(torch.isfinite(o.grad).all() for o in outputs)
