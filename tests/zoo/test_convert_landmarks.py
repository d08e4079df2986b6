"""Published landmark networks: converted, equal to their files, and as exact on real faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pytest
import torch
from torch import nn

from faceresearch.apis import init_model
from faceresearch.config import load_config
from faceresearch.datasets import PointsCsvDataset
from faceresearch.datasets.landmark_conversions import convert_points
from faceresearch.registry import MODELS
from faceresearch.zoo.convert import convert_checkpoint

PFLD68 = 'landmark68_pfld_cunjian_300w'
PFLD106 = 'landmark106_pfld_lite_lapa'


def session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def crops_of_ytf(shared_dir: Path, **arguments: Any) -> tuple[torch.Tensor, list[Any]]:
    test = load_config(PFLD68).test_dataloader.dataset.pipeline
    dataset = PointsCsvDataset(
        str(shared_dir / 'data/landmarks/ytf68'), 'keypoints.csv', 'images', pipeline=test, test_mode=True, **arguments
    )
    packed = [dataset[i] for i in range(len(dataset))]
    return torch.stack([sample['inputs'] for sample in packed]), [sample['data_samples'] for sample in packed]


def nme(points: np.ndarray, samples: list[Any]) -> float:
    """Inter-ocular error in the crop: a similarity of crop and image changes no ratio."""
    truth = np.stack([sample.gt_instances.keypoints[0].numpy() for sample in samples])
    distances = np.linalg.norm(points - truth, axis=-1).mean(1)
    return float((distances / np.linalg.norm(truth[:, 36] - truth[:, 45], axis=-1)).mean())


def test_pfld68_has_the_files_error_on_real_faces(shared_dir: Path, tmp_path: Path) -> None:
    """0.054 in square crops of 1.2 times the longer side of the points' box, pixels BGR / 255."""
    source = shared_dir / 'weights/landmarks/cunjian_pfld68.onnx'
    done = convert_checkpoint(source, PFLD68, tmp_path / 'pfld68.safetensors')
    assert len(done.report.mapped) == 45  # 44 convolutions with their batch norms, and fc
    crops, samples = crops_of_ytf(shared_dir)
    assert len(samples) == 120
    file = session(source)
    theirs = file.run(None, {'input': (crops.float() / 255).numpy()})[0].reshape(-1, 68, 2) * 112
    model = init_model(PFLD68, done.path)
    with torch.no_grad():
        inputs = model.data_preprocessor({'inputs': list(crops), 'data_samples': None})['inputs']
        ours = model(inputs, mode='tensor')[0].reshape(-1, 68, 2).numpy() * 112
    assert np.abs(ours - theirs).max() < 1e-2  # of a pixel
    expected = nme(theirs, samples)
    assert expected == pytest.approx(0.054, abs=0.001)
    assert nme(ours, samples) == pytest.approx(expected, abs=1e-5)


