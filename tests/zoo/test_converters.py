"""Conversion is complete and strict, and says what became of every tensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from faceresearch.errors import UserError
from faceresearch.models.backbones import MobileNetV1
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter

CONFIG = 'retinaface_mnet025_widerface'


@pytest.fixture
def published(shared_dir: Path) -> Path:
    return shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth'


@pytest.fixture
def imagenet(shared_dir: Path) -> Path:
    return shared_dir / 'weights/retinaface/mobilenetV1X0.25_pretrain.tar'


def test_the_published_checkpoint_becomes_a_whole_model(published: Path, tmp_path: Path) -> None:
    conversion = convert_checkpoint(published, CONFIG, tmp_path / 'out.safetensors')
    assert len(conversion.report.mapped) == 300 and not conversion.report.dropped
    assert conversion.parameters == 426_608
    state, metadata = read_checkpoint(tmp_path / 'out.safetensors')
    assert metadata['source_sha256'].startswith('2979b33f') and metadata['part'] == 'model'
    original = torch.load(published, map_location='cpu', weights_only=True)
    np.testing.assert_array_equal(state['head.landmark.2.bias'], original['LandmarkHead.2.conv1x1.bias'])
    np.testing.assert_array_equal(state['neck.ssh.1.conv7_3.0.weight'], original['ssh2.conv7x7_3.0.weight'])


def test_the_imagenet_backbone_is_taken_as_published(imagenet: Path) -> None:
    backbone = MobileNetV1(width=0.25, pretrained=str(imagenet))
    backbone.init_weights()
    original = torch.load(imagenet, map_location='cpu', weights_only=True)['state_dict']
    torch.testing.assert_close(backbone.stage3[1][1][0].weight.data, original['module.stage3.1.3.weight'])
    with pytest.raises(UserError, match=r'does not fit MobileNetV1|is it the right config'):
        MobileNetV1(width=0.5, pretrained=str(imagenet)).init_weights()


def test_the_backbone_of_a_detector_is_taken_too(published: Path) -> None:
    backbone = MobileNetV1(width=0.25, pretrained=str(published))
    backbone.init_weights()
    original = torch.load(published, map_location='cpu', weights_only=True)
    torch.testing.assert_close(backbone.stage1[0][0].weight.data, original['body.stage1.0.0.weight'])


def test_a_checkpoint_for_another_config_is_refused_whole(published: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='right config'):
        convert_checkpoint(published, 'retinaface_mnet050_widerface', tmp_path / 'out.safetensors')
    assert not list(tmp_path.iterdir())


def test_every_tensor_needs_a_rule_and_every_parameter_a_source(published: Path) -> None:
    model = MODELS.build(_model_config())
    state, _ = read_checkpoint(published)
    converter = find_converter(state, CONVERTERS)
    with pytest.raises(UserError, match=r'no rule for tensor extra\.weight'):
        convert({**state, 'extra.weight': torch.zeros(1)}, model.state_dict(), converter)
    del state['ssh2.conv7x7_3.0.weight']
    with pytest.raises(UserError, match=r'nothing in the checkpoint fills neck\.ssh\.1\.conv7_3\.0\.weight'):
        convert(state, model.state_dict(), converter)


def test_unknown_origin_and_unknown_suffix(tmp_path: Path) -> None:
    torch.save({'some.weight': torch.zeros(3)}, tmp_path / 'x.pth')
    with pytest.raises(UserError, match=r'no converter knows.*some\.weight'):
        convert_checkpoint(tmp_path / 'x.pth', CONFIG, tmp_path / 'out.safetensors')
    with pytest.raises(UserError, match='safetensors'):
        convert_checkpoint(tmp_path / 'x.pth', CONFIG, tmp_path / 'out.pth')


def _model_config() -> dict:
    from faceresearch.config import load_config

    return load_config(CONFIG).model
