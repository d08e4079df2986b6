"""The stand-in for xtcocotools, against pycocotools itself and against the definition of OKS."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO as PlainCOCO
from pycocotools.cocoeval import COCOeval as PlainCOCOeval

from faceresearch.compat.xtcoco import COCO, COCOeval
from faceresearch.errors import UserError

SIGMAS_17 = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000


def make_set(points: int, seed: int = 0, images: int = 12) -> tuple[dict, list[dict]]:
    """Faces with random keypoints, and detections that are off by some pixels."""
    rng = np.random.default_rng(seed)
    truth: dict = {'images': [], 'annotations': [], 'categories': [{'id': 1, 'name': 'face'}]}
    detections = []
    for image in range(1, images + 1):
        truth['images'].append({'id': image, 'width': 300, 'height': 300, 'crowdIndex': image / (images + 1)})
        for _ in range(rng.integers(1, 4)):
            x, y, w, h = *rng.uniform(0, 100, 2), *rng.uniform(40, 160, 2)
            xy = np.column_stack([rng.uniform(x, x + w, points), rng.uniform(y, y + h, points)])
            visible = rng.integers(0, 3, points)
            visible[0] = 2
            annotation = {
                'id': len(truth['annotations']) + 1,
                'image_id': image,
                'category_id': 1,
                'bbox': [x, y, w, h],
                'area': w * h * rng.uniform(0.4, 0.7),
                'iscrowd': 0,
                'keypoints': np.column_stack([xy, visible]).reshape(-1).tolist(),
                'num_keypoints': int((visible > 0).sum()),
            }
            truth['annotations'].append(annotation)
            moved = xy + rng.normal(0, rng.uniform(0.5, 8), xy.shape)
            values = np.column_stack([moved, np.ones(points)]).reshape(-1).tolist()
            score = float(rng.uniform(0.1, 1))
            detections.append({'image_id': image, 'category_id': 1, 'keypoints': values, 'score': score})
    return truth, detections


def load(truth: dict, detections: list[dict], folder: Path, kind: type = COCO):
    path = folder / f'{kind.__module__}.json'
    path.write_text(json.dumps(truth))
    coco = kind(str(path))
    return coco, coco.loadRes(copy.deepcopy(detections))


def stats(evaluation: PlainCOCOeval) -> np.ndarray:
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize(
    ('points', 'sigmas'), [(17, None), (17, SIGMAS_17), (28, np.full(28, 0.025)), (28, [0.025] * 28)]
)
def test_the_figures_are_pycocotools(points: int, sigmas, tmp_path: Path) -> None:
    truth, detections = make_set(points)
    plain = PlainCOCOeval(*load(truth, detections, tmp_path, PlainCOCO), 'keypoints')
    if sigmas is not None:
        plain.params.kpt_oks_sigmas = np.asarray(sigmas)
    expected = stats(plain)
    assert 0.05 < expected[0] < 0.95  # the case tells right from wrong
    np.testing.assert_array_equal(stats(COCOeval(*load(truth, detections, tmp_path), 'keypoints', sigmas)), expected)


def test_without_areas_the_boxes_give_the_scale(tmp_path: Path) -> None:
    truth, detections = make_set(28)
    sigmas = np.full(28, 0.025)
    scaled = copy.deepcopy(truth)
    for annotation in scaled['annotations']:
        annotation['area'] = annotation['bbox'][2] * annotation['bbox'][3] * 0.53
    plain = PlainCOCOeval(*load(scaled, detections, tmp_path, PlainCOCO), 'keypoints')
    plain.params.kpt_oks_sigmas = sigmas
    for annotation in truth['annotations']:
        del annotation['area'], annotation['num_keypoints'], annotation['iscrowd']
    ours = COCOeval(*load(truth, detections, tmp_path), 'keypoints', sigmas, use_area=False)
    np.testing.assert_array_equal(stats(ours), stats(plain))


def test_an_annotation_without_area_is_named(tmp_path: Path) -> None:
    truth, detections = make_set(17)
    del truth['annotations'][3]['area']
    with pytest.raises(UserError, match='annotation 4 has no area'):
        COCOeval(*load(truth, detections, tmp_path), 'keypoints').evaluate()


def test_object_keypoint_similarity_by_hand(tmp_path: Path) -> None:
    # Two visible points, off by 0 and by 6 px; sigma 0.1, area 900: exp(-36 / (2 * 900 * 0.2**2)) = exp(-0.5).
    box = {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 30, 30], 'area': 900, 'iscrowd': 0}
    truth = {
        'images': [{'id': 1, 'width': 40, 'height': 40}],
        'categories': [{'id': 1, 'name': 'face'}],
        'annotations': [{**box, 'keypoints': [5, 5, 2, 20, 20, 1, 9, 9, 0]}],
    }
    detection = {'image_id': 1, 'category_id': 1, 'score': 1.0, 'keypoints': [5, 5, 1, 26, 20, 1, 0, 0, 1]}
    evaluation = COCOeval(*load(truth, [detection], tmp_path), 'keypoints', [0.1] * 3)
    evaluation.evaluate()
    assert evaluation.ious[1, 1][0, 0] == pytest.approx((1 + np.exp(-0.5)) / 2)


def test_a_detection_without_a_visible_point_is_none(tmp_path: Path) -> None:
    truth, detections = make_set(17)
    clean = stats(COCOeval(*load(truth, detections, tmp_path), 'keypoints'))
    empty = {**detections[0], 'keypoints': [1.0, 1.0, 0.0] * 17, 'score': 1.0}
    np.testing.assert_array_equal(stats(COCOeval(*load(truth, [*detections, empty], tmp_path), 'keypoints')), clean)


def test_parts_of_a_body_are_judged_by_their_own_points_and_scores(tmp_path: Path) -> None:
    truth, detections = make_set(5)
    expected = stats(COCOeval(*load(truth, detections, tmp_path), 'keypoints', np.full(5, 0.05)))
    for annotation in truth['annotations']:
        annotation['face_kpts'] = annotation.pop('keypoints')
        annotation['keypoints'] = [0.0, 0.0, 0.0]
    for detection in detections:
        detection['face_kpts'], detection['face_score'] = detection.pop('keypoints'), detection.pop('score')
        detection['keypoints'], detection['score'] = [1.0, 1.0, 1.0], 0.5
    ours = COCOeval(*load(truth, detections, tmp_path), 'keypoints_face', np.full(5, 0.05))
    # Detections' areas, which decide over the size ranges, come from the body's points: compare the others.
    np.testing.assert_array_equal(stats(ours)[[0, 1, 2, 5, 6, 7]], expected[[0, 1, 2, 5, 6, 7]])


def test_crowdpose_reports_easy_medium_and_hard_images(tmp_path: Path) -> None:
    truth, detections = make_set(14)
    sigmas = np.full(14, 0.05)
    whole = stats(COCOeval(*load(truth, detections, tmp_path), 'keypoints', sigmas))
    crowd = COCOeval(*load(truth, detections, tmp_path), 'keypoints_crowd', sigmas)
    figures = stats(crowd)
    np.testing.assert_array_equal(figures[:6], whole[[0, 1, 2, 5, 6, 7]])
    for figure, (low, high) in zip(figures[6:], [(0, 0.2), (0.2, 0.8), (0.8, 1)]):
        part = COCOeval(*load(truth, detections, tmp_path), 'keypoints', sigmas)
        part.params.imgIds = [i['id'] for i in truth['images'] if low <= i['crowdIndex'] < high]
        assert figure == pytest.approx(stats(part)[0])
    assert len(crowd.params.imgIds) == len(truth['images'])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"'keypoint'.*keypoints_crowd"):
        COCOeval(iouType='keypoint')


def test_chosen_keypoints_of_an_annotation_file(tmp_path: Path) -> None:
    truth, _ = make_set(4)
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(truth))
    first = COCO(str(path), test_index=[2, 0]).dataset['annotations'][0]['keypoints']
    points = np.reshape(truth['annotations'][0]['keypoints'], (-1, 3))
    np.testing.assert_array_equal(np.reshape(first, (-1, 3)), points[[2, 0]])


def test_mmposes_metric_runs_on_it(tmp_path: Path) -> None:
    """Perfect predictions of 28 points: average precision and recall 1."""
    from mmpose.evaluation.metrics import CocoMetric

    truth, _ = make_set(28)
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(truth))
    metric = CocoMetric(ann_file=str(path), score_mode='bbox', nms_mode='none')
    metric.dataset_meta = {'dataset_name': 'anime_face', 'num_keypoints': 28, 'sigmas': np.full(28, 0.025)}
    for annotation in truth['annotations']:
        points = np.reshape(annotation['keypoints'], (1, 28, 3))
        x, y, w, h = annotation['bbox']
        instances = {
            'keypoints': points[..., :2],
            'keypoint_scores': np.ones((1, 28)),
            'bboxes': np.array([[x, y, x + w, y + h]]),
        }
        sample = {
            'id': annotation['id'],
            'img_id': annotation['image_id'],
            'pred_instances': instances,
            'gt_instances': {'bbox_scales': np.array([[w, h]]), 'bbox_scores': np.ones(1)},
        }
        metric.process([], [sample])
    figures = metric.evaluate(len(truth['annotations']))
    assert figures['coco/AP'] == pytest.approx(1.0)
    assert figures['coco/AR'] == pytest.approx(1.0)
