"""The other recognition networks: sizes, what they refuse, how they start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from faceresearch.errors import UserError
from faceresearch.models.backbones.edgeface import LowRankLinear
from faceresearch.models.backbones.openface import Inception
from faceresearch.registry import MODELS
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter

#: Parameters: reference/recognition.md §7.5, and for SphereNet, FaceNet the stored golden cases.
PARAMETERS = {
    'mnet025': (363_696, {'type': 'FaceMobileNetV1', 'width': 0.25}),
    'mnetv2': (2_295_424, {'type': 'FaceMobileNetV2'}),
    'mnetv3s': (1_258_712, {'type': 'FaceMobileNetV3', 'size': 'small'}),
    'mnetv3l': (3_526_568, {'type': 'FaceMobileNetV3', 'size': 'large'}),
    'sphere20': (24_501_952, {'type': 'SphereNet', 'depth': 20}),
    'sphere36': (34_606_400, {'type': 'SphereNet', 'depth': 36}),
    'facenet512': (23_482_624, {'type': 'InceptionResNetV1'}),
    'nn4.small2': (3_733_968, {'type': 'OpenFaceNet'}),
}
#: Millions of parameters and of floating point operations, as otroshi/edgeface states them.
EDGEFACE = {
    'XXS': (1.24, 94.72, {'size': 'xx_small'}),
    'XS gamma 0.6': (1.77, 154.00, {'size': 'x_small', 'rank_ratio': 0.6}),
    'S gamma 0.5': (3.65, 306.12, {'size': 'small', 'rank_ratio': 0.5}),
    'BASE': (18.23, 1398.83, {'size': 'base'}),
}


def on_meta(config: dict[str, Any]) -> nn.Module:
    """Build without memory or arithmetic."""
    with torch.device('meta'):
        return MODELS.build(config)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize('name', PARAMETERS)
def test_parameters_are_those_of_the_original(name: str) -> None:
    expected, config = PARAMETERS[name]
    assert count(on_meta(config)) == expected


def test_parameters_of_sphere64_follow_from_its_layers() -> None:
    """Per stage: a convolution with bias and PReLU, then blocks of two convolutions without, each with PReLU."""
    expected = 512 * 7 * 7 * 512 + 512
    for before, width, blocks in zip((3, 64, 128, 256), (64, 128, 256, 512), (3, 8, 16, 3)):
        expected += 9 * before * width + 2 * width + blocks * 2 * (9 * width * width + width)
    assert count(on_meta({'type': 'SphereNet', 'depth': 64})) == expected
    assert round(expected / 1e6, 2) == 50.02


@pytest.mark.parametrize('name', EDGEFACE)
def test_edgeface_has_the_published_parameters_and_operations(name: str) -> None:
    parameters, operations, config = EDGEFACE[name]
    net = on_meta({'type': 'EdgeFace', **config}).eval()
    assert count(net) / 1e6 == pytest.approx(parameters, abs=0.005)
    # A multiply-add is two; norms and activations are not counted here.
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(1, 3, 112, 112, device='meta'))
    assert counter.get_total_flops() / 1e6 == pytest.approx(operations, rel=0.002)


@pytest.mark.parametrize(
    ('config', 'size'),
    [
        ({'type': 'FaceMobileNetV1', 'embedding_size': 64}, (112, 112)),
        ({'type': 'SphereNet', 'depth': 20, 'size': (112, 96), 'block_bias': True, 'embedding_size': 64}, (112, 96)),
        ({'type': 'FoamliuMobileFaceNet', 'embedding_size': 64}, (112, 112)),
    ],
)
def test_a_face_of_the_wrong_size_is_refused_by_name(config: dict[str, Any], size: tuple[int, int]) -> None:
    net = on_meta(config).eval()
    assert net.embedding_size == 64
    assert net(torch.empty(2, 3, *size, device='meta')).shape == (2, 64)
    with pytest.raises(UserError, match=f'{config["type"]} takes aligned faces of {size[0]} x {size[1]}.*160 x 160'):
        net(torch.empty(2, 3, 160, 160, device='meta'))


def test_facenet_embeddings_have_unit_length_unless_asked_otherwise() -> None:
    torch.manual_seed(0)
    net = MODELS.build({'type': 'InceptionResNetV1', 'embedding_size': 128}).eval()
    images = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        unit = net(images)
        net.unit = False
        raw = net(images)
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(unit, raw / raw.norm(dim=1, keepdim=True))
    assert not torch.allclose(raw.norm(dim=1), torch.ones(2), atol=1e-2)


def test_sphere_without_batch_norm_starts_with_signals_that_neither_die_nor_explode() -> None:
    torch.manual_seed(0)
    net = MODELS.build({'type': 'SphereNet', 'depth': 64, 'embedding_size': 32})
    net.init_weights()
    with torch.no_grad():
        embedding = net(torch.randn(2, 3, 112, 112))
    assert embedding.norm(dim=1).min() > 0.05 and embedding.norm(dim=1).max() < 50


def test_low_rank_layers_multiply_to_the_layer_they_stand_for() -> None:
    """An EdgeFace of low rank equals timm's network whose matrices are the products."""
    torch.manual_seed(0)
    ours = MODELS.build({'type': 'EdgeFace', 'size': 'xx_small', 'rank_ratio': 0.5, 'embedding_size': 48}).eval()
    original = timm.create_model('edgenext_xx_small', num_classes=48).eval()
    state = ours.net.state_dict()
    merged = {name: value for name, value in state.items() if 'linear' not in name}
    thin = [name.removesuffix('.linear1.weight') for name in state if name.endswith('.linear1.weight')]
    assert 'head.fc' in thin and len(thin) == sum(isinstance(m, LowRankLinear) for m in ours.modules())
    for name in thin:
        merged[f'{name}.weight'] = state[f'{name}.linear2.weight'] @ state[f'{name}.linear1.weight']
        merged[f'{name}.bias'] = state[f'{name}.linear2.bias']
        rows, columns = merged[f'{name}.weight'].shape
        assert state[f'{name}.linear1.weight'].shape[0] == max(2, int(min(rows, columns) * 0.5))
    original.load_state_dict(merged)
    images = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        np.testing.assert_allclose(ours(images).numpy(), original(images).numpy(), rtol=0, atol=1e-5)


