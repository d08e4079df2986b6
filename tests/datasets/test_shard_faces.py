"""Tar shards: who reads what, in which order, and what is never touched."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from faceresearch.datasets import shard_faces
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.engine.loops import remaining_batches
from faceresearch.errors import UserError
from faceresearch.structures import FaceBatch

pytest.importorskip('webdataset')

PIPELINE = [{'type': 'LoadImage'}, {'type': 'RandomFlip', 'prob': 0.5}, {'type': 'PackFaceInputs'}]
SHARDS, IN_SHARD = 6, 12


def encoded(number: int) -> bytes:
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, :8] = number
    return cv2.imencode('.png', image)[1].tobytes()


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, 'w') as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shard in range(SHARDS):
        members = []
        for i in range(IN_SHARD):
            number = shard * IN_SHARD + i
            label = [
                ('cls', b'%d\n' % number),
                ('txt', b'%d' % number),
                ('json', json.dumps({'label': number}).encode()),
            ]
            members += [
                (f'a/{number:04d}.png', encoded(number)),
                (f'a/{number:04d}.{label[i % 3][0]}', label[i % 3][1]),
            ]
        write_tar(tmp_path / f'{shard:03d}.tar', members)
    return tmp_path


def loader(folder: Path, workers: int = 0, seed: int = 3, batch: int = 4, **changes: Any) -> Any:
    dataset = {'type': 'WebFaceShards', '_scope_': 'faceresearch', 'data_root': str(folder), 'num_classes': 72}
    dataset |= {'shuffle': 8, 'pipeline': PIPELINE, **changes}
    return build_dataloader({'batch_size': batch, 'num_workers': workers, 'dataset': dataset}, seed=seed)


def epoch_of(made: Any, epoch: int, done: int = 0) -> list[tuple[list[int], list[int]]]:
    """Identities, and sums of the left halves (which tell mirrored images), batch by batch."""
    made.sampler.set_epoch(epoch)
    batches = [batch for _, batch in remaining_batches(made, done)]
    assert all(isinstance(batch['data_samples'], FaceBatch) for batch in batches)
    return [
        (b['data_samples'].identities.tolist(), b['inputs'][..., :8].long().sum((1, 2, 3)).tolist()) for b in batches
    ]


def test_an_epoch_has_every_image_once_and_another_order_each_time(folder: Path) -> None:
    made = loader(folder)
    assert made.dataset.num_identities == 72 and len(made) == 18
    first, second = epoch_of(made, 0), epoch_of(made, 1)
    for epoch in (first, second):
        assert sorted(i for identities, _ in epoch for i in identities) == list(range(72))
    assert first != second
    assert epoch_of(made, 0) == first
    assert epoch_of(loader(folder), 1) == second
    assert epoch_of(loader(folder, seed=4), 0) != first
    mirrored = {i: s == 0 for identities, sums in first for i, s in zip(identities, sums) if i}
    assert 10 < sum(mirrored.values()) < 62
    assert {i: s == 0 for ids, sums in second for i, s in zip(ids, sums) if i} != mirrored


def test_workers_read_shards_of_their_own_and_learn_of_the_epoch(folder: Path) -> None:
    made = loader(folder, workers=2)
    if made.num_workers != 2:
        pytest.skip('one core')
    for epoch in (0, 1):
        batches = epoch_of(made, epoch)
        assert sorted(i for identities, _ in batches for i in identities) == list(range(72))
        for worker in (0, 1):
            shards = {i // IN_SHARD for identities, _ in batches[worker::2] for i in identities}
            assert shards == set(made.dataset.epoch_shards(epoch, worker)) and len(shards) == 3
    whole = epoch_of(made, 1)
    assert epoch_of(loader(folder, workers=2), 1) == whole
    for done in (1, 4, 5):
        assert epoch_of(loader(folder, workers=2), 1, done) == whole[done:], 'resumed in the middle'


def test_processes_read_disjoint_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    for rank in range(4):
        monkeypatch.setattr(shard_faces, 'get_dist_info', lambda rank=rank: (rank, 4))
        made = loader(folder, batch=2)
        assert len(made) == 9
        batches = epoch_of(made, 5)
        assert len(batches) == 9, 'two processes have one shard, two have two; all give equally many batches'
        seen.append(made.dataset.epoch_shards(5, rank))
        assert {i // IN_SHARD for identities, _ in batches for i in identities} <= set(seen[-1])
    assert sorted(shard for shards in seen for shard in shards) == list(range(SHARDS))


class Bomb:
    """Unpickled, it would leave a file behind."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def test_other_members_are_passed_over_and_nothing_leaves_the_archive(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    data.mkdir()
    bomb = pickle.dumps(Bomb(tmp_path / 'bomb'))
    buffer = io.BytesIO()
    torch.save({'a': torch.zeros(1)}, buffer)
    members = [
        ('../../x.png', encoded(1)),
        ('../../x.cls', b'0'),
        ('../../x.pyd', bomb),
        ('../../x.pth', buffer.getvalue()),
    ]
    members += [('/abs/y.jpg', encoded(2)), ('/abs/y.cls', b'1'), ('/abs/y.pickle', bomb), ('/abs/y.npy', b'\x93NUMPY')]
    write_tar(data / 'a.tar', members)
    before = sorted(tmp_path.rglob('*'))
    made = loader(data, batch=2)
    ((identities, _),) = epoch_of(made, 0)
    assert sorted(identities) == [0, 1]
    assert sorted(tmp_path.rglob('*')) == before


