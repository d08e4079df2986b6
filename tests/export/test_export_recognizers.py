"""Exported recognisers equal the network at their one size, for any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from faceresearch.apis.export import export_onnx
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.export import read_contract
from faceresearch.export.parity import check, compare, synthetic_images
from faceresearch.export.trace import trace
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from tests.tools.running import error_line, run_tool

CONFIGS = ('arcface_mbf_webface600k', 'arcface_r18_ms1mv3', 'arcface_vit_t_webface42m', 'adaface_ir18_webface4m')


@pytest.mark.slow
@pytest.mark.parametrize('config', CONFIGS)
def test_file_equals_network(config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS.build(without_head(load_config(config).model))
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            # Freshly built, outputs hardly depend on the image: batch norms take the statistics of a batch.
            layer.momentum = None
    with torch.no_grad():
        model.train()(synthetic_images(8, 112, 112, model.data_preprocessor), mode='tensor')
    model.eval()
    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: model)
    path = export_onnx(config, 'none', tmp_path / 'model.onnx')

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert [v.name for v in session.get_outputs()] == list(model.output_names)
    assert session.get_inputs()[0].shape == ['batch', 3, 112, 112]
    for batch in (1, 4):
        images = torch.randn(batch, 3, 112, 112, generator=torch.Generator().manual_seed(batch))
        with torch.no_grad():
            expected = model(images, mode='tensor')
        for ours, theirs in zip(expected, session.run(None, {'input': images.numpy()}), strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-4, atol=1e-4)
            assert batch == 1 or np.ptp(theirs, axis=0).max() > 0.01, 'outputs that do not differ prove nothing'
    contract = read_contract(path)
    assert contract['size'] == [112, 112] and contract['embedding_size'] == 512
    assert contract['colour_order'] == ('BGR' if config.startswith('adaface') else 'RGB')
    assert contract['alignment'] == 'arcface 112x112'


def test_large_values_are_judged_by_their_digits() -> None:
    """The length of an untrained embedding may be 1e5, of which float32 holds seven digits; 1 % too much is found."""

    class Length(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 512)

        def forward(self, input: torch.Tensor) -> tuple[torch.Tensor]:
            return (torch.linalg.vector_norm(self.fc(input[:, :, 5, 7]), dim=1, keepdim=True),)

    torch.manual_seed(0)
    network = Length()
    nn.init.normal_(network.fc.weight, std=1e4)
    graph = trace(network, ('norm',)).SerializeToString()
    rows = compare(network, graph, ('norm',))
    assert min(row.max_value for row in rows) > 5e4
    check(rows)
    with torch.no_grad():
        network.fc.weight *= 1.01
    with pytest.raises(UserError, match="output 'norm'"):
        check(compare(network, graph, ('norm',)))


def test_the_benchmark_tool_takes_the_models_own_size() -> None:
    outcome = run_tool('benchmark', 'arcface_mbf_webface600k', '--backends', 'torch', '--runs', '1', '--device', 'cpu')
    assert outcome.status == 0, outcome.err
    assert '2,059,520 parameters, 0.438 G multiply-adds' in ' '.join(outcome.out.split())
    assert '1 x 3 x 112 x 112' in outcome.out
    outcome = run_tool('benchmark', 'arcface_mbf_webface600k', '--backends', 'torch', '--size', '128', '128')
    assert '112 x 112 pixels, not 128 x 128' in error_line(outcome)
