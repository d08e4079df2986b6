"""Checkpoints of arcface_torch, MagFace, AdaFace, CVLface and CurricularFace under the names they are published with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from faceresearch.apis import init_model
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity.golden import case_files, load_case, original_state


def golden_state(name: str) -> dict[str, Tensor]:
    path = next((path for path in case_files('networks') if path.stem == name), None)
    if path is None:
        pytest.skip('set FACERESEARCH_TEST_DATA to the folder that holds the test data')
    return original_state(*load_case(path))


def on_meta(config: str, *overrides: str) -> dict[str, Tensor]:
    with torch.device('meta'):
        return MODELS.build(without_head(load_config(config, list(overrides)).model)).state_dict()


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize('prefix', ['model.', 'net.', 'model.net.'])
def test_wrappers_of_adaface_and_cvlface(prefix: str) -> None:
    """Lightning, CVLface, and CVLface's safetensors give what the bare state dict gives."""
    bare = golden_state('adaface_ir_18')
    target = on_meta('adaface_ir18_webface4m')
    expected, _ = convert(bare, target, find_converter(bare, CONVERTERS))
    state = {prefix + name: tensor for name, tensor in bare.items()}
    found, report = convert(state, target, find_converter(state, CONVERTERS))
    assert_same(found, expected)
    assert len(report.mapped) == len(bare)


def test_a_lightning_file_through_the_tool(tmp_path: Path) -> None:
    state = {'model.' + name: tensor for name, tensor in golden_state('adaface_ir_18').items()}
    state |= {'head.kernel': torch.zeros(512, 7), 'head.t': torch.zeros(1), 'head.batch_mean': torch.ones(1)}
    source, out = tmp_path / 'adaface.ckpt', tmp_path / 'adaface.safetensors'
    torch.save({'state_dict': state, 'epoch': 25}, source)
    report = convert_checkpoint(source, 'adaface_ir18_webface4m', out).report
    assert set(report.dropped) == {'head.kernel', 'head.t', 'head.batch_mean'}
    assert all('class centres' in reason for reason in report.dropped.values())
    model = init_model('adaface_ir18_webface4m', out)
    assert torch.equal(model.backbone.fc.bias, state['model.output_layer.3.bias'])
    assert read_checkpoint(out)[1]['part'] == 'model'
    assert '"colour_order": "BGR"' in read_checkpoint(out)[1]['input_contract']


@pytest.mark.parametrize('prefix', ['', 'features.module.', 'module.features.', 'net.'])
def test_takers_of_arcface_torchs_iresnet(prefix: str, tmp_path: Path) -> None:
    """arcface_torch itself, both forms of MagFace (with its centres), and CVLface."""
    bare = golden_state('iresnet18')
    state = {prefix + name: tensor for name, tensor in bare.items()}
    magface = 'features.' in prefix
    if magface:
        state['module.fc.weight' if prefix.startswith('module') else 'fc.weight'] = torch.zeros(512, 9)
    source = tmp_path / 'source.pth'
    torch.save({'state_dict': state} if magface else state, source)
    config = 'magface_r18_ms1mv2' if magface else 'arcface_r18_ms1mv3'
    conversion = convert_checkpoint(source, config, tmp_path / 'out.safetensors')
    assert list(conversion.report.dropped) == (['fc.weight'] if magface else [])
    assert ('MagFace' in conversion.report.converter) == magface
    found, _ = read_checkpoint(conversion.path)
    assert_same({name.removeprefix('backbone.'): t for name, t in found.items()}, bare)


def numbered(target: dict[str, Tensor], layers: tuple[str, ...], units: tuple[int, ...], se: str) -> dict[str, Any]:
    """Write a state dict as AdaFace's code would: units and layers numbered. Independent of the converter's rules."""
    ends = {'conv1': 'input_layer.0', 'bn1': 'input_layer.1', 'prelu': 'input_layer.2'}
    ends |= {'bn2': 'output_layer.0', 'fc': 'output_layer.3', 'features': 'output_layer.4'}
    state = {}
    for name in target:
        part, _, rest = name.removeprefix('backbone.').partition('.')
        if not part.startswith('layer'):
            state[f'{ends[part]}.{rest}'] = name
            continue
        unit, _, rest = rest.partition('.')
        body = f'body.{sum(units[: int(part[5:]) - 1]) + int(unit)}'
        if rest.startswith('downsample.'):
            state[f'{body}.shortcut_layer.{rest.removeprefix("downsample.")}'] = name
        elif rest.startswith('se.'):
            state[f'{body}.res_layer.{se}.{rest.removeprefix("se.")}'] = name
        else:
            module = next(n for n in layers if rest.startswith(n + '.'))
            state[f'{body}.res_layer.{layers.index(module)}.{rest.removeprefix(module + ".")}'] = name
    return state


UNIT = ('bn1', 'conv1', 'bn2', 'prelu', 'conv2', 'bn3')
NO_MIDDLE = ('bn1', 'conv1', 'prelu', 'conv2', 'bn3')
WIDE = (*UNIT, 'prelu2', 'expand.0', 'expand.1')
FORMS = [
    ('adaface_ir34_webface4m', UNIT, (3, 4, 6, 3), '', 'AdaFace'),
    ('adaface_irse50_webface4m', UNIT, (3, 4, 14, 3), 'se_block', 'AdaFace'),
    ('adaface_irse50_webface4m', UNIT, (3, 4, 14, 3), '6', 'AdaFace'),
    ('adaface_ir152_webface4m', WIDE, (3, 8, 36, 3), '', 'AdaFace'),
    ('adaface_ir200_webface4m', WIDE, (3, 24, 36, 3), '', 'AdaFace'),
    ('curricularface_ir50_ms1mv2', NO_MIDDLE, (3, 4, 14, 3), '', 'CurricularFace'),
    ('curricularface_ir101_ms1mv2', NO_MIDDLE, (3, 13, 30, 3), '', 'CurricularFace'),
]


@pytest.mark.parametrize(('config', 'layers', 'units', 'se', 'origin'), FORMS)
def test_every_form_of_ir(config: str, layers: tuple[str, ...], units: tuple[int, ...], se: str, origin: str) -> None:
    target = on_meta(config)
    names = numbered(target, layers, units, se)
    state = {theirs: target[ours] for theirs, ours in names.items()}
    converter = find_converter(state, CONVERTERS)
    assert origin in converter.name
    _, report = convert(state, target, converter)
    assert report.mapped == names


def test_the_checkpoint_of_another_depth_is_refused() -> None:
    state = golden_state('adaface_ir_18')
    for config, message in (
        ('adaface_ir34_webface4m', 'right config|fills'),
        ('arcface_r18_ms1mv3', 'fills backbone'),
        ('curricularface_ir50_ms1mv2', 'right config'),
    ):
        with pytest.raises(UserError, match=message):
            convert(state, on_meta(config), find_converter(state, CONVERTERS))


def test_a_width_that_does_not_fit_is_named() -> None:
    """mbf of 2021 had half the width; its file says so at the first layer."""
    state = golden_state('mbf')
    with pytest.raises(
        UserError, match=r'layers\.0\.layers\.0\.weight is \(128, 3, 3, 3\), the model has \(64, 3, 3, 3\)'
    ):
        convert(state, on_meta('arcface_mbf_webface600k', 'model.backbone.scale=1'), find_converter(state, CONVERTERS))
