"""YOLOv8-Face checkpoints and ONNX files become this project's weights, completely, and compute the same."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights, read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity.golden import fill
from tests.tools.running import run_tool

CONFIG = 'yolov8_face_lite_t_widerface'


@pytest.fixture
def published(shared_dir: Path) -> Path:
    return shared_dir / 'weights/yolov8_face/yolov8-lite-t.onnx'


@pytest.fixture
def converted(published: Path, tmp_path: Path) -> Path:
    return convert_checkpoint(published, CONFIG, tmp_path / 'lite_t.safetensors').path


def test_the_published_file_and_its_conversion_compute_the_same(
    published: Path, converted: Path, shared_dir: Path
) -> None:
    import onnxruntime

    model = MODELS.build(load_config(CONFIG).model).eval()
    load_weights(model, converted)
    photograph = sorted((shared_dir / 'data/widerface/WIDER_val/images').rglob('*.jpg'))[0]
    pixels = cv2.resize(cv2.imread(str(photograph)), (640, 640))
    image = np.ascontiguousarray(pixels[..., ::-1].transpose(2, 0, 1)[None] / 255, np.float32)
    session = onnxruntime.InferenceSession(str(published), providers=['CPUExecutionProvider'])
    expected = session.run(None, {'images': image})
    with torch.no_grad():
        *_, keypoints = outputs = model(torch.from_numpy(image))
    for theirs, ours, points in zip(expected, outputs[1:-1], keypoints.split([6400, 1600, 400], -1)):
        np.testing.assert_allclose(ours.numpy(), theirs[:, :65], rtol=0, atol=1e-4)
        np.testing.assert_allclose(points.numpy(), theirs[:, 65:].reshape(1, 15, -1), rtol=0, atol=1e-4)
    assert outputs[0][0, 4].max() > 0.5, 'an image in which nothing is found proves little'


def test_the_activation_is_not_guessed(published: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='computes something else with its weights'):
        convert_checkpoint(published, 'yolov8_face_lite_t_relu_widerface', tmp_path / 'out.safetensors')
    with pytest.raises(UserError, match='right config'):
        convert_checkpoint(published, 'yolov8_face_lite_s_widerface', tmp_path / 'out.safetensors')
    assert not list(tmp_path.iterdir())


def test_weights_of_the_file_are_where_they_belong(published: Path, converted: Path) -> None:
    import onnx
    from onnx import numpy_helper

    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(published)).graph.initializer}
    state, _ = read_checkpoint(converted)
    for theirs, ours in {
        'model.0.stem_2b.conv.weight': 'backbone.stem.conv2b.conv.weight',
        'model.22.cv2.1.2.weight': 'head.box.1.2.weight',
        'model.22.cv3.2.2.bias': 'head.cls.2.2.bias',
        'model.22.cv4.0.1.conv.weight': 'head.keypoint.0.1.conv.weight',
    }.items():
        np.testing.assert_array_equal(state[ours], stored[theirs])


@pytest.mark.parametrize('size', ['n', 'lite_s'])
def test_parts_of_a_state_dict_are_refused(size: str) -> None:
    """The origin's names are rebuilt from the layers that the reference lists."""
    model = MODELS.build(load_config(f'yolov8_face_{size}_widerface').model)
    target = model.state_dict()
    converter = find_converter(_names(size), CONVERTERS)
    assert converter.name.startswith('derronqi/yolov8-face')
    state = {name: torch.from_numpy(np.asarray(fill(name, shape, 0, 1.0))) for name, shape in _names(size).items()}
    with pytest.raises(UserError, match='nothing in the checkpoint fills'):
        convert(state, target, converter)
    with pytest.raises(UserError, match=r'no rule for tensor model\.23\.weight'):
        convert({**state, 'model.23.weight': torch.zeros(1)}, target, converter)
    state[next(iter(state))] = torch.zeros(1, 2, 3)
    with pytest.raises(UserError, match='right config'):
        convert(state, target, converter)


def _names(size: str) -> dict[str, tuple[int, ...]]:
    """Return the telltale tensors of an original state dict: far fewer than it has."""
    if size == 'n':
        first = {'model.0.conv.weight': (16, 3, 3, 3), 'model.2.cv1.conv.weight': (32, 32, 1, 1)}
    else:
        first = {'model.0.stem_1.conv.weight': (32, 3, 3, 3), 'model.2.1.branch2.3.weight': (48, 1, 3, 3)}
    return {**first, 'model.22.dfl.conv.weight': (1, 16, 1, 1)}


@pytest.mark.slow
def test_average_precision_is_that_of_the_published_file(converted: Path, test_data: Path, tmp_path: Path) -> None:
    """Figures of onnxruntime on the original file, with the same letterbox and suppression, measured independently."""
    outcome = run_tool(
        'test', CONFIG, converted, f'data_root={test_data}/widerface', 'rectangle=0', 'num_workers=0',
        '--work-dir', tmp_path / 'work', '--out', tmp_path / 'metrics.json',
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    expected = {'easy_ap': 0.9632, 'medium_ap': 0.9338, 'hard_ap': 0.8690, 'images': 221}
    assert {key: metrics[f'widerface/{key}'] for key in expected} == pytest.approx(expected, abs=3e-4)