def test_pfld106_is_its_onnx_file(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / 'weights/landmarks/pfld106_lite.onnx'
    done = convert_checkpoint(source, PFLD106, tmp_path / 'pfld106.safetensors')
    assert_computes(done.path, session(source))


def test_pfld106_checkpoint_is_the_network_of_the_onnx_file(shared_dir: Path, tmp_path: Path) -> None:
    """The published .pth is another state of the training than the .onnx (all weights differ), so the file's graph is
    given the checkpoint's weights, with the batch norms folded as the file has them."""
    folder = shared_dir / 'weights/landmarks'
    done = convert_checkpoint(folder / 'pfld106_lite.pth', PFLD106, tmp_path / 'pfld106.safetensors')
    assert all(name.startswith('auxiliarynet.') for name in done.report.dropped)
    graph = onnx.load(str(folder / 'pfld106_lite.onnx'))
    state = torch.load(folder / 'pfld106_lite.pth', weights_only=True, map_location='cpu')['plfd_backbone']
    stored = {tensor.name: tensor for tensor in graph.graph.initializer}
    # Folded layers are numbered, in the order of the checkpoint; the others have their names.
    layers = [node.input for node in graph.graph.node if node.op_type == 'Conv' and node.input[1].isdigit()]
    convolutions = [name for name in state if name.endswith('.weight') and state[name].ndim == 4 and 'model' in name]
    assert len(layers) == len(convolutions)
    for (_, weight, bias), name in zip(layers, convolutions, strict=True):
        stem, _, number = name.removesuffix('.weight').rpartition('.')
        norm = {key: state[f'{stem}.{int(number) + 1}.{key}'].double() for key in NORM}
        scale = norm['weight'] / (norm['running_var'] + 1e-5).sqrt()
        replace(stored[weight], state[name].double() * scale[:, None, None, None])
        replace(stored[bias], norm['bias'] - norm['running_mean'] * scale)
    for name in stored.keys() & state.keys():
        replace(stored[name], state[name])
    path = tmp_path / 'checkpoint.onnx'
    onnx.save(graph, str(path))
    assert_computes(done.path, session(path))


def test_pfld106_numbers_its_points_as_insightface_does(shared_dir: Path, tmp_path: Path) -> None:
    """Brought from that order to 68 points they lie where people annotated them; taken for LaPa's order they do not."""
    done = convert_checkpoint(
        shared_dir / 'weights/landmarks/pfld106_lite.pth', PFLD106, tmp_path / 'pfld106.safetensors'
    )
    crops, samples = crops_of_ytf(shared_dir, indices=40)
    with torch.no_grad():
        found = init_model(PFLD106, done.path)(crops.float() / 255, mode='tensor')[0].reshape(-1, 106, 2).numpy() * 112
    errors = {
        scheme: nme(convert_points(found, np.ones(found.shape[:2]), scheme, '300w68')[0], samples)
        for scheme in ('insightface106', 'lapa106')
    }
    assert errors['insightface106'] < 0.1
    assert errors['lapa106'] > 0.4


NORM = ('weight', 'bias', 'running_mean', 'running_var')


def replace(stored: Any, tensor: torch.Tensor) -> None:
    stored.CopyFrom(onnx.numpy_helper.from_array(tensor.float().numpy(), stored.name))


def assert_computes(weights: Path, file: Any) -> None:
    crops = torch.rand(3, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    expected = np.concatenate([file.run(['output'], {'input': crop[None].numpy()})[0] for crop in crops])
    with torch.no_grad():
        found = init_model(PFLD106, weights)(crops, mode='tensor')[0].numpy()
    assert np.abs(found - expected).max() < 1e-4


class Normalized(nn.Module):
    """The network as the published file has it: pixels go in, (x − 127.5) / 128 is its first step."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model((pixels - 127.5) * (1 / 128), mode='tensor')[0]


def test_2d106_comes_from_a_file_of_its_published_form(tmp_path: Path) -> None:
    """No 2d106det.onnx is at hand: one of the same structure, input scaling and layer order stands for it."""
    config = load_config('landmark106_mnet050_lapa_192')
    torch.manual_seed(0)
    network = MODELS.build(config.model).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
        elif isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0, 0.5)
    path = tmp_path / '2d106det.onnx'
    torch.onnx.export(
        Normalized(network),
        (torch.zeros(1, 3, 192, 192),),
        str(path),
        input_names=['data'],
        output_names=['fc1'],
        dynamo=False,
    )
    done = convert_checkpoint(path, 'landmark106_mnet050_lapa_192', tmp_path / 'm.safetensors')
    model = init_model('landmark106_mnet050_lapa_192', done.path)
    pixels = torch.randint(0, 256, (1, 3, 192, 192), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        inputs = model.data_preprocessor({'inputs': [pixels[0].flip(0)], 'data_samples': None})['inputs']
        found = model(inputs, mode='tensor')[0].numpy()
    # The file takes RGB pixels as they are.
    expected = session(path).run(None, {'data': pixels.float().numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4
