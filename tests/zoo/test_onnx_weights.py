"""Published ONNX files become models that compute the same and can be trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from faceresearch.apis import init_model
from faceresearch.errors import UserError
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters.onnx_graph import read_graph

CONFIG = 'scrfd_500m_kps_widerface'
#: Two exporters: with and without batch axis, any size and 640 only.
FILES = ('det_500m_scrfd_500m_bnkps_shape640.onnx', 'scrfd_500m_kps.onnx')


@pytest.fixture(params=FILES)
def published(request: pytest.FixtureRequest, shared_dir: Path) -> Path:
    return shared_dir / 'weights/scrfd' / request.param


def outputs_of(path: Path, image: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: image.numpy()})


def photograph(shared_dir: Path) -> torch.Tensor:
    import cv2

    file = next((shared_dir / 'data/widerface/WIDER_val/images').rglob('*.jpg'))
    image = cv2.resize(cv2.imread(str(file)), (640, 640))
    return torch.from_numpy((image[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) - 127.5) / 128)[None]


def assert_equal_outputs(checkpoint: Path, published: Path, image: torch.Tensor) -> None:
    model = init_model(CONFIG, checkpoint)
    with torch.no_grad():
        found = model(image, mode='tensor')
    for ours, theirs in zip(found, outputs_of(published, image), strict=True):
        assert np.abs(ours.numpy().reshape(theirs.shape) - theirs).max() <= 1e-4


def test_identity_batch_norm_is_exact(published: Path, shared_dir: Path, tmp_path: Path) -> None:
    conversion = convert_checkpoint(published, CONFIG, tmp_path / 'w.safetensors')
    assert len(conversion.report.mapped) == 60
    assert_equal_outputs(conversion.path, published, photograph(shared_dir))
    state, metadata = read_checkpoint(conversion.path)
    assert metadata['batch_norm'] == 'identity'
    assert all((state[name] == 0).all() for name in state if name.endswith('running_mean'))


def test_calibrated_batch_norm_computes_the_same_and_can_be_trained(shared_dir: Path, tmp_path: Path) -> None:
    published = shared_dir / 'weights/scrfd' / FILES[1]
    folder = tmp_path / 'images'
    folder.mkdir()
    for file in sorted((shared_dir / 'data/widerface/WIDER_val/images').rglob('*.jpg'))[:4]:
        (folder / file.name).write_bytes(file.read_bytes())
    path = tmp_path / 'w.safetensors'
    convert_checkpoint(published, CONFIG, path, bn='calibrated', images=folder)
    image = photograph(shared_dir)
    assert_equal_outputs(path, published, image)
    # In training mode batch norm takes the batch's statistics: with identity statistics they would have nothing to do
    # with the weights, and the scores would be noise.
    expected = outputs_of(published, image)[0].ravel()
    convert_checkpoint(published, CONFIG, tmp_path / 'identity.safetensors')
    errors = {}
    for name in ('w', 'identity'):
        model = init_model(CONFIG, tmp_path / f'{name}.safetensors').train()
        with torch.no_grad():
            errors[name] = np.abs(
                model(image.expand(2, -1, -1, -1), mode='tensor')[0][0].numpy().ravel() - expected
            ).mean()
    assert errors['w'] < 0.5 * errors['identity']


def test_calibration_needs_images(shared_dir: Path, tmp_path: Path) -> None:
    published = shared_dir / 'weights/scrfd' / FILES[1]
    with pytest.raises(UserError, match='--images'):
        convert_checkpoint(published, CONFIG, tmp_path / 'w.safetensors', bn='calibrated')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='no images'):
        convert_checkpoint(published, CONFIG, tmp_path / 'w.safetensors', bn='calibrated', images=tmp_path / 'empty')
    assert not (tmp_path / 'w.safetensors').exists()


@pytest.mark.parametrize('config', ['scrfd_2_5g_kps_widerface', 'retinaface_mnet025_widerface'])
def test_the_file_of_another_model(config: str, shared_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='right config'):
        convert_checkpoint(shared_dir / 'weights/scrfd' / FILES[1], config, tmp_path / 'w.safetensors')


def test_damaged_empty_and_foreign_files(shared_dir: Path, tmp_path: Path) -> None:
    data = (shared_dir / 'weights/scrfd' / FILES[1]).read_bytes()
    for name, content in (('cut', data[: len(data) // 2]), ('none', b''), ('text', b'hello' * 100)):
        file = tmp_path / f'{name}.onnx'
        file.write_bytes(content)
        with pytest.raises(UserError, match=name):
            convert_checkpoint(file, CONFIG, tmp_path / 'w.safetensors')


def test_a_network_that_computes_no_numbers_is_not_equal(shared_dir: Path, tmp_path: Path) -> None:
    model = onnx.load(str(shared_dir / 'weights/scrfd' / FILES[1]))
    tensor = next(t for t in model.graph.initializer if t.name.startswith('bbox_head.stride_cls.(8, 8).weight'))
    broken = onnx.numpy_helper.to_array(tensor).copy()
    broken[:] = np.nan
    tensor.CopyFrom(onnx.numpy_helper.from_array(broken, tensor.name))
    path = tmp_path / 'nan.onnx'
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match='difference nan'):
        convert_checkpoint(path, CONFIG, tmp_path / 'w.safetensors')


def test_statistics_are_for_onnx_files_only(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth'
    with pytest.raises(UserError, match='--bn'):
        convert_checkpoint(source, 'retinaface_mnet025_widerface', tmp_path / 'w.safetensors', bn='calibrated')
    with pytest.raises(UserError, match='no such file'):
        convert_checkpoint(tmp_path / 'missing.onnx', CONFIG, tmp_path / 'w.safetensors')


def test_weights_in_another_file_are_not_followed(tmp_path: Path) -> None:
    tensor = TensorProto(name='w', dims=[1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key='location', value='../../etc/passwd')
    value = helper.make_tensor_value_info('x', TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node('Add', ['x', 'w'], ['y'])], 'g', [value], [], [tensor])
    graph.output.append(helper.make_tensor_value_info('y', TensorProto.FLOAT, [1]))
    (tmp_path / 'm.onnx').write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(UserError, match='another file'):
        read_graph(tmp_path / 'm.onnx')
