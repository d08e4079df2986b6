"""The IR family: sizes, shortcuts, precision, what is trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from faceresearch.apis.benchmark import multiply_adds
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.backbones.iresnet import IResNet, Unit
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS

IR: dict[str, Any] = {'stage1_shortcut': 'maxpool', 'final_bn_affine': False}
#: Exact parameters: reference/recognition.md §7.5, counted from the originals' shapes.
PARAMETERS = [
    (24_025_600, {'depth': 18}),
    (34_139_328, {'depth': 34}),
    (43_590_848, {'depth': 50}),
    (65_156_160, {'depth': 100}),
    (118_833_920, {'depth': 200}),
    (24_020_352, {'depth': 18, **IR}),
    (34_134_080, {'depth': 34, **IR}),
    (43_585_600, {'depth': 50, **IR}),
    (65_150_912, {'depth': 101, **IR}),
]
#: Millions, ibid. §1.4.
SE_MILLIONS = {18: 24.11, 34: 34.29, 50: 43.81, 101: 65.52}
#: Published "GFLOPs", which are multiply-adds: insightface recognition/arcface_torch (ibid. §1.2).
GIGA = {'arcface_r18_ms1mv3': 2.6, 'arcface_r50_ms1mv3': 6.3, 'arcface_r100_ms1mv3': 12.1}


def on_meta(**arguments: Any) -> nn.Module:
    with torch.device('meta'):
        return IResNet(**arguments)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(('expected', 'arguments'), PARAMETERS, ids=str)
def test_parameters_are_those_of_the_originals(expected: int, arguments: dict[str, Any]) -> None:
    assert count(on_meta(**arguments)) == expected


@pytest.mark.parametrize('depth', SE_MILLIONS)
def test_parameters_with_squeeze_and_excitation(depth: int) -> None:
    assert round(count(on_meta(depth=depth, se=True, **IR)) / 1e6, 2) == SE_MILLIONS[depth]


def test_a_bottleneck_unit_counts_as_by_hand() -> None:
    """IR-152, second stage: 256 → 512 channels with 128 inside, and a shortcut that changes both."""
    norm, convolutions, prelu = 2 * (256 + 128 + 128 + 512), 256 * 128 + 128 * 128 * 9 + 128 * 512, 2 * 128
    shortcut = 256 * 512 + 2 * 512
    assert count(Unit(256, 512, 2, bottleneck=True, se=False, middle_bn=True)) == norm + convolutions + prelu + shortcut


def test_a_narrow_network_counts_as_by_hand() -> None:
    """Ten layers of 16 to 128 channels and a stem of stride 2, whose last map is 4 × 4."""
    units = [(16, 16), (16, 32), (32, 64), (64, 128)]
    inside = sum(2 * a + 9 * a * b + 3 * b + 9 * b * b + 2 * b + a * b + 2 * b for a, b in units)
    network = on_meta(depth=10, width=16, stem_stride=2, embedding_size=128)
    assert count(network) == 3 * 16 * 9 + 3 * 16 + inside + 2 * 128 + (128 * 4 * 4 + 1) * 128 + 2 * 128 == 571_120
    assert network(torch.empty(2, 3, 112, 112, device='meta')).shape == (2, 128)


@pytest.mark.parametrize('config', GIGA)
def test_multiply_adds_are_the_published_ones(config: str) -> None:
    with torch.device('meta'):
        model = MODELS.build(without_head(load_config(config).model)).eval()
        assert multiply_adds(model, torch.empty(1, 3, 112, 112)) / 1e9 == pytest.approx(GIGA[config], abs=0.05)


def test_the_pooled_shortcut_takes_every_second_pixel() -> None:
    unit = Unit(4, 4, 2, bottleneck=False, se=False, middle_bn=True, pool_shortcut=True).eval()
    nn.init.zeros_(unit.conv2.weight)
    image = torch.randn(1, 4, 6, 6)
    torch.testing.assert_close(unit(image), image[:, :, ::2, ::2])


def test_a_unit_has_no_activation_after_its_sum() -> None:
    unit = Unit(4, 4, 1, bottleneck=False, se=False, middle_bn=True).eval()
    assert unit(-torch.ones(1, 4, 4, 4) * 100).min() < 0


def test_depths_that_do_not_exist_are_named() -> None:
    with pytest.raises(UserError, match='no depth 51; use 10, 18, 34, 50, 100, 101, 152, 200'):
        IResNet(depth=51)
    with pytest.raises(UserError, match='no depth 50; use 152, 200'):
        IResNet(depth=50, bottleneck=True)


def test_other_image_sizes_are_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match='IResNet takes aligned faces of 112 x 112 pixels, not 112 x 96: align'):
        on_meta(depth=18)(torch.empty(2, 3, 112, 96, device='meta'))


def test_scale_of_the_last_norm_stays_one_and_its_bias_is_trained() -> None:
    network = IResNet(depth=18, dropout=0.4)
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1)
    network(torch.randn(2, 3, 112, 112)).square().sum().backward()
    before = network.features.bias.detach().clone()
    optimizer.step()
    assert (network.features.weight == 1).all()
    assert not torch.equal(network.features.bias, before)


def test_epsilon_and_momentum_reach_every_norm() -> None:
    network = on_meta(depth=18, bn_eps=2e-5, bn_momentum=0.9)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(2e-5, 0.9)}


def test_the_last_layers_keep_full_precision_under_amp() -> None:
    torch.manual_seed(0)
    network = IResNet(depth=18).eval()
    seen: dict[str, torch.dtype] = {}
    for name in ('layer4', 'fc', 'features'):
        getattr(network, name).register_forward_hook(lambda m, i, o, name=name: seen.update({name: o.dtype}))
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        assert network(torch.randn(1, 3, 112, 112)).dtype == torch.float32
    assert seen == {'layer4': torch.bfloat16, 'fc': torch.float32, 'features': torch.float32}


def test_pretrained_takes_a_published_checkpoint(tmp_path) -> None:
    source = IResNet(depth=18)
    path = tmp_path / 'backbone.pth'
    torch.save(source.state_dict(), path)
    network = IResNet(depth=18, pretrained=str(path))
    network.init_weights()
    torch.testing.assert_close(network.fc.weight, source.fc.weight)


def test_other_sizes_of_images() -> None:
    network = IResNet(10, 8, width=4, stem_stride=2, input_size=(64, 160)).eval()
    # 64 / 32 by 160 / 32 places of the last map.
    assert network.fc.in_features == 32 * 2 * 5
    assert network(torch.zeros(1, 3, 64, 160)).shape == (1, 8)
    with pytest.raises(UserError, match='64 x 160 pixels, not 112 x 112'):
        network(torch.zeros(1, 3, 112, 112))
