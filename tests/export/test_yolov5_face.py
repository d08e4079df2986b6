"""YOLOv5-Face exported: one file for every size and batch, in the layout its users know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from faceresearch.config import load_config
from faceresearch.export.parity import synthetic_images
from faceresearch.export.trace import RawOutputs, trace
from faceresearch.registry import MODELS

#: Tracing takes half a minute.
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MODELS.build(load_config('yolov5_face_n_0_5_widerface').model)
        for conv in network.head.convs:  # outputs of a size that shows differences
            nn.init.normal_(conv.weight, std=0.1)
        # Batch norms take the statistics of a batch: freshly built, the signal dies out on the way.
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
        with torch.no_grad():
            network.train()(synthetic_images(4, 192, 256, network.data_preprocessor), mode='tensor')
    return network.eval()


@pytest.fixture(scope='module')
def exported(model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('yolov5_face') / 'model.onnx'
    onnx.save(trace(RawOutputs(model), model.output_names), path)
    return path


@pytest.mark.parametrize('size', [(320, 256), (160, 192), (203, 317)])
def test_file_equals_network(exported: Path, model: nn.Module, size: tuple[int, int]) -> None:
    session = onnxruntime.InferenceSession(str(exported), providers=['CPUExecutionProvider'])
    blobs = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    images = nn.functional.interpolate(blobs, size, mode='bicubic')
    with torch.no_grad():
        expected = model(images, mode='tensor')
    together = session.run(None, {'input': images.numpy()})
    alone = [session.run(None, {'input': images[i : i + 1].numpy()}) for i in range(4)]
    for i, ours in enumerate(expected):
        # Pixels are raw outputs times anchors of up to 433 of them.
        tolerance = 1e-4 if i else 2e-2
        np.testing.assert_allclose(together[i], ours.numpy(), rtol=0, atol=tolerance)
        np.testing.assert_allclose(np.concatenate([one[i] for one in alone]), together[i], rtol=0, atol=tolerance)
    np.testing.assert_allclose(together[0][..., [4, 15]], expected[0][..., [4, 15]].numpy(), rtol=0, atol=1e-5)
    assert np.ptp(together[0][..., 4]) > 0.02, 'outputs that do not depend on the image prove nothing'


def test_first_output_is_the_layout_of_known_files(exported: Path) -> None:
    session = onnxruntime.InferenceSession(str(exported), providers=['CPUExecutionProvider'])
    assert session.get_outputs()[0].name == 'output'
    (output,) = session.run(['output'], {'input': np.zeros((1, 3, 640, 640), np.float32)})
    assert output.shape == (1, 25200, 16)
