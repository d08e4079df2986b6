"""XSeg: parts against their formulas, sizes, and weights in DeepFaceLab's layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from torch import nn

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.backbones.xseg import BlurPool, FilterResponseNorm, _Enlarge
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.zoo.checkpoint import load_weights
from faceresearch.zoo.convert import convert_checkpoint

CONFIG = 'xseg_dfl_celebamaskhq_256'


@pytest.fixture(scope='module')
def model() -> Any:
    torch.manual_seed(0)
    return MODELS.build(load_config(CONFIG).model).eval()


def test_filter_response_norm_is_its_formula() -> None:
    norm, x = FilterResponseNorm(4).double(), torch.randn(2, 4, 5, 7, dtype=torch.float64)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    expected = np.empty(x.shape)
    gamma, beta, tau = (getattr(norm, name).detach().numpy() for name in ('weight', 'bias', 'tau'))
    for n in range(2):
        for c in range(4):
            values = x[n, c].numpy()
            expected[n, c] = gamma[c] * values / np.sqrt((values**2).mean() + abs(norm.eps.item())) + beta[c]
            expected[n, c] = np.maximum(expected[n, c], tau[c])
    np.testing.assert_allclose(norm(x).detach().numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(('taps', 'line'), [(2, [1, 1]), (3, [1, 2, 1]), (4, [1, 3, 3, 1])])
def test_blur_is_binomial_with_zeros_around(taps: int, line: list[int]) -> None:
    x = np.random.default_rng(0).standard_normal((8, 6))
    kernel = np.outer(line, line) / np.sum(line) ** 2
    before = (taps - 1) // 2
    padded = np.zeros((8 + taps, 6 + taps))
    padded[before : before + 8, before : before + 6] = x
    expected = [
        [(padded[2 * i : 2 * i + taps, 2 * j : 2 * j + taps] * kernel).sum() for j in range(3)] for i in range(4)
    ]
    found = BlurPool(taps).double()(torch.from_numpy(x)[None, None].expand(1, 3, -1, -1))
    assert found.shape == (1, 3, 4, 3)
    np.testing.assert_allclose(found[0, 1].numpy(), expected, rtol=1e-12)


def test_enlarging_is_the_transpose_of_tensorflows_same_convolution() -> None:
    """⟨T x, y⟩ = ⟨x, C y⟩, where C halves a map with one zero after it, none before, as TensorFlow pads even sizes."""
    layer = _Enlarge(2, 3).double()
    layer.norm = nn.Identity()  # type: ignore[assignment]
    nn.init.zeros_(layer.conv.bias)
    x, y = torch.randn(1, 2, 4, 5).double(), torch.randn(1, 3, 8, 10).double()
    halved = nn.functional.conv2d(nn.functional.pad(y, (0, 1, 0, 1)), layer.conv.weight, stride=2)
    assert (layer(x) * y).sum().item() == pytest.approx((x * halved).sum().item(), rel=1e-10)


def test_size_and_range(model: Any) -> None:
    assert sum(p.numel() for p in model.parameters()) == 17_569_317
    with torch.no_grad():
        (mask,) = model(torch.rand(1, 3, 256, 256), mode='tensor')
    assert mask.shape == (1, 1, 256, 256) and mask.min() >= 0 and mask.max() <= 1
    with pytest.raises(UserError, match='takes images of 256 x 256, not 320 x 256'):
        model(torch.rand(1, 3, 256, 320), mode='tensor')


def test_prediction_and_loss(model: Any) -> None:
    sample = FaceDataSample(metainfo={'ori_shape': (100, 200), 'img_shape': (256, 256), 'scale_factor': (1.28, 2.56)})
    truth = torch.full((1, 256, 256), 255, dtype=torch.uint8)
    truth[:, :64], truth[:, 64:128] = 1, 0
    sample.gt_sem_seg = PixelData(sem_seg=truth)
    images = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        found = model.predict(images, [sample])[0].pred_sem_seg
        loss = model(images, [sample], mode='loss')['loss_mask'].item()
        chance = model(images, mode='tensor')[0][0, 0].double().numpy()
    assert found.sem_seg.shape == found.prob.shape == (1, 100, 200)
    assert ((found.prob > 0.5) == found.sem_seg.bool()).all()
    assert loss == pytest.approx(-(np.log(chance[:64]).mean() + np.log(1 - chance[64:128]).mean()) / 2, rel=1e-4)


def deepfacelab(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Write a network's weights as DeepFaceLab names and lays them out (reference: its layers' names and kernels)."""
    names = {
        0: ('01', '02'),
        1: ('11', '12'),
        2: ('21', '22'),
        3: ('31', '32', '33'),
        4: ('41', '42', '43'),
        5: ('51', '52', '53'),
    }
    back = {
        5: ('53', '52', '51'),
        4: ('43', '42', '41'),
        3: ('33', '32', '31'),
        2: ('22', '21'),
        1: ('12', '11'),
        0: ('02', '01'),
    }
    arrays = {}
    for name, tensor in state.items():
        value = tensor.numpy()
        if value.ndim == 4:
            # Of both kinds of kernels: out, in or in, out before height and width here, after them there.
            value = value.transpose(2, 3, 1, 0)
        elif value.ndim == 2:
            value = value.T
        part = name.rpartition('.')[2]
        layer = {'weight': 'conv/weight', 'bias': 'conv/bias'}.get(part, '')
        if match := re.fullmatch(r'backbone\.(encoder|decoder)\.(\d)\.(\d)\.([01])\.\w+', name):
            kind, stage, unit, half = match[1], int(match[2]), int(match[3]), match[4]
            where = f'conv{names[stage][unit]}' if kind == 'encoder' else f'uconv{back[5 - stage][unit]}'
            layer = layer if half == '0' else 'tlu/tau' if part == 'tau' else f'frn/{part}'
        elif match := re.fullmatch(r'backbone\.enlarge\.(\d)\.(conv|norm)\.\w+', name):
            where = f'up{5 - int(match[1])}'
            layer = layer if match[2] == 'conv' else 'tlu/tau' if part == 'tau' else f'frn/{part}'
        elif match := re.fullmatch(r'backbone\.dense\.(\d)\.\w+', name):
            where, layer = f'dense{int(match[1]) + 1}', part
        else:
            where, layer = 'out_conv', part
        arrays[f'{where}/{layer}:0'] = value
    return arrays