def test_unusable_samples_are_replaced_and_named(tmp_path: Path) -> None:
    members = [('a.png', encoded(1)), ('a.cls', b'0'), ('b.png', b'not an image'), ('b.cls', b'1')]
    members += [
        ('c.png', encoded(2)),
        ('d.png', encoded(2)),
        ('d.json', b'[' * 100_000),
        ('e.png', encoded(5)),
        ('e.txt', b'4'),
    ]
    write_tar(tmp_path / 'a.tar', members)
    made = loader(tmp_path, batch=2, shuffle=0, num_images=2)
    (batch,) = list(made)
    assert batch['data_samples'].identities.tolist() == [0, 4]
    (replaced,) = batch['data_samples'].metainfo_column('replaced')
    assert [text.split(': ')[1] for text in replaced] == ['b', 'c', 'd']


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda tar: tar[:700], r'000\.tar: .*(truncated|unexpected end)'),
        (lambda tar: b'x' * 2048, r'000\.tar: cannot be read as a tar shard'),
        (lambda tar: b'', r'000\.tar: cannot be read as a tar shard'),
    ],
)
def test_a_damaged_shard_is_named(folder: Path, damage: Any, message: str) -> None:
    shard = folder / '000.tar'
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(UserError, match=message):
        list(loader(folder, num_images=72))


def test_huge_labels_and_identities_without_a_class_are_refused(tmp_path: Path) -> None:
    write_tar(tmp_path / 'a.tar', [('a.png', encoded(1)), ('a.cls', b'1' * 100)])
    with pytest.raises(UserError, match=r'a\.tar: byte 1024: .*100 bytes, more than 64'):
        list(loader(tmp_path, batch=1))
    write_tar(tmp_path / 'a.tar', [('a.png', encoded(1)), ('a.cls', b'72')])
    with pytest.raises(UserError, match=r'a\.tar: a: identity 72 is not below num_classes=72'):
        list(loader(tmp_path, batch=1))


def test_too_few_shards_or_images_and_an_empty_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no shards '\*\.tar\.gz'"):
        loader(folder, shards='*.tar.gz')
    with pytest.raises(UserError, match='do not fill one batch of 100'):
        loader(folder, batch=100)
    dataset = loader(folder).dataset
    with pytest.raises(UserError, match='6 shards for 7 loader workers'):
        dataset.plan(4, 7)
