"""Files are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faceresearch.errors import UserError, did_you_mean
from faceresearch.fileio import atomic_path


def test_replaces_in_one_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / 'deep/er/out.json'
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == '.json'
        temporary.write_text('new')
        assert not target.exists()
    assert target.read_text() == 'new' and list(target.parent.iterdir()) == [target]


def test_an_error_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / 'out.txt'
    target.write_text('old')
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text('half')
        raise RuntimeError
    assert target.read_text() == 'old' and list(tmp_path.iterdir()) == [target]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with atomic_path(tmp_path / 'a') as temporary:
            temporary.write_text('x')
    finally:
        os.umask(old)
    assert (tmp_path / 'a').stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('x')
    with pytest.raises(UserError, match='cannot write'), atomic_path(tmp_path / 'file/out.txt'):
        pass


def test_near_misses_are_suggested() -> None:
    assert did_you_mean('RetinaFaceHaed', ['RetinaFaceHead', 'FPN']) == " Did you mean 'RetinaFaceHead'?"
    assert did_you_mean('retinafacehead', ['RetinaFaceHead']) == " Did you mean 'RetinaFaceHead'?"
    assert did_you_mean('zzz', ['RetinaFaceHead']) == ''
