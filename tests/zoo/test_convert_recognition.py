"""Published recognition checkpoints become this project's weights, completely, and compute the same."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights, read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity.golden import load_case

FOAMLIU = 'mobileface_foamliu_ms1m'
CLCARWIN = 'sphereface_sphere20a_casia'
FACENET = 'facenet_512_vggface2_160'


@pytest.fixture(scope='module')
def published(shared_dir: Path) -> Path:
    return shared_dir / 'weights/recognition'


@pytest.fixture(scope='module')
def faces(test_data: Path) -> Tensor:
    """Four real faces as the network sees them: RGB, ImageNet mean and deviation."""
    paths = sorted((test_data / 'cfp').rglob('*.jpg'))[:4]
    assert len(paths) == 4
    pixels = np.stack([cv2.resize(cv2.imread(str(path)), (112, 112))[..., ::-1] for path in paths]) / 255
    normalised = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return torch.from_numpy(np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), np.float32))


def computed_by_onnxruntime(path: Path, images: Tensor) -> np.ndarray:
    """Return embeddings (N, D) of the original file, which takes one image at a time."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None].numpy()})[0] for image in images])


def model_of(config: str) -> torch.nn.Module:
    return MODELS.build(without_head(load_config(config).model)).eval()


@pytest.mark.parametrize('file', ['foamliu_mobilefacenet.pt', 'foamliu_MobileFaceNet.onnx'])
def test_foamliu_weights_embed_as_the_original_does(file: str, published: Path, faces: Tensor, tmp_path: Path) -> None:
    conversion = convert_checkpoint(published / file, FOAMLIU, tmp_path / 'out.safetensors')
    model = model_of(FOAMLIU)
    load_weights(model, conversion.path)
    with torch.no_grad():
        (embedding,) = model(faces)
    expected = computed_by_onnxruntime(published / 'foamliu_MobileFaceNet.onnx', faces)
    assert np.ptp(expected, axis=0).max() > 1, 'faces that embed alike prove little'
    np.testing.assert_allclose(embedding.numpy(), expected, rtol=0, atol=1e-4)


def test_every_tensor_of_the_published_file_is_used(published: Path, tmp_path: Path) -> None:
    state, _ = read_checkpoint(published / 'foamliu_mobilefacenet.pt')
    conversion = convert_checkpoint(published / 'foamliu_mobilefacenet.pt', FOAMLIU, tmp_path / 'out.safetensors')
    assert set(conversion.report.mapped) == set(state) and not conversion.report.dropped
    counted = {name for name in state if not name.endswith(('running_mean', 'running_var', 'num_batches_tracked'))}
    model = model_of(FOAMLIU)
    assert sum(p.numel() for p in model.parameters()) == sum(state[name].numel() for name in counted)


def test_another_network_does_not_take_the_weights(published: Path, tmp_path: Path) -> None:
    for file in ('foamliu_mobilefacenet.pt', 'foamliu_MobileFaceNet.onnx'):
        with pytest.raises(UserError, match='right config'):
            convert_checkpoint(published / file, 'mobileface_mnet025_ms1mv2', tmp_path / 'out.safetensors')
    assert not list(tmp_path.iterdir())


def test_sphere20a_of_clcarwin_computes_what_its_layers_say() -> None:
    """The original written down again, from the names of its layers: reference/recognition.md §1.7."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}
    for stage, (before, width, convolutions) in enumerate(((3, 64, 3), (64, 128, 5), (128, 256, 9), (256, 512, 3)), 1):
        for number in range(1, convolutions + 1):
            inside = before if number == 1 else width
            weight = torch.randn(width, inside, 3, 3, generator=generator) / (9 * inside) ** 0.5
            state[f'conv{stage}_{number}.weight'] = weight
            state[f'conv{stage}_{number}.bias'] = torch.randn(width, generator=generator)
            state[f'relu{stage}_{number}.weight'] = torch.rand(width, generator=generator)
    state['fc5.weight'] = torch.randn(512, 512 * 7 * 6, generator=generator) / (512 * 42) ** 0.5
    state['fc5.bias'] = torch.randn(512, generator=generator)
    state['fc6.weight'] = torch.randn(512, 10574, generator=generator)

    def layer(x: Tensor, name: str, stride: int = 1) -> Tensor:
        x = F.conv2d(x, state[f'conv{name}.weight'], state[f'conv{name}.bias'], stride, 1)
        return F.prelu(x, state[f'relu{name}.weight'])

    images = torch.randn(2, 3, 112, 96, generator=generator)
    x = images
    for stage, blocks in enumerate((1, 2, 4, 1), 1):
        x = layer(x, f'{stage}_1', stride=2)
        for block in range(blocks):
            x = x + layer(layer(x, f'{stage}_{2 * block + 2}'), f'{stage}_{2 * block + 3}')
    expected = F.linear(x.flatten(1), state['fc5.weight'], state['fc5.bias'])

    model = model_of(CLCARWIN)
    converter = find_converter(state, CONVERTERS)
    assert converter.name == 'clcarwin/sphereface_pytorch'
    converted, report = convert(state, model.state_dict(), converter)
    assert set(report.dropped) == {'fc6.weight'} and len(report.mapped) == len(state) - 1
    model.load_state_dict(converted)
    with torch.no_grad():
        (embedding,) = model(images)
    torch.testing.assert_close(embedding, expected, rtol=0, atol=1e-4)
    assert sum(p.numel() for p in model.parameters()) == sum(state[name].numel() for name in report.mapped)


def test_facenets_classifier_is_dropped_with_a_reason(golden_dir: Path) -> None:
    meta, _ = load_case(golden_dir / 'networks/facenet512.npz')
    with torch.device('meta'):
        target = model_of(FACENET).state_dict()
        state = {name: torch.empty(shape) for name, shape, _ in meta['state_dict']}
        state |= {'logits.weight': torch.empty(8631, 512), 'logits.bias': torch.empty(8631)}
    converter = find_converter(state, CONVERTERS)
    converted, report = convert(state, target, converter)
    assert set(converted) == set(target)
    assert set(report.dropped) == {'logits.weight', 'logits.bias'}
    assert all('classifier' in reason for reason in report.dropped.values())
    with pytest.raises(UserError, match=r'no rule for tensor mixed_8a\.conv\.weight'):
        convert({**state, 'mixed_8a.conv.weight': torch.empty(1)}, target, converter)
    del state['repeat_2.9.conv2d.bias']
    with pytest.raises(UserError, match=r'nothing in the checkpoint fills backbone\.blocks17\.9\.project\.bias'):
        convert(state, target, converter)


@pytest.mark.parametrize('case', ['mobileface_mnetv2', 'mobileface_mnetv3s', 'sphere20'])
def test_weights_of_another_size_are_refused(case: str, golden_dir: Path) -> None:
    meta, _ = load_case(golden_dir / f'networks/{case}.npz')
    others = {
        'mobileface_mnetv2': 'mobileface_mnetv3s_ms1mv2',
        'mobileface_mnetv3s': 'mobileface_mnetv3l_ms1mv2',
        'sphere20': 'sphereface_sphere36_ms1mv2',
    }
    with torch.device('meta'):
        target = model_of(others[case]).state_dict()
        state = {name: torch.empty(shape) for name, shape, _ in meta['state_dict']}
    with pytest.raises(UserError, match=r'right config|nothing in the checkpoint fills'):
        convert(state, target, find_converter(state, CONVERTERS))
