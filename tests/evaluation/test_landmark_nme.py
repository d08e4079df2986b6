"""The landmark error by hand: which detection belongs to which face, and what is averaged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.errors import UserError
from faceresearch.evaluation import MatchedLandmarkNME
from faceresearch.evaluation.landmark_nme import match_detections
from faceresearch.structures import FaceDataSample

POINTS = np.array([[3, 4], [7, 4], [5, 6], [3, 8], [7, 8]], np.float32)


def sample(
    faces: Any, points: Any, boxes: Any, scores: Any, found: Any, name: str = 'a', **meta: Any
) -> FaceDataSample:
    item = FaceDataSample(metainfo={'img_id': name, **meta})
    visible = meta.pop('visible', np.ones((len(faces), 5), bool))
    item.gt_instances = InstanceData(
        bboxes=torch.tensor(faces, dtype=torch.float32).reshape(-1, 4),
        keypoints=torch.tensor(np.asarray(points, np.float32).reshape(-1, 5, 2)),
        keypoints_visible=torch.tensor(np.asarray(visible)),
    )
    item.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), scores=torch.tensor(scores, dtype=torch.float32)
    )
    if found is not None:
        item.pred_instances.keypoints = torch.tensor(np.asarray(found, np.float32))
    return item


def evaluate(*samples: FaceDataSample, **arguments: Any) -> dict[str, float]:
    metric = MatchedLandmarkNME(**arguments)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_one_face_by_hand() -> None:
    # 16 x 9 box: normaliser 12. Each point off by (3, 4): distance 5. Eyes are 4 apart.
    item = sample([[0, 0, 16, 9]], [POINTS], [[0, 0, 16, 9]], [0.9], [POINTS + [3, 4]])
    assert evaluate(item) == pytest.approx({'landmark/nme': 5 / 12, 'landmark/matched': 1})
    assert evaluate(item, normalizer='interocular')['landmark/nme'] == pytest.approx(5 / 4)
    assert evaluate(item, normalizer='interocular', eyes=(0, 3))['landmark/nme'] == pytest.approx(5 / 4)
    assert evaluate(item, normalizer='interocular', eyes=(1, 3))['landmark/nme'] == pytest.approx(5 / np.hypot(4, 4))


def test_only_annotated_points_count() -> None:
    visible = [[True, False, True, False, False]]
    off = POINTS + np.array([[0, 1], [50, 50], [0, 3], [50, 50], [50, 50]])
    item = sample([[0, 0, 10, 10]], [POINTS], [[0, 0, 10, 10]], [0.9], [off], visible=visible)
    assert evaluate(item)['landmark/nme'] == pytest.approx((1 + 3) / 2 / 10)
    figures = evaluate(item, normalizer='interocular')
    assert math.isnan(figures['landmark/nme']) and math.isnan(figures['landmark/matched'])


def test_every_face_has_its_own_detection() -> None:
    # Faces side by side. The best detection takes the left one; the second best, on the left too, overlaps the right
    # one by 40 of 160 only; the third is on the right one.
    faces = [[0, 0, 10, 10], [10, 0, 20, 10]]
    boxes = [[0, 0, 10, 10], [4, 0, 14, 10], [10, 0, 20, 9]]
    found = [POINTS + 1, POINTS + 100, POINTS + [10, 2]]
    item = sample(faces, [POINTS, POINTS + [10, 0]], boxes, [0.9, 0.8, 0.3], found)
    assert evaluate(item)['landmark/nme'] == pytest.approx((np.sqrt(2) + 2) / 2 / 10)
    assert evaluate(item, score_thr=0.5) == pytest.approx({'landmark/nme': np.sqrt(2) / 10, 'landmark/matched': 0.5})
    owner = match_detections(np.array(boxes, float), np.array([0.1, 0.8, 0.3]), np.array(faces, float), iou_thr=0.2)
    # The second is the best now; of the two faces it overlaps the left one more.
    assert owner.tolist() == [1, 2]


def test_faces_without_landmarks_missed_faces_and_no_landmarks_at_all() -> None:
    faces, boxes = [[0, 0, 10, 10], [50, 0, 60, 10], [0, 50, 10, 60]], [[0, 0, 10, 10], [50, 0, 60, 10]]
    visible = np.array([[True] * 5, [False] * 5, [True] * 5])
    points = [POINTS, POINTS, POINTS + [0, 50]]
    item = sample(faces, points, boxes, [0.9, 0.8], [POINTS + [0, 1], POINTS], visible=visible)
    assert evaluate(item) == pytest.approx({'landmark/nme': 0.1, 'landmark/matched': 0.5})
    blind = sample(faces, points, boxes, [0.9, 0.8], None, visible=visible)
    figures = evaluate(blind)
    assert math.isnan(figures['landmark/nme']) and figures['landmark/matched'] == 0.5
    nothing = sample(faces[:1], points[:1], [], [], np.zeros((0, 5, 2)))
    assert evaluate(nothing)['landmark/matched'] == 0
    assert evaluate(item, nothing)['landmark/matched'] == 0.5, 'the same image again does not count'
    broken = sample(faces, points, boxes, [0.9, 0.8], [POINTS, POINTS], 'b', img_broken=True)
    assert evaluate(item, broken)['landmark/matched'] == 0.5 and evaluate(item, broken)['landmark/images_broken'] == 1


def test_ground_truth_is_brought_to_the_original_image() -> None:
    box, points = np.array([[4, 4, 24, 24]], float), POINTS * 2 + 4
    item = sample(
        box * 0.5 + np.array([3, 16, 3, 16]),
        [points * 0.5 + [3, 16]],
        box,
        [0.9],
        [points],
        scale_factor=(0.5, 0.5),
        pad_offset=(3, 16),
    )
    assert evaluate(item) == pytest.approx({'landmark/nme': 0, 'landmark/matched': 1})


def test_errors() -> None:
    with pytest.raises(UserError, match="normalizer='eyes'"):
        MatchedLandmarkNME(normalizer='eyes')
    item = sample([[0, 0, 10, 10]], [POINTS], [[0, 0, 10, 10]], [0.9], np.zeros((1, 68, 2)))
    with pytest.raises(UserError, match='predicts 68 points'):
        evaluate(item)
