"""Checkpoints of attribute models: a network of torchvision's, as the origins build it, gives our outputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights, read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter


def test_fairface_one_layer_of_18_becomes_three_heads() -> None:
    torch.manual_seed(0)
    original = torchvision.models.resnet34(weights=None)
    original.fc = nn.Linear(512, 18)
    model = MODELS.build(without_head(load_config('fairface_r34_fairface').model)).eval()
    state = original.state_dict()
    converted, _ = convert(state, model.state_dict(), find_converter(state, CONVERTERS))
    model.load_state_dict(converted, strict=True)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        outputs, expected = model(image, mode='tensor'), original.eval()(image)
    assert model.output_names == ('race', 'gender', 'age')
    assert torch.allclose(torch.cat(outputs, 1), expected, atol=1e-5)


def test_an_imagenet_classifier_is_no_fairface() -> None:
    state = torchvision.models.resnet34(weights=None).state_dict()
    model = MODELS.build(without_head(load_config('fairface_r34_fairface').model))
    with pytest.raises(UserError, match='18 rows are expected'):
        convert(state, model.state_dict(), find_converter(state, CONVERTERS))


def test_l2cs_checkpoint() -> None:
    """L2CS-Net's names, with the layer that it never uses."""
    model = MODELS.build(load_config('gaze_r50_gaze360').model)
    own = model.state_dict()
    names = {'heads.yaw.fc.': 'fc_yaw_gaze.', 'heads.pitch.fc.': 'fc_pitch_gaze.', 'backbone.': ''}
    state = {}
    for name, tensor in own.items():
        prefix = next(prefix for prefix in names if name.startswith(prefix))
        state[names[prefix] + name.removeprefix(prefix)] = tensor
    state |= {'fc_finetune.weight': torch.zeros(3, 2051), 'fc_finetune.bias': torch.zeros(3)}
    converted, report = convert(state, own, find_converter(state, CONVERTERS))
    assert report.converter == 'Ahmednull/L2CS-Net' and set(report.dropped) == {
        'fc_finetune.weight',
        'fc_finetune.bias',
    }
    assert all(torch.equal(converted[name], tensor) for name, tensor in own.items())


#: minivision's names → yakhyo's (reference/dense_and_attributes.md, G.2).
RENAMED = (
    ('conv1', 'stem'),
    ('conv2_dw', 'stem_dw'),
    ('conv_23', 'transition1'),
    ('conv_34', 'transition2'),
    ('conv_45', 'transition3'),
    ('conv_3', 'stage2'),
    ('conv_4', 'stage3'),
    ('conv_5', 'stage4'),
    ('conv_6_sep', 'final_expand'),
    ('conv_6_dw', 'final_dw'),
    ('prob', 'classifier'),
)


@pytest.mark.parametrize(
    ('file', 'config'),
    [
        ('2.7_80x80_MiniFASNetV2.pth', 'minifasnet_v2_celebaspoof_80'),
        ('4_0_0_80x80_MiniFASNetV1SE.pth', 'minifasnet_v1se_celebaspoof_80'),
    ],
)
def test_minifasnet_under_the_names_of_yakhyo(file: str, config: str, shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / 'weights/anti_spoof' / file
    renamed = {}
    for name, tensor in read_checkpoint(source)[0].items():
        first, _, rest = name.partition('.')
        renamed[f'{dict(RENAMED).get(first, first)}.{re.sub(r"(?<=[.])se_(?:module[.])?", "se.", rest)}'] = tensor
    assert {'stem.conv.weight', 'stage4.model.1.project.bn.bias', 'classifier.weight'} <= set(renamed)
    assert ('stage2.model.3.se.fc1.weight' in renamed) == ('se' in config)
    torch.save(renamed, tmp_path / 'yakhyo.pth')
    ours = convert_checkpoint(source, config, tmp_path / 'minivision.safetensors')
    theirs = convert_checkpoint(tmp_path / 'yakhyo.pth', config, tmp_path / 'yakhyo.safetensors')
    assert theirs.report.converter == 'yakhyo/face-anti-spoofing' and not theirs.report.dropped
    expected, found = (read_checkpoint(c.path)[0] for c in (ours, theirs))
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_fused_mobileone_comes_in_or_is_refused_with_the_remedy(shared_dir: Path, tmp_path: Path) -> None:
    lines = (shared_dir / 'reference/mobileone_s0_gaze_fused_keys.txt').read_text().splitlines()
    shapes = {name: [int(n) for n in re.findall(r'\d+', shape)] for name, shape in (line.split('\t') for line in lines)}
    torch.manual_seed(0)
    state = {name: torch.randn(shape) * 0.1 for name, shape in shapes.items()}
    assert sum(tensor.numel() for tensor in state.values()) == 1_238_004
    torch.save(state, tmp_path / 'fused.pt')
    out = tmp_path / 'out.safetensors'
    with pytest.raises(UserError, match='holds the fused network: convert it with gaze_mobileone_s0_fused_gaze360'):
        convert_checkpoint(tmp_path / 'fused.pt', 'gaze_mobileone_s0_gaze360', out)
    conversion = convert_checkpoint(tmp_path / 'fused.pt', 'gaze_mobileone_s0_fused_gaze360', out)
    assert conversion.parameters == 1_238_004 and len(conversion.report.mapped) == len(state)
    model = MODELS.build(load_config('gaze_mobileone_s0_fused_gaze360').model).eval()
    load_weights(model, out)
    image = torch.randn(1, 3, 64, 64)
    # The network by its list of layers: depthwise and pointwise convolutions in turn, with ReLU after each.
    x = torch.relu(
        nn.functional.conv2d(image, state['stage0.reparam_conv.weight'], state['stage0.reparam_conv.bias'], 2, 1)
    )
    for name in [n.removesuffix('.weight') for n in state if n.startswith('stage') and n.endswith('.weight')][1:]:
        weight, deep = state[f'{name}.weight'], state[f'{name}.weight'].shape[-1] == 3
        stride = 2 if re.fullmatch(r'stage\d\.0\.reparam_conv', name) else 1
        groups = len(weight) if deep else 1
        x = torch.relu(nn.functional.conv2d(x, weight, state[f'{name}.bias'], stride, int(deep), groups=groups))
    feature = x.mean((2, 3))
    with torch.no_grad():
        yaw, pitch = model(image, mode='tensor')
    for found, name in ((yaw, 'fc_yaw'), (pitch, 'fc_pitch')):
        expected = feature @ state[f'{name}.weight'].T + state[f'{name}.bias']
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
    branches = {
        name.replace('.reparam_conv.', '.rbr_conv.0.conv.'): tensor
        for name, tensor in state.items()
        if 'bias' not in name
    } | {name: state[name] for name in ('fc_yaw.bias', 'fc_pitch.bias')}
    with pytest.raises(UserError, match=r'branches of training: convert it with model\.backbone\.fused=false'):
        convert(branches, model.state_dict(), find_converter(branches, CONVERTERS))
