from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.evaluation import DumpDetections, SynthFacesMetric, WiderFaceMetric, evaluate_predictions
from faceresearch.evaluation import wider_face as module
from faceresearch.evaluation.predictions import read_predictions
from faceresearch.structures import FaceDataSample
from tests.evaluation.wider_files import write_ground_truth

#: Three images: two faces of which one is hard only; one face; one face.
IMAGES = {
    '0--Parade/a': {'boxes': [[0, 0, 40, 40], [50, 50, 10, 10]], 'easy': [0], 'medium': [0], 'hard': [0, 1]},
    '0--Parade/b': {'boxes': [[5, 5, 40, 40]], 'easy': [0], 'medium': [0], 'hard': [0]},
    '1--Handshaking/c': {'boxes': [[9, 9, 30, 30]], 'easy': [0], 'medium': [0], 'hard': [0]},
}


@pytest.fixture
def truth_dir(tmp_path: Path) -> Path:
    return write_ground_truth(tmp_path / 'ground_truth', IMAGES)


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(module, 'print_log', lambda message, **_: seen.append(message))
    return seen


def sample(name: str, boxes: list, scores: list, **meta) -> FaceDataSample:
    item = FaceDataSample(metainfo={'img_id': name, **meta})
    item.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), scores=torch.tensor(scores).reshape(-1)
    )
    return item


def evaluate(metric, samples: list[FaceDataSample]) -> dict:
    evaluator = Evaluator(metric)
    for item in samples:
        evaluator.process(data_samples=[item], data_batch=None)
    return evaluator.evaluate(len(samples))


def perfect(name: str, score: float = 0.9) -> FaceDataSample:
    boxes = np.array(IMAGES[name]['boxes'], np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return sample(name, boxes.tolist(), [score] * len(boxes))


def test_all_images_seen(truth_dir, warnings):
    figures = evaluate(WiderFaceMetric(str(truth_dir)), [perfect(name) for name in IMAGES])
    assert figures == {
        'widerface/easy_ap': 1.0,
        'widerface/medium_ap': 1.0,
        'widerface/hard_ap': 1.0,
        'widerface/images': 3,
        'widerface/images_expected': 3,
    }
    assert warnings == []


def test_only_the_faces_of_images_that_were_seen_count(truth_dir, warnings):
    figures = evaluate(WiderFaceMetric(str(truth_dir)), [perfect('0--Parade/b'), sample('0--Parade/a', [], [])])
    assert figures['widerface/easy_ap'] == 0.5
    assert figures['widerface/hard_ap'] == pytest.approx(1 / 3)
    assert (figures['widerface/images'], figures['widerface/images_expected']) == (2, 3)
    assert 'not comparable' in warnings[0]


def test_broken_images_are_reported_and_not_judged(truth_dir, warnings):
    broken = sample('0--Parade/a', [[0, 0, 5, 5]], [1.0], img_broken=True)
    figures = evaluate(WiderFaceMetric(str(truth_dir)), [perfect('0--Parade/b'), broken, perfect('1--Handshaking/c')])
    assert figures['widerface/hard_ap'] == 1.0
    assert figures['widerface/images'] == 2
    assert figures['widerface/images_broken'] == 1
    assert any('1 images could not be read' in text for text in warnings)


def test_repeated_and_unknown_images_do_not_change_the_figures(truth_dir, warnings):
    samples = [perfect(name) for name in IMAGES] + [sample('0--Parade/a', [[0, 0, 5, 5]], [1.0])]
    samples.append(sample('9--Nothing/x', [[0, 0, 5, 5]], [1.0]))
    figures = evaluate(WiderFaceMetric(str(truth_dir)), samples)
    assert figures['widerface/hard_ap'] == 1.0
    assert '9--Nothing/x' in warnings[0]


def test_image_is_known_by_its_path_when_it_has_no_name(truth_dir, warnings):
    item = perfect('0--Parade/b')
    item.set_metainfo({'img_id': 7, 'img_path': '/somewhere/images/0--Parade/b.jpg'})
    assert evaluate(WiderFaceMetric(str(truth_dir)), [item])['widerface/images'] == 1


def test_ground_truth_that_is_not_official_is_used_with_a_warning(truth_dir, monkeypatch):
    seen: list[str] = []
    monkeypatch.setattr('faceresearch.evaluation.wider_ground_truth.print_log', lambda text, **_: seen.append(text))
    WiderFaceMetric(str(truth_dir))
    assert len(seen) == 4
    assert 'not comparable' in seen[0]


def test_absent_and_damaged_ground_truth_are_user_errors(truth_dir, tmp_path):
    with pytest.raises(UserError, match=r'wider_face_val\.mat does not exist; download eval_tools'):
        WiderFaceMetric(str(tmp_path / 'nowhere'))
    path = truth_dir / 'wider_easy_val.mat'
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match='wider_easy_val'):
        WiderFaceMetric(str(truth_dir))


def test_subset_list_that_names_no_box_is_a_user_error(tmp_path):
    images = {**IMAGES, '1--Handshaking/c': {**IMAGES['1--Handshaking/c'], 'hard': [4]}}
    with pytest.raises(UserError, match='hard names a box that does not exist'):
        WiderFaceMetric(str(write_ground_truth(tmp_path / 'other', images)))


def benchmark(repo_root: Path, root: Path, *overrides: str) -> Config:
    return load_config(repo_root / 'configs' / 'benchmarks' / 'widerface_val.py', [f'data_root={root}', *overrides])


