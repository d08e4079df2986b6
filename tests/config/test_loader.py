"""Loading: what mmengine's text-style configs do, ours do; and errors say where they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from faceresearch.config import load_config
from faceresearch.config.tree import same
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]

UPSTREAM = [
    'mmdet::yolo/yolov3_d53_8xb8-ms-608-273e_coco.py',
    'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'mmdet::masktrack_rcnn/masktrack-rcnn_mask-rcnn_r101_fpn_8xb1-12e_youtubevis2019.py',
    'mmdet::scnet/scnet_r101_fpn_20e_coco.py',
    'mmdet::soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.05-coco.py',
    'mmpose::face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py',
]


@pytest.mark.parametrize('base', UPSTREAM)
def test_a_config_of_another_package_keeps_the_meaning_it_has_there(base: str, write: Write) -> None:
    """An independent computation: mmengine's own loader."""
    path = write('user.py', f'_base_ = {base!r}')
    assert same(load_config(path).to_dict(), Config.fromfile(path, import_custom_modules=False).to_dict())


def test_bases_merge_as_in_mmengine(write: Write) -> None:
    write(
        'sub/a.py',
        """
        model = dict(type='M', head=dict(type='H', n=1), extra=dict(x=1, y=2), stages=[1, 2])
        norm = None
        """,
    )
    write('b.yml', 'optim: {lr: 0.1, steps: [1, 2]}\nseed: 0')
    write('c.json', '{"data": {"root": "x"}}')
    path = write(
        'child.py',
        """
        _base_ = ['sub/a.py', 'b.yml', './c.json']
        model = dict(head=dict(n=2), extra=dict(_delete_=True, z=3), stages=[9], neck=dict(_delete_=True, type='N'))
        norm = dict(type='BN')
        optim = dict(lr=0.2)
        """,
    )
    cfg = load_config(path)
    assert cfg.to_dict() == {
        'model': {
            'type': 'M',
            'head': {'type': 'H', 'n': 2},
            'extra': {'z': 3},
            'stages': [9],
            'neck': {'type': 'N'},
        },
        'norm': {'type': 'BN'},
        'optim': {'lr': 0.2, 'steps': [1, 2]},
        'seed': 0,
        'data': {'root': 'x'},
    }
    assert cfg.filename == str(path)
    assert [cfg.text.index(f'{name}\n') for name in ('a.py', 'b.yml', 'c.json', 'child.py')] == sorted(
        cfg.text.index(f'{name}\n') for name in ('a.py', 'b.yml', 'c.json', 'child.py')
    )


def test_base_values_can_be_read(write: Write) -> None:
    write('base.py', "pipeline = [dict(type='A'), dict(type='B')]\nmodel = dict(head=dict(n=3))\nlr = 0.1")
    path = write(
        'child.py',
        """
        _base_ = 'base.py'
        n = {{_base_.model.head.n}}
        first = {{ _base_.pipeline.0 }}
        copied = _base_.pipeline
        longer = [*_base_.pipeline, dict(type='C', n=_base_.model['head']['n'])]
        rate = f'{_base_.lr}'
        _base_.model.head.classes = 7
        """,
    )
    cfg = load_config(path)
    assert (cfg.n, cfg.first, cfg.copied) == (3, {'type': 'A'}, [{'type': 'A'}, {'type': 'B'}])
    assert cfg.longer[2] == {'type': 'C', 'n': 3}
    assert cfg.rate == '0.1'
    assert cfg.model == {'head': {'n': 3, 'classes': 7}}  # an edit of the base is kept


