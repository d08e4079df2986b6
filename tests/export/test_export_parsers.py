"""Exported parsers equal the networks; BiSeNet at any size, XSeg at its own."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import nn

from faceresearch.apis.export import export_onnx
from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.export import read_contract
from faceresearch.export.parity import synthetic_images
from faceresearch.registry import MODELS


@pytest.mark.slow
@pytest.mark.parametrize(
    ('config', 'shape', 'outputs'),
    [
        ('bisenet_r18_celebamaskhq_512', ['batch', 3, 'height', 'width'], ['logits']),
        ('xseg_dfl_celebamaskhq_256', ['batch', 3, 256, 256], ['mask']),
    ],
)
def test_file_equals_network(
    config: str, shape: list[int | str], outputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = load_config(config)
    set_scope(cfg)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
    size = (96, 128) if config.startswith('bisenet') else (256, 256)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            # Freshly built, outputs hardly depend on the image: batch norms take the statistics of a batch.
            layer.momentum = None
    with torch.no_grad():
        model.train()(synthetic_images(4, *size, model.data_preprocessor), mode='tensor')
    model.eval()
    model.cfg = cfg
    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: model)
    path = export_onnx(config, 'none', tmp_path / 'model.onnx')
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].shape == shape and [o.name for o in session.get_outputs()] == outputs
    images = synthetic_images(2, *size, model.data_preprocessor)
    with torch.no_grad():
        (expected,) = model(images, mode='tensor')
    (found,) = session.run(None, {'input': images.numpy()})
    assert abs(found - expected.numpy()).max() < 1e-4 * max(1, expected.abs().max().item())
    contract = read_contract(path)
    assert contract['labels'][1] == ('skin' if config.startswith('bisenet') else 'face')
