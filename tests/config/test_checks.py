"""Misspelt names in a config are found before anything is built."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mmengine.registry import Registry
from torch import nn

from faceresearch.config import config_names, load_config, validate
from faceresearch.config.signatures import arguments_of
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]


class Head(nn.Module):
    def __init__(self, classes: int, dropout: float = 0.0, *, bias: bool = True) -> None:
        super().__init__()


class Wide(Head):
    def __init__(self, width: int = 1, **kwargs: object) -> None:
        kwargs.setdefault('classes', 1)
        if 'legacy' in kwargs:
            kwargs.pop('legacy')
        super().__init__(**kwargs)


class Open(Head):
    def __init__(self, **kwargs: object) -> None:
        super().__init__(1)
        self.extra = kwargs


class Closed(nn.Module):
    def __init__(self, a: int = 0, **kwargs: object) -> None:
        super().__init__(**kwargs)


class Inherits(Wide):
    pass


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A scope of its own with a registry of models."""
    models = Registry('model', scope='toyscope', locations=[])
    for cls in (Head, Wide, Open, Closed, Inherits):
        models.register_module(module=cls)
    package, module = types.ModuleType('toyscope'), types.ModuleType('toyscope.registry')
    package.__path__ = []
    module.MODELS = models
    monkeypatch.setitem(sys.modules, 'toyscope', package)
    monkeypatch.setitem(sys.modules, 'toyscope.registry', module)
    yield 'toyscope'


@pytest.mark.parametrize(
    ('cls', 'names', 'is_open'),
    [
        (Head, {'classes', 'dropout', 'bias'}, False),
        (Wide, {'width', 'legacy', 'classes', 'dropout', 'bias'}, False),
        (Inherits, {'width', 'legacy', 'classes', 'dropout', 'bias'}, False),
        (Open, set(), True),
        (Closed, {'a'}, False),
        (nn.Conv2d, {'in_channels', 'out_channels', 'kernel_size', 'stride', 'padding', 'dilation', 'groups', 'bias', 'padding_mode', 'device', 'dtype'}, False),
        (dict, set(), True),
    ],
)  # fmt: skip
def test_arguments_through_the_classes(cls: type, names: set[str], is_open: bool) -> None:
    found = arguments_of(cls)
    assert found.is_open == is_open
    if not is_open:
        assert found.names == names


def test_required_arguments_are_those_of_the_outermost_signature() -> None:
    assert arguments_of(Head).required == {'classes'}
    assert arguments_of(Wide).required == set()
    assert arguments_of(lambda a, b=1: None).required == {'a'}


OURS = "default_scope = 'faceresearch'\n"


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            "model = dict(type='SingleStageDetector',\n  head=dict(type='RetinaFaceHaed'))",
            r"model.head.type: 'RetinaFaceHaed' is not registered. Did you mean 'RetinaFaceHead'.*\? \(.*c.py:3\)",
        ),
        ("model = dict(type='FasterRCNN')", r"'FasterRCNN' is not registered. Did you mean 'mmdet.FasterRCNN'\?"),
        ("model = dict(type='nowhere.Model')", "'nowhere.Model' can neither be imported nor is 'nowhere' a scope"),
        ("model = dict(type='mmdet.YOLOV33')", "'YOLOV33' is not registered in mmdet. Did you mean 'YOLOV3'"),
        (
            "backbone = dict(type='MobileNetV1',\n widht=0.5)",
            r"backbone.widht: MobileNetV1 has no argument 'widht'. Did you mean 'width'\? \(.*c.py:3\)",
        ),
        ("optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SDG'))", "'SDG' is not registered.*'SGD'"),
        ("param_scheduler = [dict(type='MultiStepLR', milestone=[1])]", "Did you mean 'milestones'"),
        ("optim_wraper = dict(type='OptimWrapper')", "optim_wraper: nothing reads this key. Did you mean 'optim_wrapper'"),
        ("train_dataloder = dict(batch_size=1)", "Did you mean 'train_dataloader'"),
        ("val_evalautor = []", "Did you mean 'val_evaluator'"),
        ('train_dataloader = dict(batch_sise=1)', "train_dataloader.batch_sise: .*'batch_size'"),
        ("model = dict(type='SingleStageDetector', head=dict(type='RetinaFaceHead'))", "needs the argument 'backbone'"),
    ],
)  # fmt: skip
def test_faults_name_the_nearest_and_the_line(text: str, message: str, write: Write) -> None:
    with pytest.raises(UserError, match=message):
        validate(load_config(write('c.py', OURS + text)))


@pytest.mark.parametrize(
    'text',
    [
        "models = dict(a=1)\nval_pipeline = [dict(type='LoadImage')]\ntrain_dataset = dict(x=1)\ncodec = dict(a=1)",
        "custom_hooks = [dict(type='EMAHook', momentum=0.1, priority='HIGH')]",
        "param_scheduler = dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=3, convert_to_iter_based=True)",
        "optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1.0), paramwise_cfg=dict(a=1))",
        "dataset_info = dict(keypoint_info={0: dict(type='upper')})",
        "model = dict(type='torch.nn.Conv2d', in_channels=1, out_channels=1, kernel_size=1)",
        'train_dataloader = dict(batch_size=1, persistent_workers=False, sampler=dict(type="DefaultSampler", shuffle=True))',
    ],
)
def test_what_is_right_passes(text: str, write: Write) -> None:
    validate(load_config(write('c.py', OURS + text)))


def test_a_scope_holds_for_all_below_it(toy: str, write: Write) -> None:
    inside = "dict(_scope_='toyscope', type='Wide', classes=1, dropout=dict(type='Head', {}))"
    validate(load_config(write('a.py', OURS + 'part = ' + inside.format('classes=2'))))
    with pytest.raises(UserError, match=r"part.dropout.clases: Head has no argument 'clases'|Did you mean 'classes'"):
        validate(load_config(write('b.py', OURS + 'part = ' + inside.format('clases=2'))))
    with pytest.raises(UserError, match="'Head' is not registered"):
        validate(load_config(write('c.py', OURS + "part = dict(type='Head', classes=2)")))
    validate(
        load_config(
            write('d.py', OURS + "part = [dict(type='toyscope.Wide', legacy=1), dict(type='toyscope.Open', x=1)]")
        )
    )


def test_the_override_that_is_wrong_is_named(write: Write) -> None:
    path = write('c.py', OURS + "backbone = dict(type='MobileNetV1', width=0.5)")
    overrides = ['backbone.type=MobileNetV11']
    with pytest.raises(UserError, match=r"Did you mean 'MobileNetV1' .*\(command line: backbone.type=MobileNetV11\)"):
        validate(load_config(path, overrides), overrides)


@pytest.mark.parametrize('name', sorted(config_names()))
def test_shipped_configs_pass(name: str) -> None:
    validate(load_config(name))