def test_dumped_detections_are_judged_like_the_model(repo_root, truth_dir, tmp_path, warnings):
    samples = [perfect('0--Parade/b', 0.7), sample('0--Parade/a', [[0, 0, 40, 40], [70, 70, 90, 90]], [0.6, 0.8])]
    for item in samples:
        item.pred_instances.keypoints = torch.zeros(len(item.pred_instances), 5, 2)
    direct = evaluate(WiderFaceMetric(str(truth_dir)), samples)
    assert evaluate(DumpDetections(str(tmp_path / 'p.npz')), samples) == {}
    assert read_predictions(tmp_path / 'p.npz').keypoints.shape == (3, 5, 2)
    cfg = benchmark(repo_root, tmp_path)
    assert evaluate_predictions(cfg, tmp_path / 'p.npz', subset=True) == direct
    assert evaluate_predictions(benchmark(repo_root, tmp_path, 'subset=true'), tmp_path / 'p.npz') == direct
    whole = evaluate_predictions(cfg, tmp_path / 'p.npz')
    assert whole['widerface/images'] == 3
    assert whole['widerface/easy_ap'] == pytest.approx(direct['widerface/easy_ap'] * 2 / 3)


def test_predictions_for_another_data_set_are_refused(repo_root, truth_dir, tmp_path):
    evaluate(DumpDetections(str(tmp_path / 'p.npz')), [sample('lfw/x', [], [])])
    with pytest.raises(UserError, match="expected names such as '0--Parade/a', found 'lfw/x'"):
        evaluate_predictions(benchmark(repo_root, tmp_path), tmp_path / 'p.npz')


def test_a_metric_without_ground_truth_of_its_own_cannot_judge_files(tmp_path):
    cfg = Config({'test_evaluator': [{'type': 'SynthFacesMetric'}]})
    with pytest.raises(UserError, match='takes its ground truth from the data set'):
        evaluate_predictions(cfg, tmp_path / 'p.npz')
    with pytest.raises(UserError, match='no test_evaluator'):
        evaluate_predictions(Config({}), tmp_path / 'p.npz')


def test_golden_predictions_through_the_benchmark_config(repo_root, test_data, golden_dir):
    cfg = benchmark(repo_root, test_data / 'widerface')
    figures = evaluate_predictions(cfg, golden_dir / 'evaluation' / 'wider_synthetic_detections.npz')
    assert figures['widerface/easy_ap'] == pytest.approx(0.9266651475271719, abs=1e-12)
    assert figures['widerface/medium_ap'] == pytest.approx(0.9278334069082148, abs=1e-12)
    assert figures['widerface/hard_ap'] == pytest.approx(0.8797003052697691, abs=1e-12)
    assert (figures['widerface/images'], figures['widerface/images_expected']) == (3226, 3226)


def test_curves_are_drawn(truth_dir, tmp_path, warnings):
    metric = WiderFaceMetric(str(truth_dir), plots_dir=str(tmp_path / 'report'))
    evaluate(metric, [perfect('0--Parade/b')])
    image = cv2.imread(str(tmp_path / 'report' / 'pr_curves.png'))
    assert image.shape[0] > 400
    # The first colour of the palette, 0072B2, is in the picture: the curve of easy is drawn.
    assert (image == (0xB2, 0x72, 0x00)).all(2).any()
    assert [curve.subset for curve in metric.curves] == ['easy', 'medium', 'hard']


def scene(name: str, faces: list, difficulty: list, found: list, scores: list, **meta) -> FaceDataSample:
    item = sample(name, found, scores, **meta)
    item.gt_instances = InstanceData(
        bboxes=torch.tensor(faces, dtype=torch.float32).reshape(-1, 4),
        difficulty=torch.tensor(difficulty, dtype=torch.bool).reshape(-1, 3),
    )
    return item


def test_faces_of_the_samples_are_the_ground_truth(warnings):
    # The image was halved for the network; detections are in pixels of the original.
    first = scene(
        '1',
        [[0, 0, 20, 20], [30, 30, 35, 35]],
        [[1, 1, 1], [0, 0, 1]],
        [[0, 0, 40, 40]],
        [0.9],
        scale_factor=(0.5, 0.5),
    )
    second = scene('2', [], [], [], [])
    figures = evaluate(SynthFacesMetric(), [first, second])
    assert figures == {'synthfaces/easy_ap': 1.0, 'synthfaces/medium_ap': 1.0, 'synthfaces/hard_ap': 0.5}


def test_detections_on_ignored_regions_do_not_count_and_those_on_empty_scenes_do(warnings):
    face, region, nothing = [0.0, 0, 40, 40], [100.0, 100, 140, 140], [200.0, 200, 240, 240]
    item = scene('1', [face], [[1, 1, 1]], [region, face], [0.9, 0.5])
    item.ignored_instances = InstanceData(bboxes=torch.tensor([region]))
    assert evaluate(SynthFacesMetric(), [item])['synthfaces/easy_ap'] == 1.0
    empty = scene('2', [], [], [nothing], [0.9])
    assert evaluate(SynthFacesMetric(), [item, empty])['synthfaces/easy_ap'] == 0.5


def test_no_image_of_the_set_gives_no_figures(truth_dir, warnings):
    figures = evaluate(WiderFaceMetric(str(truth_dir)), [sample('9--Nothing/x', [[0, 0, 5, 5]], [1.0])])
    assert np.isnan(figures['widerface/easy_ap'])
    assert figures['widerface/images'] == 0
    assert any('AP is not defined' in text for text in warnings)


def test_half_precision_boxes_are_read(warnings):
    item = scene('1', [[0, 0, 40, 40]], [[1, 1, 1]], [[0, 0, 40, 40]], [0.9])
    item.pred_instances.bboxes = item.pred_instances.bboxes.to(torch.bfloat16)
    assert evaluate(SynthFacesMetric(), [item])['synthfaces/easy_ap'] == 1.0
