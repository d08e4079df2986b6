"""Checkpoints of attribute models: a network of torchvision's, as the origins build it, gives our outputs."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
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
