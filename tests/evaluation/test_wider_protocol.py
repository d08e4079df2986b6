from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import DetectionSet, read_predictions
from faceresearch.evaluation.wider_ground_truth import load_ground_truth
from faceresearch.evaluation.wider_protocol import (
    GroundTruth,
    WiderProtocol,
    average_precision,
    box_overlaps,
    evaluate_detections,
    normalize_scores,
)

GOLDEN_AP = (0.9266651475271719, 0.9278334069082148, 0.8797003052697691)
REAL_AP = {
    'retinaface_mnet025': (0.9731, 0.9390, 0.8621),
    'scrfd_500m_kps': (0.9798, 0.9562, 0.8743),
    'scrfd_2.5g_kps': (0.9819, 0.9722, 0.9083),
}


@pytest.fixture(scope='module')
def truth(test_data: Path) -> GroundTruth:
    return load_ground_truth(test_data / 'widerface' / 'ground_truth')


@pytest.fixture(scope='module')
def reference(repo_root: Path):
    path = repo_root / 'benchmarks' / 'widerface_evaluator.py'
    spec = importlib.util.spec_from_file_location('widerface_evaluator', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reference_evaluation


def make_truth(*images: tuple[list, list]) -> GroundTruth:
    """Each image: faces xyxy, and for each whether it counts (in all subsets)."""
    faces = [np.array(boxes, np.float64).reshape(-1, 4) for boxes, _ in images]
    kept = [np.repeat(np.array(flags, bool)[:, None], 3, axis=1).reshape(-1, 3) for _, flags in images]
    offsets = np.cumsum([0, *map(len, faces)])
    return GroundTruth(tuple(map(str, range(len(images)))), offsets, np.concatenate(faces), np.concatenate(kept))


def make_detections(*images: list, form: str = 'xyxy') -> DetectionSet:
    """Each image: rows of box and score."""
    rows = [np.array(image, np.float64).reshape(-1, 5) for image in images]
    joined = np.concatenate(rows)
    offsets = np.cumsum([0, *map(len, rows)])
    return DetectionSet(tuple(map(str, range(len(images)))), offsets, joined[:, :4], joined[:, 4], form)


def aps(detections: DetectionSet, truth: GroundTruth, **protocol) -> list[float]:
    return [curve.ap for curve in evaluate_detections(detections, truth, WiderProtocol(**protocol))]


def test_golden_figures_of_the_reference_evaluator(truth, golden_dir):
    detections = read_predictions(golden_dir / 'evaluation' / 'wider_synthetic_detections.npz')
    begin = time.process_time()
    found = aps(detections, truth)
    assert time.process_time() - begin < 2.0
    assert found == pytest.approx(GOLDEN_AP, abs=1e-12)
    # The file is sorted, so the port that does not sort computes the same.
    assert aps(detections, truth, compat='wondervictor') == pytest.approx(GOLDEN_AP, abs=1e-12)


def test_ground_truth_counts(truth):
    assert len(truth.names) == 3226
    assert len(truth.boxes) == 39708
    assert truth.kept.sum(0).tolist() == [7211, 13319, 31958]


@pytest.mark.parametrize('model', REAL_AP)
@pytest.mark.parametrize('compat', ['official', 'wondervictor', 'scrfd'])
def test_real_detections_of_original_models(truth, golden_dir, model, compat):
    detections = read_predictions(golden_dir / 'evaluation' / f'real_{model}_dev.npz')
    found = aps(detections, truth.select(set(detections.names)), compat=compat)
    assert [round(ap, 4) for ap in found] == pytest.approx(REAL_AP[model], abs=1e-9)


def random_case(seed: int) -> tuple[GroundTruth, DetectionSet, list[dict]]:
    """Crowded images with ties, ignored, degenerate and duplicate faces, and images without faces or detections."""
    rng = np.random.default_rng(seed)
    names, images, boxes, kept, rows = [], [], [], [], []
    for number in range(40):
        count = int(rng.integers(0, 12)) if number else 0
        faces = np.concatenate([rng.integers(0, 60, (count, 2)), rng.integers(0, 25, (count, 2))], 1).astype(float)
        if count > 4:
            faces[1] = faces[0]
        levels = rng.integers(0, 4, count)
        flags = np.stack([levels > 2, levels > 1, levels > 0], 1)
        near = faces[rng.integers(0, count, 15)] + rng.normal(0, 2, (15, 4)) if count else np.zeros((0, 4))
        far = np.concatenate([rng.uniform(0, 70, (8, 2)), rng.uniform(1, 25, (8, 2))], 1)
        found = np.concatenate([near, far])[: 0 if number % 7 == 3 else None]
        found = np.concatenate([found, rng.integers(1, 40, (len(found), 1)) / 40], 1)[rng.permutation(len(found))]
        names.append(f'event/{number}')
        boxes.append(faces), kept.append(flags), rows.append(found)
        counted = [set(np.flatnonzero(flags[:, s]).tolist()) for s in range(3)]
        images.append({'detections': found, 'faces': faces, 'kept': counted})
    corners = np.concatenate(boxes)
    corners[:, 2:] += corners[:, :2]
    joined = np.concatenate(rows)
    truth = GroundTruth(tuple(names), np.cumsum([0, *map(len, boxes)]), corners, np.concatenate(kept))
    detections = DetectionSet(tuple(names), np.cumsum([0, *map(len, rows)]), joined[:, :4], joined[:, 4], form='xywh')
    return truth, detections, images


@pytest.mark.parametrize('seed', range(6))
def test_agrees_with_a_loop_over_the_protocol_text(reference, seed):
    truth, detections, images = random_case(seed)
    official = reference(images, sort=True, start=(np.inf, -np.inf))
    assert aps(detections, truth) == pytest.approx(official, abs=1e-12)
    unsorted = reference(images, sort=False, start=(1.0, 0.0))
    assert aps(detections, truth, compat='wondervictor') == pytest.approx(unsorted, abs=1e-12)
    assert unsorted != pytest.approx(official, abs=1e-3)


def test_average_precision_by_hand():
    # Scores scale to 1, 0.5 and 0: right, wrong, right. Precision 1 at recall 1/2, then 2/3 at recall 1.
    truth = make_truth(([[0, 0, 9, 9], [50, 50, 59, 59]], [True, True]))
    detections = make_detections([[0, 0, 9, 9, 0.9], [90, 90, 99, 99, 0.8], [50, 50, 59, 59, 0.7]])
    curves = evaluate_detections(detections, truth)
    assert [curve.ap for curve in curves] == pytest.approx([0.5 + 0.5 * 2 / 3] * 3, abs=1e-12)
    assert curves[0].recall[[0, 498, 499, 998, 999]].tolist() == [0.5, 0.5, 0.5, 0.5, 1.0]
    assert curves[0].precision[[0, 498, 499, 999]].tolist() == [1.0, 1.0, 0.5, 2 / 3]


def test_second_detection_of_a_face_is_wrong_and_one_on_an_ignored_face_is_neither():
    truth = make_truth(([[0, 0, 9, 9], [50, 50, 59, 59]], [True, False]))
    once = [[0, 0, 9, 9, 0.5], [0, 0, 9, 9, 0.1]]
    ignored = [[50, 50, 59, 59, 0.9], [50, 50, 59, 59, 0.8]]
    assert aps(make_detections(ignored + once), truth) == [1.0] * 3
    twice_first = [[0, 0, 9, 9, 0.9], [1, 0, 9, 9, 0.9]]
    assert evaluate_detections(make_detections(twice_first), truth)[0].precision[-1] == 0.5


def test_unordered_list_is_cut_behind_the_last_detection_that_reaches_the_threshold():
    truth = make_truth(([[0, 0, 9, 9]], [True]))
    wrong_first = make_detections([[50, 50, 59, 59, 0.1], [0, 0, 9, 9, 0.9]])
    assert aps(wrong_first, truth) == [1.0] * 3
    assert aps(wrong_first, truth, compat='wondervictor') == [0.5] * 3


def test_images_without_faces_are_passed_over_unless_asked_for():
    truth = make_truth(([[0, 0, 9, 9]], [True]), ([], []))
    detections = make_detections([[0, 0, 9, 9, 0.5]], [[0, 0, 9, 9, 0.9]])
    assert aps(detections, truth) == [1.0] * 3
    assert aps(detections, truth, count_faceless_images=True) == [0.5] * 3


def test_missing_image_has_no_detections_and_unknown_images_do_not_matter():
    truth = make_truth(([[0, 0, 9, 9]], [True]), ([[0, 0, 9, 9]], [True]))
    detections = make_detections([[0, 0, 9, 9, 0.5]])
    assert aps(detections, truth) == [0.5] * 3
    stranger = DetectionSet(('0', 'x'), np.array([0, 1, 2]), np.zeros((2, 4)) + [0, 0, 9, 9], np.array([0.5, 0.9]))
    assert aps(stranger, truth) == [0.5] * 3


def test_subset_without_faces_is_not_a_number_and_no_detections_are_zero():
    assert np.isnan(aps(make_detections([[0, 0, 9, 9, 0.5]]), make_truth(([[0, 0, 9, 9]], [False])))).all()
    assert aps(make_detections([]), make_truth(([[0, 0, 9, 9]], [True]))) == [0.0] * 3


def test_overlap_counts_border_pixels():
    box, face = np.array([[0.0, 0, 9, 9]]), np.array([[5.0, 0, 14, 9], [10, 0, 19, 9], [9, 9, 9, 9]])
    # 10 x 10 pixels each: 5 x 10 shared; none; one pixel.
    assert box_overlaps(box, face)[0].tolist() == pytest.approx([50 / 150, 0.0, 1 / 100])
    assert box_overlaps(box, face, offset=0.0)[0].tolist() == pytest.approx([36 / 126, 0.0, 0.0])


@pytest.mark.parametrize(('form', 'row'), [('xyxy', [0.7, 0.2, 9.9, 9.6]), ('xywh', [0.7, 0.2, 9.2, 9.4])])
def test_box_quantize_writes_whole_corners(form, row):
    # Corners 0, 0, 9, 9 overlap the face 0, 0, 17, 10 by 100 / 198; rounded, 1, 0, 10, 10 by 110 / 198.
    truth = make_truth(([[0, 0, 17, 10]], [True]))
    detections = make_detections([[*row, 0.5]], form=form)
    assert aps(detections, truth, box_quantize='truncate', iou_thr=0.51) == [0.0] * 3
    assert aps(detections, truth, box_quantize='truncate', iou_thr=0.505) == [1.0] * 3
    assert aps(detections, truth, box_quantize='round', iou_thr=0.55) == [1.0] * 3


def test_score_decimals_round_as_printing_does():
    # Printed with one decimal the scores are equal, and the wrong detection that comes first in the list counts too.
    truth = make_truth(([[0, 0, 9, 9]], [True]))
    detections = make_detections([[50, 50, 59, 59, 0.84], [0, 0, 9, 9, 0.76], [70, 70, 79, 79, 0.1]])
    right_first = make_detections([[50, 50, 59, 59, 0.76], [0, 0, 9, 9, 0.84], [70, 70, 79, 79, 0.1]])
    assert aps(detections, truth) == aps(detections, truth, score_decimals=1) == [0.5] * 3
    assert aps(right_first, truth) == [1.0] * 3
    assert aps(right_first, truth, score_decimals=1) == [0.5] * 3


def test_scores_are_scaled_over_all_images_together():
    assert normalize_scores(np.array([0.2, 0.6, 0.4])) == pytest.approx([0.0, 1.0, 0.5])
    # The port starts its search for the lowest score at 1 and for the highest at 0.
    assert normalize_scores(np.array([2.0, 4.0]), 'wondervictor') == pytest.approx([1 / 3, 1.0])
    assert normalize_scores(np.array([0.7, 0.7])).tolist() == [1.0, 1.0]


def test_scrfd_port_compares_thresholds_in_single_precision():
    # The threshold 1 - 700/1000 is 0.30000000000000004 in double precision; in single precision it equals 0.3.
    truth = make_truth(([[0, 0, 9, 9]], [True]), ([[0, 0, 9, 9]], [True]))
    detections = make_detections([[0, 0, 9, 9, 1.0], [70, 70, 79, 79, 0.0]], [[0, 0, 9, 9, 0.3]])
    double = evaluate_detections(detections, truth, WiderProtocol('wondervictor'))[0]
    single = evaluate_detections(detections, truth, WiderProtocol('scrfd'))[0]
    assert double.recall[[698, 699, 700]].tolist() == [0.5, 0.5, 1.0]
    assert single.recall[[698, 699, 700]].tolist() == [0.5, 1.0, 1.0]


def test_average_precision_takes_the_envelope():
    recall, precision = np.array([0.25, 0.5, 0.5, 1.0]), np.array([0.5, 1.0, 0.6, 0.8])
    assert average_precision(recall, precision) == pytest.approx(0.5 * 1.0 + 0.5 * 0.8)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'compat': 'oficial'}, "Did you mean 'official'"),
        ({'box_quantize': 'floor'}, "None, 'truncate' or 'round'"),
        ({'score_decimals': -1}, 'between 0 and 17'),
    ],
)
def test_unknown_variations_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        WiderProtocol(**arguments)
