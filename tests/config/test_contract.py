"""The input contract."""

from __future__ import annotations

import json

import pytest
from mmengine.config import Config

from faceresearch.config import load_config
from faceresearch.config.contract import input_contract
from faceresearch.errors import UserError


def contract(preprocessor: dict | None = None, **stated: object) -> dict:
    model = {'type': 'M', 'data_preprocessor': preprocessor} if preprocessor is not None else {'type': 'M'}
    return input_contract(Config({'model': model, 'contract': stated}))


def test_joins_what_is_stated_with_what_the_preprocessor_does() -> None:
    found = contract(
        {'type': 'P', 'mean': (123, 117.0, 104), 'std': [1, 1, 1], 'bgr_to_rgb': True},
        size=(640, 640),
        labels={0: 'face'},
        licences={'code': 'MIT'},
    )
    assert found == {
        'size': [640, 640],
        'labels': {'0': 'face'},
        'licences': {'code': 'MIT'},
        'colour_order': 'RGB',
        'mean': [123.0, 117.0, 104.0],
        'std': [1.0, 1.0, 1.0],
    }
    assert json.loads(json.dumps(found)) == found


def test_what_the_preprocessor_leaves_out_is_neutral() -> None:
    assert contract({'type': 'P'}) == {'colour_order': 'BGR', 'mean': [0.0] * 3, 'std': [1.0] * 3}
    assert contract({'type': 'P', 'mean': None, 'std': [58.0]})['std'] == [58.0]
    assert contract(None, size=1) == {'size': 1}
    assert input_contract(Config({})) == {}


def test_a_contract_that_contradicts_the_preprocessor_is_refused() -> None:
    with pytest.raises(UserError, match=r'contract.colour_order is .RGB. but model.data_preprocessor says .BGR.'):
        contract({'type': 'P', 'bgr_to_rgb': False}, colour_order='RGB')
    assert contract({'type': 'P'}, colour_order='BGR')['colour_order'] == 'BGR'


def test_numbers_json_lacks_are_refused() -> None:
    with pytest.raises(UserError, match=r'contract.a.0 is inf'):
        contract(None, a=[float('inf')])


def test_retinaface_sees_bgr_with_caffe_means() -> None:
    """reference: the original subtracts (104, 117, 123) from BGR images and divides by nothing."""
    found = input_contract(load_config('retinaface_mnet025_widerface'))
    assert (found['colour_order'], found['mean'], found['std']) == ('BGR', [104.0, 117.0, 123.0], [1.0] * 3)
