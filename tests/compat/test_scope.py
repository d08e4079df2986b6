"""Configs that do not say where their types are registered."""

from __future__ import annotations

import pytest
from mmengine.registry import DefaultScope

from faceresearch.compat.scope import infer_scope, set_scope
from faceresearch.errors import UserError


@pytest.mark.parametrize(
    ('model', 'scope'),
    [
        ({'type': 'SingleStageDetector'}, 'faceresearch'),  # mmdet has one too: ours comes first
        ({'type': 'mmdet.SingleStageDetector'}, 'mmdet'),
        ({'type': 'YOLOV3'}, 'mmdet'),
        ({'type': 'TopdownPoseEstimator'}, 'mmpose'),
        (None, 'faceresearch'),
    ],
)
def test_the_scope_is_where_the_model_is(model: dict | None, scope: str) -> None:
    assert infer_scope({'model': model}) == scope


def test_what_the_config_says_counts() -> None:
    assert infer_scope({'default_scope': 'mmpose', 'model': {'type': 'YOLOV3'}}) == 'mmpose'


def test_a_model_given_as_a_class() -> None:
    from mmdet.models import YOLOV3

    assert infer_scope({'model': {'type': YOLOV3}}) == 'mmdet'


def test_an_unknown_model_names_its_neighbours() -> None:
    with pytest.raises(UserError, match=r"'YOLOv3'.*'YOLOV3'"):
        infer_scope({'model': {'type': 'YOLOv3'}})


def test_setting_the_scope_makes_it_current_again_and_again() -> None:
    for scope in ('mmdet', 'faceresearch', 'mmdet'):
        assert set_scope({'default_scope': scope}) == scope
        assert DefaultScope.get_current_instance().scope_name == scope
    set_scope({'default_scope': 'faceresearch'})
