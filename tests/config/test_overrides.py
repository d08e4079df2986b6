"""Overrides: every form of Hydra's grammar, and every refusal."""

from __future__ import annotations

import pytest

from faceresearch.config.overrides import parse_override
from faceresearch.errors import UserError

CONFIG = {
    'lr': 0.1,
    'epochs': 3,
    'amp': False,
    'name': 'run',
    'nothing': None,
    'size': (256, 256),
    'anchors': [(1, 2), (3, 4)],
    'means': [1.0, 2.0],
    'model': {'type': 'M', 'head': {'type': 'H', 'classes': 1}, 'stages': [{'width': 8}, {'width': 16}]},
    'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.01}},
    'points': {0: {'name': 'a'}, 1: {'name': 'b'}},
}


def apply(*texts: str) -> dict:
    config = CONFIG
    for text in texts:
        config = parse_override(text).checked(config, 'c.py').apply(config)
    return config


def at(config: object, key: str) -> object:
    for part in key.split('.'):
        config = (
            config[int(part)] if isinstance(config, (list, tuple)) else config[int(part) if part.isdigit() else part]
        )
    return config


@pytest.mark.parametrize(
    ('text', 'key', 'value'),
    [
        ('lr=0.5', 'lr', 0.5),
        ('lr=1e-4', 'lr', 1e-4),
        ('lr=1', 'lr', 1),
        ('lr=-.5', 'lr', -0.5),
        ('epochs=1_000', 'epochs', 1000),
        ('epochs=2.5', 'epochs', 2.5),
        ("epochs='8'", 'epochs', 8),
        ("lr='1e-3'", 'lr', 1e-3),
        ('epochs=null', 'epochs', None),
        ('amp=true', 'amp', True),
        ('amp=False', 'amp', False),
        ('name=other', 'name', 'other'),
        ("name='a, b=c'", 'name', 'a, b=c'),
        ('name="it\'s"', 'name', "it's"),
        ("name='true'", 'name', 'true'),
        ('name=a/b.jpg', 'name', 'a/b.jpg'),
        ('name=', 'name', ''),
        ('name=null', 'name', None),
        ('nothing=[1,2]', 'nothing', [1, 2]),
        ('nothing={a:1}', 'nothing', {'a': 1}),
        ('size=[384,384]', 'size', (384, 384)),
        ('anchors=[[5,6]]', 'anchors', [(5, 6)]),
        ('means=[]', 'means', []),
        ('means.1=7.5', 'means.1', 7.5),
        ('model.head.classes=4', 'model.head.classes', 4),
        ('model.stages.0.width=4', 'model.stages.0.width', 4),
        ('size.1=128', 'size', (256, 128)),
        ('points.1.name=c', 'points.1.name', 'c'),
        ('model.head={type:X,n:[1,{a:b}]}', 'model.head', {'type': 'X', 'n': [1, {'a': 'b'}]}),
        ('model.head=null', 'model.head', None),
        ('model.head=none_of_it', 'model.head', 'none_of_it'),
        ('+model.head.bias=true', 'model.head.bias', True),
        ('+model.neck.type=N', 'model.neck', {'type': 'N'}),
        ('+model.stages.2={width:32}', 'model.stages.2', {'width': 32}),
        ('+fresh=1', 'fresh', 1),
        ('+nothing.a.b=1', 'nothing', {'a': {'b': 1}}),
        ('++model.head.classes=2', 'model.head.classes', 2),
        ('++model.head.fresh=2', 'model.head.fresh', 2),
        ('++epochs=many', 'epochs', 'many'),
        ('++size=[1,2]', 'size', (1, 2)),
        ('name=int(3.2)', 'name', 3),
    ],
)
def test_sets(text: str, key: str, value: object) -> None:
    got = at(apply(text), key)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize('text', ['~lr', '~model.head', '~model.head.classes', '~points.0', '~lr=0.1'])
def test_deletes_a_key(text: str) -> None:
    config = apply(text)
    *holder, last = text[1:].split('=')[0].split('.')
    parent = at(config, '.'.join(holder)) if holder else config
    assert last not in parent and (not last.isdigit() or int(last) not in parent)


