"""nms and soft-nms through mmcv's own functions, against scalar implementations written here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from mmcv.ops import batched_nms, nms, soft_nms

F = np.float32


def scalar_iou(a: np.ndarray, b: np.ndarray, offset: int) -> np.float32:
    """Intersection over union in float32, one pair at a time; sides are x2 − x1 + offset."""
    width = max(F(0), min(a[2], b[2]) - max(a[0], b[0]) + F(offset))
    height = max(F(0), min(a[3], b[3]) - max(a[1], b[1]) + F(offset))
    inter = width * height
    area_a = (a[2] - a[0] + F(offset)) * (a[3] - a[1] + F(offset))
    area_b = (b[2] - b[0] + F(offset)) * (b[3] - b[1] + F(offset))
    return F(inter / (area_a + area_b - inter))


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(scalar_iou(boxes[index], boxes[k], offset) <= F(threshold) for k in kept):
            kept.append(index)
    return kept


def random_boxes(rng: np.random.Generator, count: int, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    corners = rng.uniform(0, 60, (count, 2))
    sizes = rng.uniform(1, 40, (count, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(F)
    return np.round(boxes) if whole else boxes, rng.permutation(count).astype(F) / count


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('whole', [True, False], ids=['whole pixels', 'fractions'])
@pytest.mark.parametrize('threshold', [0.3, 0.4, 0.5, 0.7])
def test_nms_keeps_what_the_scalar_rule_keeps(offset: int, whole: bool, threshold: float) -> None:
    rng = np.random.default_rng(round(threshold * 10) + 100 * offset + 1000 * whole)
    for _ in range(5):
        boxes, scores = random_boxes(rng, 60, whole)
        dets, kept = nms(boxes, scores, threshold, offset=offset)
        assert kept.tolist() == greedy(boxes, scores, threshold, offset)
        np.testing.assert_array_equal(dets, np.column_stack([boxes, scores])[kept])


def test_the_legacy_convention_makes_boxes_one_pixel_wider() -> None:
    # 10 x 10 pixels each, five columns shared: IoU 50/150 if a box from 0 to 9 is ten wide, 36/126 if it is nine.
    boxes = torch.tensor([[0.0, 0, 9, 9], [5, 0, 14, 9]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.3, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.3, offset=1)[1].tolist() == [0]


@pytest.mark.parametrize('offset', [0, 1])
def test_a_box_whose_overlap_equals_the_threshold_stays(offset: int) -> None:
    # 7 of 10 columns: an IoU of exactly 0.7, which a comparison with a double threshold would call larger.
    boxes = torch.tensor([[0.0, 0, 10 - offset, 10 - offset], [0, 0, 7 - offset, 10 - offset]])
    assert len(nms(boxes, torch.tensor([0.9, 0.8]), 0.7, offset=offset)[1]) == 2


def test_nms_agrees_with_torchvision() -> None:
    boxes, scores = map(torch.from_numpy, random_boxes(np.random.default_rng(0), 500, whole=False))
    assert nms(boxes, scores, 0.5)[1].equal(torchvision.ops.nms(boxes, scores, 0.5))


def test_nms_options() -> None:
    boxes, scores = map(torch.from_numpy, random_boxes(np.random.default_rng(1), 80, whole=False))
    everything = nms(boxes, scores, 0.5)[1]
    assert nms(boxes, scores, 0.5, max_num=3)[1].equal(everything[:3])
    above = nms(boxes, scores, 0.5, score_threshold=0.6)[1]
    assert above.equal(everything[scores[everything] > 0.6])
    assert nms(boxes.half(), scores.half(), 0.5)[0].dtype == torch.float16
    for offset in (0, 1):
        assert nms(boxes[:0], scores[:0], 0.5, offset=offset)[0].shape == (0, 5)


def test_mmcvs_printed_example() -> None:
    boxes = np.array(
        [
            [49.1, 32.4, 51.0, 35.9],
            [49.3, 32.9, 51.0, 35.3],
            [49.2, 31.8, 51.0, 35.4],
            [35.1, 11.5, 39.1, 15.7],
            [35.6, 11.8, 39.3, 14.2],
            [35.3, 11.5, 39.9, 14.5],
            [35.2, 11.7, 39.7, 15.7],
        ],
        dtype=F,
    )
    scores = np.array([0.9, 0.9, 0.5, 0.5, 0.5, 0.4, 0.3], dtype=F)
    assert len(nms(boxes, scores, 0.6)[1]) == 3


@pytest.mark.parametrize('split_thr', [10, 10000], ids=['class after class', 'all at once'])
def test_batched_nms_suppresses_within_a_class_only(split_thr: int) -> None:
    rng = np.random.default_rng(2)
    boxes, scores = random_boxes(rng, 60, whole=False)
    classes = rng.integers(0, 3, 60)
    config = {'type': 'nms', 'iou_threshold': 0.4, 'split_thr': split_thr}
    _, kept = batched_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(classes), config)
    expected = [
        np.flatnonzero(classes == c)[greedy(boxes[classes == c], scores[classes == c], 0.4, 0)] for c in range(3)
    ]
    together = np.concatenate(expected)
    assert kept.tolist() == together[np.argsort(-scores[together])].tolist()


def soften(
    boxes: np.ndarray, scores: np.ndarray, method: str, threshold: float, sigma: float, floor: float, offset: int
):
    """Bodla et al., ICCV 2017, figure 2: take the best, lower the others' scores, drop the weak, repeat."""
    left = {index: float(score) for index, score in enumerate(scores)}
    order, values = [], []
    while left:
        best = max(left, key=left.__getitem__)
        order.append(best)
        values.append(left.pop(best))
        for index in list(left):
            overlap = float(scalar_iou(boxes[best], boxes[index], offset))
            if method == 'gaussian':
                left[index] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                left[index] *= 1 - overlap if method == 'linear' else 0.0
            if left[index] < floor:
                del left[index]
    return order, values


