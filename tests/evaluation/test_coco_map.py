"""COCO's figures against cases worked by hand and pycocotools' own way from files to figures."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from faceresearch.datasets.parsers import FaceAnnotations
from faceresearch.datasets.parsers.coco import write_coco
from faceresearch.errors import UserError
from faceresearch.evaluation import FaceCocoMetric
from faceresearch.structures import FaceDataSample


def sample(name: str, faces: Any, boxes: Any, scores: Any, ignored: Any = (), **meta: Any) -> FaceDataSample:
    def tensor(values: Any, *shape: int) -> torch.Tensor:
        return torch.tensor(np.asarray(values, np.float32).reshape(-1, *shape))

    item = FaceDataSample(metainfo={'img_id': name, **meta})
    item.gt_instances = InstanceData(bboxes=tensor(faces, 4))
    item.ignored_instances = InstanceData(bboxes=tensor(ignored, 4))
    item.pred_instances = InstanceData(bboxes=tensor(boxes, 4), scores=tensor(scores))
    return item


def evaluate(*samples: FaceDataSample, **arguments: Any) -> dict[str, float]:
    metric = FaceCocoMetric(**arguments)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_two_faces_by_hand() -> None:
    # The second detection overlaps its face by 62 of 100: right at 0.50, 0.55 and 0.60. Above, one face of two is
    # found: precision 1 at the 51 of 101 recalls up to one half.
    figures = evaluate(
        sample('a', [[0, 0, 10, 10], [50, 50, 60, 60]], [[0, 0, 10, 10], [50, 50, 56.2, 60]], [0.9, 0.8])
    )
    assert figures['coco/bbox_map_50'] == pytest.approx(1)
    assert figures['coco/bbox_map_75'] == pytest.approx(51 / 101)
    assert figures['coco/bbox_map'] == pytest.approx((3 + 7 * 51 / 101) / 10)
    assert figures['coco/bbox_map_s'] == figures['coco/bbox_map'] and math.isnan(figures['coco/bbox_map_l'])


def test_detections_on_regions_to_ignore_do_not_count() -> None:
    face, region = [0, 0, 40, 40], [100, 0, 200, 100]
    best_in_region = [[120, 20, 140, 40], face]
    assert evaluate(sample('a', [face], best_in_region, [0.9, 0.8]))['coco/bbox_map'] == pytest.approx(0.5)
    assert evaluate(sample('a', [face], best_in_region, [0.9, 0.8], ignored=[region]))[
        'coco/bbox_map'
    ] == pytest.approx(1)


def test_ground_truth_is_brought_to_the_original_image() -> None:
    # Halved, then shifted by (3, 16): the face of 20 … 60 lies at 13 … 33, 26 … 46.
    item = sample('a', [[13, 26, 33, 46]], [[20, 20, 60, 60]], [0.9], scale_factor=(0.5, 0.5), pad_offset=(3, 16))
    assert evaluate(item)['coco/bbox_map'] == pytest.approx(1)


def test_images_without_faces_broken_and_repeated_images() -> None:
    good = sample('a', [[0, 0, 10, 10]], [[0, 0, 10, 10]], [0.5])
    false = sample('b', [], [[0, 0, 10, 10]], [0.9])
    broken = sample('c', [[0, 0, 10, 10]], [[0, 0, 5, 5]], [0.99], img_broken=True)
    assert evaluate(good)['coco/bbox_map'] == pytest.approx(1)
    assert evaluate(good, false)['coco/bbox_map'] == pytest.approx(0.5)
    assert evaluate(good, false, false, good)['coco/bbox_map'] == pytest.approx(0.5)
    figures = evaluate(good, broken)
    assert figures['coco/bbox_map'] == pytest.approx(1) and figures['coco/images_broken'] == 1
    assert math.isnan(evaluate(false)['coco/bbox_map'])
    nan = sample('a', [[0, 0, 10, 10]], [[0, 0, 10, 10], [0, 0, math.nan, 9]], [0.5, 0.9])
    assert evaluate(nan)['coco/bbox_map'] == pytest.approx(1)


def test_crowds_need_more_detections_than_coco_judges() -> None:
    faces = [[20 * i, 0, 20 * i + 10, 10] for i in range(150)]
    item = sample('a', faces, faces, np.linspace(0.9, 0.1, 150))
    assert evaluate(item)['coco/bbox_map'] == pytest.approx(67 / 101)  # recalls up to two thirds
    assert evaluate(item, max_dets=200)['coco/bbox_map'] == pytest.approx(1)
    with pytest.raises(UserError, match='max_dets=0'):
        FaceCocoMetric(max_dets=0)


def test_equals_pycocotools_on_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples, annotations, found = [], [], []
    for number in range(1, 31):
        corners = rng.uniform(0, 300, (rng.integers(0, 12), 2))
        boxes = np.concatenate([corners, corners + rng.uniform(5, 150, corners.shape)], 1)
        ignore = rng.random(len(boxes)) < 0.2
        detections = np.concatenate([boxes[rng.random(len(boxes)) < 0.8], rng.uniform(0, 99, (4, 4)) + [0, 0, 99, 99]])
        detections = detections + rng.normal(0, 3, detections.shape)
        boxes, detections = boxes.astype(np.float32), detections.astype(np.float32)
        scores = rng.random(len(detections)).astype(np.float32)
        samples.append(sample(str(number), boxes[~ignore], detections, scores, boxes[ignore]))
        points = np.zeros((len(boxes), 5, 2))
        annotations.append(FaceAnnotations(f'{number}.jpg', boxes, ignore, points, points[..., 0] > 0, (500, 500)))
        for box, score in zip(detections.astype(float), scores):
            xywh = [*box[:2], *(box[2:] - box[:2])]
            found.append({'image_id': number, 'category_id': 1, 'bbox': xywh, 'score': float(score)})
    write_coco(tmp_path / 'gt.json', annotations)
    (tmp_path / 'dt.json').write_text(json.dumps(found))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / 'gt.json'))
        judge = COCOeval(truth, truth.loadRes(str(tmp_path / 'dt.json')), 'bbox')
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    figures = evaluate(*samples)
    assert 0.1 < figures['coco/bbox_map'] < 0.9
    np.testing.assert_allclose(list(figures.values()), judge.stats[:6], atol=1e-6)