def test_edgeface_checkpoints_are_timms_network_under_one_name() -> None:
    """The original wraps timm's model, its classifier replaced, as ``model``."""
    torch.manual_seed(0)
    original = timm.create_model('edgenext_xx_small').eval()
    original.reset_classifier(512)
    state = {f'model.{name}': value for name, value in original.state_dict().items()}
    ours = MODELS.build({'type': 'EdgeFace', 'size': 'xx_small'}).eval()
    target = {f'backbone.{name}': value for name, value in ours.state_dict().items()}
    converter = find_converter(state, CONVERTERS)
    assert converter.name == 'otroshi/edgeface'
    converted, report = convert(state, target, converter)
    assert len(report.mapped) == len(state) and not report.dropped
    ours.load_state_dict({name.removeprefix('backbone.'): value for name, value in converted.items()})
    images = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), original(images))


@pytest.mark.parametrize(
    'config',
    [
        {'type': 'SphereNet', 'depth': 50},
        {'type': 'EdgeFace', 'size': 'tiny'},
        {'type': 'EdgeFace', 'size': 'small', 'rank_ratio': 1.5},
    ],
)
def test_what_does_not_exist_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r'there is no|rank_ratio is 1\.5'):
        MODELS.build(config)


@pytest.mark.parametrize('neck', ['GDC', 'FlattenBN'])
@pytest.mark.parametrize(
    ('backbone', 'size'),
    [({'type': 'ResNet', 'depth': 18}, 4), ({'type': 'TimmBackbone', 'name': 'mobilenetv3_small_050'}, 4)],
)
def test_a_neck_makes_any_backbone_an_embedding_network(neck: str, backbone: dict[str, Any], size: int) -> None:
    torch.manual_seed(0)
    config = {
        'type': 'FaceRecognizer',
        'backbone': backbone,
        'neck': {'type': neck, 'embedding_size': 32, 'size': size},
    }
    model = MODELS.build(config).eval()
    with torch.no_grad():
        (embedding,) = model(torch.randn(2, 3, 112, 112))
    assert embedding.shape == (2, 32) and embedding.std() > 0
    with pytest.raises(UserError, match=r'made for feature maps of 4 x 4 and gets one of 5 x 5: set model\.neck\.size'):
        model(torch.randn(2, 3, 160, 160))


