"""The two published MiniFASNets, converted, decide as the original code does: on webcam crops and on the authors' frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceresearch.apis import inference, init_model
from faceresearch.apis.test import test as run_test
from faceresearch.zoo.convert import convert_checkpoint

FILES = {
    'minifasnet_v2_celebaspoof_80': '2.7_80x80_MiniFASNetV2.pth',
    'minifasnet_v1se_celebaspoof_80': '4_0_0_80x80_MiniFASNetV1SE.pth',
}
FUSED = 'minifasnet_v2_v1se_liveness'


@pytest.fixture(scope='module')
def checkpoints(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp('minifasnet')
    for config, name in FILES.items():
        convert_checkpoint(shared_dir / 'weights/anti_spoof' / name, config, folder / f'{config}.safetensors')
    return '+'.join(str(folder / f'{config}.safetensors') for config in FILES)


@pytest.fixture(scope='module')
def golden(golden_dir: Path) -> dict[str, Any]:
    return json.loads((golden_dir / 'evaluation/minifasnet_webcam.json').read_text())


def test_probabilities_of_each_network(checkpoints: str, golden: dict[str, Any], test_data: Path) -> None:
    names = list(golden['probabilities'])
    images = [test_data / 'anti_spoof/liveness' / name for name in names]
    for config, checkpoint, key in zip(FILES, checkpoints.split('+'), ('v2_2.7', 'v1se_4.0'), strict=True):
        found = [s.pred_attributes.spoof_scores.numpy() for s in inference(init_model(config, checkpoint), images)]
        expected = [golden['probabilities'][name][key] for name in names]
        assert np.abs(np.array(found) - expected).max() < 1e-3


def test_error_rates_of_both_together(
    checkpoints: str, golden: dict[str, Any], test_data: Path, tmp_path: Path
) -> None:
    overrides = [f'data_root={test_data}/anti_spoof/liveness', 'num_workers=0']
    figures = run_test(FUSED, checkpoints, overrides, work_dir=tmp_path)
    assert figures['spoof/bpcer'] == golden['fused']['bpcer']
    assert figures['spoof/apcer'] == golden['fused']['apcer']


def test_frames_of_the_authors_with_our_detector(checkpoints: str, shared_dir: Path, tmp_path: Path) -> None:
    detector_config = 'retinaface_mnet025_widerface'
    weights = tmp_path / 'retinaface.safetensors'
    convert_checkpoint(shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth', detector_config, weights)
    names = ('image_F1', 'image_F2', 'image_T1')
    images = [shared_dir / f'data/anti_spoof/minivision_samples/{name}.jpg' for name in names]
    faces = [s.pred_instances for s in inference(init_model(detector_config, weights), images)]
    boxes = [found.bboxes[found.scores.argmax()].numpy() for found in faces]
    samples = inference(init_model(FUSED, checkpoints), images, boxes=boxes)
    labels = [int(sample.pred_attributes.spoof) for sample in samples]
    assert [label == 1 for label in labels] == [False, False, True]