def test_deletes_a_list_item() -> None:
    assert apply('~model.stages.0')['model']['stages'] == [{'width': 16}]
    assert apply('~model.stages.0', '~model.stages.0')['model']['stages'] == []


def test_a_dict_value_replaces_the_whole_dict() -> None:
    assert apply('model.head={classes:2}')['model']['head'] == {'classes': 2}


def test_leaves_the_original_alone() -> None:
    before = repr(CONFIG)
    apply('model.stages.0.width=1', '~model.head', '+a=1', 'size.0=1')
    assert repr(CONFIG) == before


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('lrr=1', "no key 'lrr' in c.py. Did you mean 'lr'"),
        ('model.hed.classes=2', "no key 'model.hed' in c.py. Did you mean 'model.head.classes'"),
        ('optim_wrapper.lr=1', "Did you mean 'lr' or 'optim_wrapper.optimizer.lr'"),
        ('model.head.clases=2', "'model.head.classes'"),
        ('zzz=1', 'The config has lr, epochs'),
        ('model.head.classes.x=1', 'model.head.classes is 1, which holds no keys'),
        ('model.stages.2.width=1', 'model.stages is a list of 2 items'),
        ('model.stages.x=1', 'model.stages is a list of 2 items'),
        ('+lr=1', "lr exists in c.py (0.1); write 'lr=1' to change it"),
        ('+model.stages.5={}', 'only item 2 can be added'),
        ('+lr.x=1', 'lr is 0.1, which holds no keys'),
        ('~gone', "no key 'gone'"),
        ('~lr=0.2', 'lr is 0.1 in c.py'),
        ('epochs=many', "wrong type: epochs is 3 in c.py, a number, and 'many' is a string"),
        ('epochs=true', 'wrong type'),
        ('epochs=[1]', 'wrong type'),
        ('epochs={a:1}', 'wrong type'),
        ('amp=1', 'wrong type'),
        ('amp=yes', 'wrong type'),
        ('size=300', 'a list, and 300 is a number'),
        ('means=a', 'wrong type'),
        ('means={a:1}', 'wrong type'),
    ],
)
def test_refuses_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(UserError, match='override') as caught:
        apply(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('lr', 'cannot be read'),
        ('=1', 'names no key'),
        ('a=[1', 'cannot be read'),
        ("a='x", 'cannot be read'),
        ('a..b=1', 'cannot be read'),
        ('model/backbone=resnet', 'config groups'),
        ('model@pkg=resnet', 'config groups'),
        ('lr=${epochs}', 'interpolation'),
        ('lr=0.1,0.2', '--multirun'),
        ('lr=range(1,4)', '--multirun'),
        ('lr=choice(1,2)', '--multirun'),
        ('lr=interval(0,1)', '--multirun'),
        ('lr=glob(*)', '--multirun'),
    ],
)
def test_refuses_what_is_no_override(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_override(text)
    assert message in str(caught.value)
    assert '\n' not in str(caught.value)


def _leaves(tree: object, prefix: str = '') -> dict[str, object]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, (list, tuple)) else ()
    found = {}
    for key, value in items:
        found.update(_leaves(value, f'{prefix}{key}.') or {f'{prefix}{key}': value})
    return found


@pytest.mark.parametrize('key', sorted(_leaves(CONFIG)))
def test_an_override_of_any_leaf_changes_that_leaf_and_nothing_else(key: str) -> None:
    old = _leaves(CONFIG)
    values = {bool: 'true', int: '77', float: '7.5', str: 'other', type(None): 'set'}
    changed = _leaves(apply(f'{key}={values[type(old[key])]}'))
    assert changed.keys() == old.keys()
    assert {k for k in old if changed[k] != old[k]} == {key}
    assert _leaves(apply(f'++{key}={values[type(old[key])]}')) == changed
    assert apply(f'+{key.split(".")[0]}_new={values[type(old[key])]}')[f'{key.split(".")[0]}_new'] == changed[key]
