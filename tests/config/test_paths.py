"""Configs by path and by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from faceresearch.config import config_names, configs_folder, find_config
from faceresearch.errors import UserError

NAME = 'retinaface_mnet025_widerface'


@pytest.mark.parametrize(
    'given',
    [
        NAME,
        f'{NAME}.py',
        f'retinaface/{NAME}.py',
        f'retinaface/{NAME}',
        f'configs/retinaface/{NAME}.py',
        f'faceresearch::retinaface/{NAME}.py',
        f'faceresearch::{NAME}',
    ],
)
def test_a_config_is_found_from_any_folder(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(given) == configs_folder() / 'retinaface' / f'{NAME}.py'


def test_an_existing_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / f'{NAME}.py'
    mine.write_text('')
    assert find_config(f'{NAME}.py') == mine
    assert find_config(mine) == mine
    assert find_config(NAME) != mine


def test_a_folder_of_that_name_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_config(NAME).name == f'{NAME}.py'


def test_names_are_unique_and_leave_out_fragments() -> None:
    stems = Counter(p.stem for p in configs_folder().rglob('*.py') if '_base_' not in p.parts)
    assert [stem for stem, count in stems.items() if count > 1] == []
    assert set(config_names()) == set(stems)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('retinaface_mnet25_widerface', f"Did you mean '{NAME}'"),
        (f'retinaface/{NAME}x.py', f"Did you mean '{NAME}'"),
        ('/no/such/file.py', 'no config'),
        ('.', 'is a folder'),
        ('data.csv', 'is no config'),
        ('none', 'no config'),
    ],
)
def test_what_is_not_found_names_the_nearest(
    given: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'data.csv').write_text('')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        find_config(given)
    assert message in str(caught.value)
