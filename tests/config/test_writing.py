"""A written config loads to the same config."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from faceresearch.config import config_names, dump_config, format_config, load_config
from faceresearch.config.tree import same
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]

TRICKY = {
    'empty': [(), [], {}, ''],
    'one': (1,),
    'nested': [(1, (2.5, None)), [True, [False]]],
    'quotes': 'it\'s "quoted"\n\\ ü',
    'numbers': [1, 1.0, -0.0, 1e-30, 1e300, 10**20],
    'mapping': {0: {'a': 1}, 'b c': {'class': 1, '1': 2}, 'x': ({'y': [{'z': ()}]},)},
    'long': [{'type': 'LongTransformName', 'size': (640, 640), 'fill': (104, 117, 123)} for _ in range(3)],
    'long_text': 'word ' * 60,
    'long_tuple': tuple(range(100)),
}


def test_every_kind_of_value_survives(tmp_path: Path) -> None:
    dump_config(Config(TRICKY), tmp_path / 'c.py')
    assert same(load_config(tmp_path / 'c.py').to_dict(), TRICKY)
    assert list(load_config(tmp_path / 'c.py')) == list(TRICKY)  # keys keep their order


def _random_value(rng: random.Random, depth: int) -> object:
    if depth == 0 or rng.random() < 0.4:
        return rng.choice([None, True, 0, -7, 0.25, 1e-9, '', 'a b', 'q\'"', '\\n', 'x' * rng.randrange(80)])
    size = rng.randrange(4)
    if rng.random() < 0.5:
        keys = rng.sample(['a', 'b1', 'type', 'with space', 'class', 'ü', 3], size)
        return {key: _random_value(rng, depth - 1) for key in keys}
    items = [_random_value(rng, depth - 1) for _ in range(size)]
    return items if rng.random() < 0.5 else tuple(items)


def test_random_trees_survive(tmp_path: Path) -> None:
    rng = random.Random(0)
    tree = {f'v{i}': _random_value(rng, 5) for i in range(300)}
    dump_config(Config(tree), tmp_path / 'c.py')
    assert same(load_config(tmp_path / 'c.py').to_dict(), tree)


def test_infinity_and_nan_survive_in_our_text_and_in_mmengines(write: Write, tmp_path: Path) -> None:
    path = write('c.py', "a = float('inf')\nb = [dict(x=-float('inf'))]\nc = (float('nan'), 1e999)")
    cfg = load_config(path)
    dump_config(cfg, tmp_path / 'ours.py')
    cfg.dump(tmp_path / 'theirs.py')
    for name in ('ours.py', 'theirs.py'):
        again = load_config(tmp_path / name)
        assert again.a == math.inf and again.b[0].x == -math.inf and math.isnan(again.c[0]) and again.c[1] == math.inf


@pytest.mark.parametrize('name', sorted(config_names()))
def test_shipped_configs_survive(name: str, tmp_path: Path) -> None:
    cfg = load_config(name)
    dump_config(cfg, tmp_path / 'c.py')
    assert same(load_config(tmp_path / 'c.py').to_dict(), cfg.to_dict())
    assert same(Config.fromfile(tmp_path / 'c.py').to_dict(), cfg.to_dict())


def test_mmengines_own_dump_survives(tmp_path: Path) -> None:
    cfg = load_config('retinaface_mnet025_widerface')
    cfg.dump(tmp_path / 'c.py')
    assert same(load_config(tmp_path / 'c.py').to_dict(), cfg.to_dict())


def test_lines_stay_short_where_values_allow(tmp_path: Path) -> None:
    cfg = Config({'a': {'b': [{'type': 'T', 'size': (640, 640), 'value': i} for i in range(20)]}})
    assert max(map(len, format_config(cfg).splitlines())) <= 100


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / 'c.py'
    dump_config(Config({'a': 1}), target)
    monkeypatch.setattr(Path, 'write_text', lambda *a, **k: (_ for _ in ()).throw(OSError('disk full')))
    with pytest.raises(OSError, match='disk full'):
        dump_config(Config({'a': 2}), target)
    monkeypatch.undo()
    assert target.read_text() == 'a = 1\n'
    assert [p.name for p in tmp_path.iterdir()] == ['c.py']


def test_a_folder_that_cannot_be_made_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot write'):
        dump_config(Config({'a': 1}), tmp_path / 'file' / 'c.py')