def test_weights_in_deepfacelabs_layout_come_back(model: Any, tmp_path: Path) -> None:
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.05)
    arrays = deepfacelab(model.state_dict())
    assert arrays['conv01/conv/weight:0'].shape == (3, 3, 3, 32) and arrays['up5/conv/weight:0'].shape == (
        3,
        3,
        128,
        256,
    )
    assert arrays['dense1/weight:0'].shape == (4096, 512) and 'uconv53/frn/eps:0' in arrays
    np.savez(tmp_path / 'xseg.npz', **arrays)
    done = convert_checkpoint(tmp_path / 'xseg.npz', CONFIG, tmp_path / 'xseg.safetensors')
    assert len(done.report.mapped) == len(arrays) and not done.report.dropped
    other = MODELS.build(load_config(CONFIG).model).eval()
    load_weights(other, done.path)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    np.savez(tmp_path / 'less.npz', **{name: array for name, array in arrays.items() if name != 'conv12/tlu/tau:0'})
    with pytest.raises(UserError, match=r'nothing in the checkpoint fills backbone\.encoder\.1\.1\.1\.tau'):
        convert_checkpoint(tmp_path / 'less.npz', CONFIG, tmp_path / 'less.safetensors')


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / 'xseg.npy', np.array({'conv01/conv/weight:0': 1}, dtype=object), allow_pickle=True)
    with pytest.raises(UserError):
        convert_checkpoint(tmp_path / 'xseg.npy', CONFIG, tmp_path / 'x.safetensors')
    np.savez(tmp_path / 'objects.npz', weights=np.array([{}], dtype=object))
    with pytest.raises(UserError, match='holds Python objects'):
        convert_checkpoint(tmp_path / 'objects.npz', CONFIG, tmp_path / 'x.safetensors')