@pytest.mark.parametrize('method', ['linear', 'gaussian', 'naive'])
@pytest.mark.parametrize('offset', [0, 1])
def test_soft_nms_decays_as_the_paper_says(method: str, offset: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        boxes, scores = random_boxes(rng, 50, whole=False)
        dets, kept = soft_nms(boxes, scores, 0.3, sigma=0.5, min_score=0.05, method=method, offset=offset)
        order, values = soften(boxes, scores, method, 0.3, 0.5, 0.05, offset)
        assert kept.tolist() == order
        np.testing.assert_array_equal(dets[:, :4], boxes[order])
        np.testing.assert_allclose(dets[:, 4], values, rtol=1e-5)


def test_soft_nms_of_two_boxes_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10]])  # IoU 1/3
    scores = torch.tensor([0.9, 0.6])
    assert soft_nms(boxes, scores, 0.3, method='linear')[0][1, 4].item() == pytest.approx(0.6 * 2 / 3)
    assert soft_nms(boxes, scores, 0.4, method='linear')[0][1, 4].item() == pytest.approx(0.6)
    gaussian = soft_nms(boxes, scores, 0.3, sigma=0.5, method='gaussian')
    assert gaussian[0][1, 4].item() == pytest.approx(0.6 * np.exp(-(1 / 9) / 0.5))
    assert scores.tolist() == pytest.approx([0.9, 0.6])  # the caller's scores are not touched


def test_mmcvs_printed_example_of_soft_nms() -> None:
    boxes = np.array([[4, 3, 5, 3], [4, 3, 5, 4], [3, 1, 3, 1], [3, 1, 3, 1], [3, 1, 3, 1], [3, 1, 3, 1]], dtype=F)
    scores = np.array([0.9, 0.9, 0.5, 0.5, 0.4, 0.0], dtype=F)
    dets, kept = soft_nms(boxes, scores, 0.6, sigma=0.5)
    assert len(kept) == len(dets) == 5


def test_soft_nms_of_nothing() -> None:
    dets, kept = soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5)
    assert kept.shape == (0,)
