"""Exported recognition networks equal the networks, at the one size that each takes, and come back from their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from faceresearch.config import load_config
from faceresearch.export.parity import check, compare, open_session, synthetic_images
from faceresearch.export.trace import RawOutputs, slim, trace
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights
from faceresearch.zoo.convert import convert_checkpoint

#: Its layer norms and learnt temperatures are not read from graphs.
NOT_READ = 'edgeface_xs_gamma06_webface12m', 'mobileface_timm_ms1mv2'


@pytest.mark.slow
@pytest.mark.parametrize(
    ('config', 'size', 'length'),
    [
        ('mobileface_mnetv2_ms1mv2', (112, 112), 512),
        ('mobileface_mnetv3s_ms1mv2', (112, 112), 512),
        ('mobileface_foamliu_ms1m', (112, 112), 128),
        ('mobileface_timm_ms1mv2', (112, 112), 512),
        ('sphereface_sphere20a_casia', (112, 96), 512),
        ('facenet_512_vggface2_160', (160, 160), 512),
        ('edgeface_xs_gamma06_webface12m', (112, 112), 512),
    ],
)
def test_file_equals_network_and_comes_back(config: str, size: tuple[int, int], length: int, tmp_path: Path) -> None:
    cfg = load_config(config)
    assert tuple(cfg.contract.size) == size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS.build(without_head(cfg.model))
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            # Freshly built, embeddings hardly depend on the image.
            layer.momentum = None
    with torch.no_grad():
        model.train()(synthetic_images(4, *size, model.data_preprocessor), mode='tensor')
    network = RawOutputs(model.eval())
    data = slim(trace(network, model.output_names, fixed_size=size)).SerializeToString()
    rows = compare(network, data, model.output_names, model.data_preprocessor, (size,))
    check(rows)
    assert max(row.variation for row in rows) > 1e-2

    session = open_session(data)
    (entry,) = session.get_inputs()
    assert entry.shape == ['batch', 3, *size] and [o.name for o in session.get_outputs()] == ['embedding']
    images = synthetic_images(3, *size, model.data_preprocessor).numpy()
    (together,) = session.run(None, {entry.name: images})
    alone = np.concatenate([session.run(None, {entry.name: images[i : i + 1]})[0] for i in range(3)])
    assert together.shape == (3, length)
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-4)

    if config in NOT_READ:
        return
    (tmp_path / 'model.onnx').write_bytes(data)
    conversion = convert_checkpoint(tmp_path / 'model.onnx', config, tmp_path / 'back.safetensors')
    again = MODELS.build(without_head(cfg.model)).eval()
    load_weights(again, conversion.path)
    with torch.no_grad():
        (embedding,) = again(torch.from_numpy(images))
    np.testing.assert_allclose(embedding.numpy(), together, rtol=0, atol=1e-4 * np.abs(together).max())