def test_file_names_and_environment_are_filled_in(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('FR_TEST_ROOT', '/faces')
    path = write(
        'my_run.py',
        """
        work_dir = 'work/{{ fileBasenameNoExtension }}'
        data_root = '{{$FR_TEST_ROOT:/default}}/images'
        batch = {{'$FR_TEST_BATCH:8'}}
        """,
    )
    cfg = load_config(path)
    assert (cfg.work_dir, cfg.data_root, cfg.batch) == ('work/my_run', '/faces/images', 8)
    assert cfg.env_variables == {'FR_TEST_ROOT': '/faces'}


def test_python_of_any_kind_may_stand_in_a_config(write: Write) -> None:
    path = write(
        'c.py',
        """
        import math
        from fractions import Fraction
        from pathlib import Path
        import numpy as np

        def double(x):
            return 2 * x

        class Helper:
            value = 3

        stages = []
        for i, width in enumerate((8, 16)):
            if i:
                stages.append(dict(width=double(width)))
            else:
                stages += [dict(width=width)]
        try:
            depth = undefined
        except NameError:
            depth = Helper.value
        with open(__import__('os').devnull) as stream:
            empty = stream.read()
        root = Path('data') / 'x'
        scale = np.float32(0.5)
        count = np.int64(3)
        far = math.inf
        loss = dict(type=math.sqrt, table=Fraction)
        table = {1: 'a', 'b c': 2}
        """,
    )
    assert load_config(path).to_dict() == {
        'stages': [{'width': 8}, {'width': 32}],
        'depth': 3,
        'empty': '',
        'root': 'data/x',
        'scale': 0.5,
        'count': 3,
        'far': math.inf,
        'loss': {'type': 'math.sqrt', 'table': 'fractions.Fraction'},
        'table': {1: 'a', 'b c': 2},
    }


def test_import_style_configs_load_and_can_be_a_base(write: Write) -> None:
    write('plain.py', "a = dict(x=1, y=2)\nb = 'b'")
    write(
        'modern.py',
        """
        from mmengine.config import read_base
        with read_base():
            from .plain import *
        a.update(x=5)
        """,
    )
    path = write('child.py', "_base_ = 'modern.py'\na = dict(z=3)")
    cfg = load_config(path, ['a.y=7'])
    assert cfg.a == {'x': 5, 'y': 7, 'z': 3}
    assert cfg.b == 'b'


def test_custom_imports_are_imported(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(write('fr_custom_module.py', 'loaded = True').parent))
    path = write('c.py', "custom_imports = dict(imports=['fr_custom_module'], allow_failed_imports=False)")
    load_config(path)
    import sys

    assert sys.modules.pop('fr_custom_module').loaded
    path = write('d.py', "custom_imports = dict(imports=['fr_no_such_module'], allow_failed_imports=False)")
    with pytest.raises(UserError, match=r'd.py: custom_imports: .*PYTHONPATH'):
        load_config(path)


def test_our_own_configs_are_reached_from_anywhere(write: Write) -> None:
    own = load_config('retinaface_mnet025_widerface')
    inherited = load_config(write('mine.py', "_base_ = 'faceresearch::retinaface/retinaface_mnet025_widerface.py'"))
    assert inherited.to_dict() == own.to_dict()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a = 1\nb = (', 'c.py:2: not valid Python'),
        ('a = 1\nb = a / 0', 'c.py:2: ZeroDivisionError'),
        ("_base_ = 'bse.py'", "c.py:1: base config 'bse.py' does not exist"),
        ("_base_ = 'bse.py'", "Did you mean 'base.py'"),
        ('_base_ = 3', 'c.py:1: _base_ must be a path'),
        ('_base_ = [x]', 'c.py:1: _base_ must be a path'),
        ("_base_ = 'mmdet::yolo/none.py'", "base config 'mmdet::yolo/none.py' cannot be found"),
        ("_base_ = 'faceresearch::retinaface/retinaface_mnet02_widerface.py'", 'retinaface_mnet025_widerface'),
        ("_base_ = './c.py'", 'in a circle'),
        ("_base_ = 'base.py'\nx = lr * 2", 'c.py:2: NameError'),
        ("_base_ = 'base.py'\nx = lr * 2", 'write _base_.lr'),
        ("_base_ = 'base.py'\nlr = dict(\n  x=1)", 'c.py:2: lr is a dict here but 0.1 in the base; add _delete_=True'),
        ("_base_ = ['base.py', 'base2.py']", "both set 'lr', to different values"),
        ('model = dict(\n  head=dict(\n    fn=lambda x: x))', 'c.py:3: model.head.fn is a lambda'),
        ('model = dict(x={1, 2})', 'c.py:1: model.x is a set'),
        ('text = 1', 'text is reserved'),
        ('a = {{_base_.x}}', 'c.py:1: KeyError'),
        ("a = '{{$FR_TEST_UNSET:}}'", 'FR_TEST_UNSET'),
    ],
)
def test_errors_are_one_line_with_file_and_line(text: str, message: str, write: Write) -> None:
    write('base.py', 'lr = 0.1')
    write('base2.py', 'lr = 0.2')
    with pytest.raises(UserError) as caught:
        load_config(write('c.py', text))
    assert message in str(caught.value)
    assert '\n' not in str(caught.value)


def test_data_files_with_errors(write: Write) -> None:
    for name, text in [('c.yml', 'a: [1'), ('c.json', '{"a": '), ('c.yaml', '- 1'), ('d.yml', "a: '{{_base_.x}}'")]:
        with pytest.raises(UserError, match=name):
            load_config(write(name, text))
    with pytest.raises(UserError, match='no config'):
        load_config(write('c.txt', 'a = 1'))


def test_two_bases_may_set_the_same_value(write: Write) -> None:
    write('a.py', 'size = (1, 2)\na = size')
    write('b.py', 'size = (1, 2)\nb = size')
    path = write('c.py', "_base_ = ['a.py', 'b.py']")
    assert load_config(path).a == (1, 2)
    cfg = load_config(path, ['size=[3,4]'])
    assert (cfg.size, cfg.a, cfg.b) == ((3, 4), (3, 4), (3, 4))
