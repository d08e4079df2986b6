"""Batches of few identities with several images each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.engine import samplers
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.engine.samplers import IdentityBalancedSampler
from faceresearch.errors import UserError

#: A long tail: 60, 20, 6, 3, 1 images.
COUNTS = (60, 20, 6, 3, 1)


class Tail(RecognitionDataset):
    """Images that are only numbers."""

    def load_identities(self) -> np.ndarray:
        # Mixed, as in a folder of another order.
        return np.random.default_rng(0).permutation(np.repeat(np.arange(len(COUNTS)), COUNTS))

    def image_info(self, index: int) -> dict:
        return {'img_id': str(index)}


def epoch_of(sampler: IdentityBalancedSampler, epoch: int) -> list[int]:
    sampler.set_epoch(epoch)
    return list(sampler)


def groups_of(indices: list[int], size: int, data: Tail) -> list[tuple[int, ...]]:
    positions = np.array(indices) % len(data)
    return [tuple(group) for group in positions.reshape(-1, size).tolist()]


def test_every_group_is_of_one_identity_and_identities_come_equally_often() -> None:
    data = Tail()
    sampler = IdentityBalancedSampler(data, 3, seed=1)
    indices = epoch_of(sampler, 2)
    assert len(indices) == len(sampler) == sum(COUNTS)
    assert set(np.array(indices) // len(data)) == {2}
    groups = groups_of(indices, 3, data)
    owners = [{int(data.identities[i]) for i in group} for group in groups]
    assert all(len(owner) == 1 for owner in owners)
    times = Counter(min(owner) for owner in owners)
    assert set(times.values()) == {sum(COUNTS) // 3 // len(COUNTS)}
    # Five groups in a row are of five identities.
    assert all(len({min(o) for o in owners[i : i + 5]}) == 5 for i in range(0, len(owners), 5))


def test_an_identity_repeats_an_image_only_when_all_were_shown() -> None:
    data = Tail()
    groups = groups_of(epoch_of(IdentityBalancedSampler(data, 3, seed=1), 0), 3, data)
    shown = [i for group in groups for i in group if data.identities[i] == 2]
    assert len(shown) == 18 and all(count == 3 for count in Counter(shown).values())
    frequent = [i for group in groups for i in group if data.identities[i] == 0]
    assert len(frequent) == len(set(frequent)) == 18
    assert all(len(set(group)) == 3 for group in groups if data.identities[group[0]] != 4)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    data = Tail()
    first = [epoch_of(IdentityBalancedSampler(data, 2, seed=5), epoch) for epoch in (0, 1)]
    again = IdentityBalancedSampler(data, 2, seed=5)
    assert [epoch_of(again, 1), epoch_of(again, 0)] == first[::-1]
    assert [i % len(data) for i in first[0]] != [i % len(data) for i in first[1]]
    assert epoch_of(IdentityBalancedSampler(data, 2, seed=6), 0) != first[0]


@pytest.mark.parametrize('world', [2, 4, 7])
def test_processes_share_the_groups_of_one_process(monkeypatch: pytest.MonkeyPatch, world: int) -> None:
    data = Tail()
    alone = groups_of(epoch_of(IdentityBalancedSampler(data, 2, seed=5), 3), 2, data)
    parts = []
    for rank in range(world):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, world))
        sampler = IdentityBalancedSampler(data, 2, seed=5)
        parts.append(groups_of(epoch_of(sampler, 3), 2, data))
        assert 2 * len(parts[-1]) == len(sampler)
    assert len({len(part) for part in parts}) == 1
    dealt = [parts[i % world][i // world] for i in range(sum(map(len, parts)))]
    assert dealt[: len(alone)] == alone
    assert dealt[len(alone) :] == alone[: len(dealt) - len(alone)]


def test_a_loader_takes_the_sampler_and_a_data_set_without_identities_is_refused() -> None:
    sampler = {'type': 'IdentityBalancedSampler', 'images_per_identity': 2}
    loader = build_dataloader(
        {'batch_size': 10, 'num_workers': 0, 'dataset': Tail(pipeline=[_identity]), 'sampler': sampler}, seed=0
    )
    batch = next(iter(loader))
    assert sorted(Counter(batch['identity']).values()) == [2, 2, 2, 2, 2]
    with pytest.raises(UserError, match='list has no identities'):
        IdentityBalancedSampler([1, 2, 3], seed=0)
    with pytest.raises(UserError, match='images_per_identity=0'):
        IdentityBalancedSampler(Tail(), 0, seed=0)


def _identity(results: dict) -> dict:
    return {'identity': results['gt_identity']}
