"""Exported landmark models equal the network at their one size, for any batch, and can be tested in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from faceresearch.apis import init_model
from faceresearch.apis.export import export_onnx
from faceresearch.export import read_contract
from faceresearch.models.onnx_network import use_onnx
from faceresearch.zoo.convert import convert_checkpoint


@pytest.mark.parametrize(
    ('config', 'file'),
    [('landmark68_pfld_cunjian_300w', 'cunjian_pfld68.onnx'), ('landmark106_pfld_lite_lapa', 'pfld106_lite.pth')],
)
def test_published_weights_go_out_as_they_came_in(config: str, file: str, shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / 'weights/landmarks' / file
    weights = convert_checkpoint(source, config, tmp_path / 'weights.safetensors').path
    path = export_onnx(config, weights, tmp_path / 'model.onnx')
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].shape == ['batch', 3, 112, 112]
    assert [output.name for output in session.get_outputs()] == ['landmarks']
    crops = torch.rand(3, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    model = init_model(config, weights)
    with torch.no_grad():
        expected = model(crops, mode='tensor')[0].numpy()
    found = session.run(None, {'input': crops.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4
    assert np.ptp(found, axis=0).max() > 1e-3, 'outputs that do not differ prove nothing'
    contract = read_contract(path)
    assert contract['size'] == [112, 112]
    assert contract['landmark_scheme'] == ('300w68' if '68' in config else 'insightface106')
    with torch.no_grad():
        (before,) = model(crops[:1], mode='predict')
        use_onnx(model, path)
        (after,) = model(crops[:1], mode='predict')
    assert torch.allclose(before.pred_instances.keypoints, after.pred_instances.keypoints, atol=1e-2)