def test_gdc_weighs_places_and_flatten_keeps_them() -> None:
    """Closed form in evaluation: batch norms of a fresh neck are identities but for eps."""
    features = torch.randn(3, 5, 4, 2, dtype=torch.float64)
    gdc = MODELS.build({'type': 'GDC', 'in_channels': 5, 'embedding_size': 6, 'size': (4, 2)}).double().eval()
    flat = MODELS.build({'type': 'FlattenBN', 'in_channels': 5, 'embedding_size': 6, 'size': (4, 2)}).double().eval()
    weights, scale = gdc.state_dict(), 1 / np.sqrt(1 + 1e-5)
    pooled = torch.einsum('nchw,chw->nc', features, weights['pool.0.weight'][:, 0]) * scale
    with torch.no_grad():
        torch.testing.assert_close(gdc(features), pooled @ weights['fc.0.weight'].T * scale)
        weights = flat.state_dict()
        expected = (features.flatten(1) * scale) @ weights['fc.weight'].T + weights['fc.bias']
        torch.testing.assert_close(flat((features[:, :, :1], features)), expected * scale)
    assert not flat.features.weight.requires_grad


def test_parameters_of_vggface_and_deepid_follow_from_their_layers() -> None:
    widths = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    convolutions, before = 0, 3
    for width, depth in widths:
        for _ in range(depth):
            convolutions += 9 * before * width + width
            before = width
    assert count(on_meta({'type': 'VGGFaceNet'})) == convolutions + (7 * 7 * 512 + 1) * 4096 + 4097 * 4096
    deepid = (16 * 3 + 1) * 20 + (9 * 20 + 1) * 40 + (9 * 40 + 1) * 60 + (4 * 60 + 1) * 80
    assert count(on_meta({'type': 'DeepIDNet'})) == deepid + (5 * 4 * 60 + 1) * 160 + (4 * 3 * 80 + 1) * 160


def test_openface_pools_by_root_of_squares_and_borders_what_is_smaller() -> None:
    """A module of nn4.small2 written down with torch's own LPPool2d."""
    torch.manual_seed(0)
    module = Inception(8, ((4, 6), (2, 3)), 'l2', 5, 7).eval()
    x = torch.randn(2, 8, 12, 12)
    with torch.no_grad():
        found = module(x)
        pooled = module.pooled(nn.LPPool2d(2, 3, 3)(x))
        branches = [branch(x) for branch in module.branches]
        assert pooled.shape[2:] == (4, 4) and module.single is not None
        expected = torch.cat([*branches, nn.ZeroPad2d(4)(pooled), module.single(x)], 1)
    torch.testing.assert_close(found, expected)
    assert module.out_channels == found.shape[1] == 21


@pytest.mark.parametrize(('name', 'size'), [('OpenFaceNet', (96, 96)), ('DeepIDNet', (55, 47))])
def test_classical_networks_embed_at_their_size(name: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    net = MODELS.build({'type': name}).eval()
    with torch.no_grad():
        embedding = net(torch.rand(2, 3, *size))
    assert embedding.shape == (2, net.embedding_size)
    if name == 'OpenFaceNet':
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))
    else:
        assert embedding.min() >= 0 and embedding.max() > 0
    with pytest.raises(UserError, match=f'takes aligned faces of {size[0]} x {size[1]}'):
        net(torch.rand(2, 3, 112, 112))
