"""Who set this value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faceresearch.config import explain, load_config
from faceresearch.config.provenance import place_of
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]

BASE = """
    data_root = 'data'
    codec = dict(
        type='MSRA',
        input_size=(256, 256))
    model = dict(head=dict(decoder=codec, classes=1))
    rates = []
    for power in range(2):
        rates.append(10**-power)
    train_dataloader = dict(
        batch_size=8,
        dataset=dict(ann=data_root + '/train.txt'))
    """


@pytest.fixture
def leaf(write: Write, monkeypatch: pytest.MonkeyPatch) -> str:
    path = write('base.py', BASE)
    write('middle.py', "_base_ = './base.py'\nmodel = dict(\n    head=dict(\n        classes=2,\n    ))")
    write(
        'leaf.py', "_base_ = './middle.py'\n\ncodec = dict(input_size=(384, 384))\nmodel = dict(head=dict(classes=3))"
    )
    monkeypatch.chdir(path.parent)
    return 'leaf.py'


def steps(path: str, key: str, *overrides: str) -> list[tuple[str, object]]:
    return [(step.where, step.value) for step in explain(path, key, overrides).steps]


def test_the_chain_from_base_to_leaf_to_command_line(leaf: str) -> None:
    assert steps(leaf, 'model.head.classes') == [('base.py:5', 1), ('middle.py:4', 2), ('leaf.py:4', 3)]
    assert steps(leaf, 'model.head.classes', 'model.head.classes=4')[-1] == ('command line', 4)
    assert steps(leaf, 'model.head.classes', 'model.head={classes:5}')[-1] == ('command line', 5)
    assert steps(leaf, 'codec.input_size') == [('base.py:4', (256, 256)), ('leaf.py:3', (384, 384))]


def test_a_derived_value_names_its_line_and_its_variable(leaf: str) -> None:
    found = explain(leaf, 'model.head.decoder.input_size')
    assert found.value == (384, 384)
    assert [(s.where, s.value) for s in found.steps] == [('base.py:5', (384, 384))]
    assert [source.key for source in found.sources] == ['codec.input_size']
    assert found.sources[0].steps[-1].where == 'leaf.py:3'
    found = explain(leaf, 'train_dataloader.dataset.ann', ['data_root=/x'])
    assert (found.value, found.steps[-1].where) == ('/x/train.txt', 'base.py:11')
    assert [(s.where, s.value) for s in found.sources[0].steps] == [('base.py:1', 'data'), ('command line', '/x')]


def test_a_value_made_by_a_loop_names_the_line_in_the_loop(leaf: str) -> None:
    assert steps(leaf, 'rates.1') == [('base.py:8', 0.1)]


def test_the_text_shows_lines_and_what_was_overridden(leaf: str) -> None:
    text = str(explain(leaf, 'model.head.classes', ['model.head.classes=4']))
    assert text.splitlines()[0] == 'model.head.classes = 4'
    assert 'middle.py:4' in text and 'classes=2,' in text and 'was 2' in text
    assert text.splitlines()[-1].split() == ['command', 'line', 'model.head.classes=4', '#', 'set', 'here:', '4']


def test_a_missing_key_names_the_nearest(leaf: str) -> None:
    with pytest.raises(UserError, match=r"no key 'model.head.clases' in leaf.py. Did you mean 'model.head.classes'"):
        explain(leaf, 'model.head.clases')


@pytest.mark.parametrize(
    'text', ['a: {b: 1}', 'from mmengine.config import read_base\nwith read_base():\n    from .z import *']
)
def test_other_kinds_of_files_are_named_without_a_line(
    text: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('z.py', 'a = dict(b=1)')
    name = 'x.yml' if text.startswith('a:') else 'x.py'
    monkeypatch.chdir(write(name, text).parent)
    write('c.py', f"_base_ = '{name}'")
    assert steps('c.py', 'a.b') == [(name, 1)]


def test_every_key_of_a_shipped_config_has_an_origin() -> None:
    cfg = load_config('retinaface_mnet025_widerface')
    for key in ('model.backbone.type', 'train_dataloader.dataset.pipeline.0.type', 'optim_wrapper', 'default_scope'):
        where = explain('retinaface_mnet025_widerface', key).steps[-1].where
        file, line = where.rsplit(':', 1)
        assert Path(file).is_file()
        assert key.split('.')[-1] in Path(file).read_text(encoding='utf-8').splitlines()[int(line) - 1]
    assert cfg.filename


def test_place_of_is_empty_where_it_cannot_be_told(leaf: str) -> None:
    assert place_of(leaf, 'model.head.classes') == ' (leaf.py:4)'
    assert place_of(leaf, 'model.head.classes', ['model.head.classes=9']) == ' (command line: model.head.classes=9)'
    assert place_of('gone.py', 'a') == place_of(leaf, 'gone') == ''
