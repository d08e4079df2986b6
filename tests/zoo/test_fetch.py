"""Whatever a server does, a file has its name only when it is whole and right."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.zoo.fetch import Patience, fetch
from tests.zoo.file_server import FileServer, serving

CONTENT = np.random.default_rng(0).bytes(700_001)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HASTY = Patience(timeout=1.0, attempts=2, pause=0.01)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as running:
        yield running


@pytest.mark.parametrize('kind', ['good', 'plain', 'redirect', 'cut-once', 'busy-once'])
def test_arrives(server: FileServer, tmp_path: Path, kind: str) -> None:
    target = tmp_path / 'sub/weights.pth'
    seen: list[tuple[int, int | None]] = []
    found = fetch(server.url(f'{kind}/x'), target, SHA256, len(CONTENT), lambda *now: seen.append(now), HASTY)
    assert found == SHA256 and target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not target.with_name('weights.pth.part').exists()


def test_goes_on_where_it_was_cut_off(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / 'weights.pth'
    half = len(CONTENT) // 2
    with pytest.raises(UserError, match=rf'only {half:,} of 700,001 bytes arrived .*{half:,} bytes are kept'):
        fetch(server.url('truncated/x'), target, SHA256, None, None, Patience(1.0, 1, 0.0))
    assert not target.exists()
    fetch(server.url('good/x'), target, SHA256, None, None, HASTY)
    assert server.requests[-1] == ('/good/x', f'bytes={half}-')
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / 'weights.pth'
    target.with_name('weights.pth.part').write_bytes(CONTENT[:1000])
    fetch(server.url('plain/x'), target, SHA256, None, None, HASTY)
    assert target.read_bytes() == CONTENT


def test_the_kept_part_of_another_file_is_given_up(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / 'weights.pth'
    for kept in (bytes(1000), bytes(len(CONTENT)), bytes(len(CONTENT) + 5)):
        target.with_name('weights.pth.part').write_bytes(kept)
        fetch(server.url('good/x'), target, SHA256, None, None, HASTY)
        assert target.read_bytes() == CONTENT
        target.unlink()


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('corrupt', 'what arrived has sha256 .* it was deleted'),
        ('truncated', r'bytes arrived \(2 attempts\)'),
        ('stalls', 'nothing arrived for 1 seconds'),
        ('endless', 'sends more than the 700,001 bytes expected'),
        ('404', 'the server answers 404'),
        ('elsewhere', 'file:.* not safe to follow|not allowed'),
    ],
)
def test_a_fault_leaves_no_file(server: FileServer, tmp_path: Path, kind: str, message: str) -> None:
    target = tmp_path / 'weights.pth'
    with pytest.raises(UserError, match=message):
        fetch(server.url(f'{kind}/x'), target, SHA256, len(CONTENT), None, HASTY)
    assert not target.exists()


def test_another_size_is_another_file(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='sends 700,001 bytes, expected are 5'):
        fetch(server.url('good/x'), tmp_path / 'weights.pth', SHA256, 5, None, HASTY)


def test_nobody_answers(tmp_path: Path) -> None:
    with serving(b'x') as server:
        url = server.url('good/x')
    with pytest.raises(UserError, match='cannot be reached'):
        fetch(url, tmp_path / 'weights.pth', None, None, None, HASTY)
    with pytest.raises(UserError, match='no http or https address'):
        fetch('file:///etc/hostname', tmp_path / 'weights.pth')


def test_what_is_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / 'weights.pth'
    target.write_bytes(CONTENT)
    fetch(server.url('good/x'), target, SHA256)
    assert not server.requests
    target.write_bytes(b'something else')
    fetch(server.url('good/x'), target, SHA256)
    assert target.read_bytes() == CONTENT


def test_two_at_once_fetch_it_once(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / 'weights.pth'
    threads = [threading.Thread(target=fetch, args=(server.url('good/x'), target, SHA256)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1 and target.read_bytes() == CONTENT
