"""A detector, and a model that looks at the faces it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from torch import nn

from faceresearch.analysis.stages import grow_boxes
from faceresearch.apis import FaceAnalyzer, inference, init_model
from faceresearch.apis.infer_tasks import analyze_and_draw
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.structures import FaceDataSample
from tests.analysis.doubles import Detector
from tests.tools.running import error_line, run_tool

SMALL = ['codec.input_size=[64,64]', 'codec.heatmap_size=[16,16]', 'flip_test=false']
BOXES = np.array([[10, 20, 50, 60], [60, 10, 100, 30], [5, 5, 6, 6], [30, 30, 70, 70]], np.float32)
SCORES = np.array([0.6, 0.9, 0.95, 0.3], np.float32)


class Recorder(nn.Module):
    """A model of single faces that keeps what it was shown and parses everything above the middle as class 1."""

    def __init__(self, cfg: Any) -> None:
        super().__init__()
        self.cfg = cfg
        self.seen: list[Any] = []

    def test_step(self, batch: dict[str, Any]) -> list[FaceDataSample]:
        self.seen += [image.permute(1, 2, 0).numpy() for image in batch['inputs']]
        for sample in batch['data_samples']:
            height, width = sample.ori_shape[:2]
            mask = torch.zeros(1, height, width, dtype=torch.long)
            mask[:, : height // 2] = 1
            sample.pred_sem_seg = PixelData(sem_seg=mask)
        return batch['data_samples']


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (80, 120, 3), dtype=np.uint8)


def detector() -> Detector:
    return Detector(BOXES, SCORES, points=False)


def hrnet(*overrides: str) -> nn.Module:
    torch.manual_seed(0)
    return init_model(load_config('hrnetv2_w18_hysts_anime28', [*SMALL, *overrides]))


def test_boxes_grow_as_in_the_original() -> None:
    """20 pixels from 10 to 29 are 22 about 19.5."""
    np.testing.assert_allclose(grow_boxes(np.array([[10.0, 10, 29, 29]]), 1.1), [[8.5, 8.5, 30.5, 30.5]])


def test_landmarks_are_those_of_each_box(image: np.ndarray) -> None:
    """What mmpose itself finds for a box that was grown by hand."""
    from mmpose.apis import inference_topdown

    model = hrnet()
    faces = FaceAnalyzer(detector(), [model]).analyze(image)
    np.testing.assert_allclose([face.score for face in faces], [0.9, 0.6], rtol=1e-6)  # not the speck, not the weak one
    np.testing.assert_array_equal([face.box for face in faces], BOXES[[1, 0]])
    grown = np.array([[57.45, 8.45, 102.55, 31.55], [7.45, 17.45, 52.55, 62.55]], np.float32)
    model.dataset_meta = {'flip_indices': list(range(28))}
    expected = inference_topdown(model, image, grown)
    for face, theirs in zip(faces, expected, strict=True):
        np.testing.assert_allclose(face.landmarks, theirs.pred_instances.keypoints[0], atol=1e-2)
        np.testing.assert_allclose(face.landmark_scores, theirs.pred_instances.keypoint_scores[0], atol=1e-4)
        assert face.landmark_scheme == 'anime28'


def test_without_a_detector_the_image_is_the_face(image: np.ndarray) -> None:
    model = hrnet()
    (face,) = FaceAnalyzer(None, [model]).analyze(image)
    np.testing.assert_array_equal(face.box, [0, 0, 120, 80])
    assert face.score == 1
    (sample,) = inference(model, [image], boxes=[np.array([0, 0, 120, 80], np.float32)])  # and is not grown
    np.testing.assert_allclose(face.landmarks, sample.pred_instances.keypoints[0], atol=1e-4)


def test_other_models_are_shown_the_part_of_the_image(image: np.ndarray) -> None:
    cfg = load_config('bisenet_r18_celebamaskhq_512', ['+contract.detected_box_scale=1.2', 'test_size=32'])
    model = Recorder(cfg)
    faces = FaceAnalyzer(detector(), [model], score_thr=0.2).analyze(image)
    # 41 pixels · 1.2 about (50, 50): outwards to whole pixels.
    assert faces[2].mask_region == (25, 25, 75, 75)
    assert faces[0].mask_region == (55, 7, 105, 33)
    part = cv2.resize(image[25:75, 25:75], (32, 32))
    np.testing.assert_allclose(model.seen[2], part, atol=2)


def test_masks_lie_where_the_faces_are(image: np.ndarray) -> None:
    model = Recorder(load_config('bisenet_r18_celebamaskhq_512', ['test_size=32']))
    drawn = analyze_and_draw(FaceAnalyzer(detector(), [model]), image)
    mask = drawn.masks['mask']
    assert mask.shape == (80, 120)
    assert mask[20:40, 10:50].all() and mask[10:20, 60:100].all()
    assert mask.sum() == 20 * 40 + 10 * 40
    assert [set(face) for face in drawn.values['faces']] == [{'box', 'score', 'mask_region', 'classes'}] * 2
    assert [face['score'] for face in drawn.values['faces']] == [0.9, 0.6]


def test_a_picture_without_faces_stays_as_it_is(image: np.ndarray) -> None:
    drawn = analyze_and_draw(FaceAnalyzer(detector(), [hrnet()], score_thr=0.99), image)
    assert drawn.values == {'faces': []}
    np.testing.assert_array_equal(drawn.picture, image)


def test_what_does_not_detect_cannot_come_first(image: np.ndarray) -> None:
    model = hrnet()
    with pytest.raises(UserError, match='cannot come first'):
        FaceAnalyzer(hrnet(), [model]).analyze(image)


def test_anime_faces_from_the_command_line(image: np.ndarray, tmp_path: Path) -> None:
    """YOLOv3 and HRNet, both of random weights: every box that is found gets 28 points."""
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    command = ['hrnetv2_w18_hysts_anime28', 'none', tmp_path / 'a.png', '--json', *SMALL, 'seed=1']
    alone = run_tool('infer', *command, '-o', tmp_path / 'alone')
    assert alone.status == 0, alone.err
    (face,) = json.loads((tmp_path / 'alone/detections.json').read_text())['images'][0]['faces']
    assert face['box'] == [0, 0, 120, 80] and face['score'] == 1
    assert len(face['points']) == len(face['point_scores']) == 28
    detector = ['--detector', 'yolov3_d53_blackpad_anime', 'none', '--score-thr', '0.1']
    done = run_tool('infer', *command, *detector, '-o', tmp_path / 'both')
    assert done.status == 0, done.err
    faces = json.loads((tmp_path / 'both/detections.json').read_text())['images'][0]['faces']
    assert all(len(face['landmarks']) == len(face['landmark_scores']) == 28 for face in faces)
    wrong = run_tool('infer', *command, '--detector', 'yolov3_d53_anim', 'none', '-o', tmp_path / 'x')
    assert 'yolov3_d53_anime' in error_line(wrong)
