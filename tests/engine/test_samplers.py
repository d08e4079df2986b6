"""The order of images, and loaders built on it."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS as ROOT_DATASETS
from torch.utils.data import BatchSampler

from faceresearch.datasets import WiderFaceDataset
from faceresearch.engine import samplers
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.engine.loops import remaining_batches
from faceresearch.engine.samplers import EpochSampler, ResumableBatches
from faceresearch.engine.seeded_dataset import SeededDataset
from faceresearch.errors import UserError
from tests.engine.tiny import IMAGES

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'RandomSquareCrop', 'train_size': 32},
    {'type': 'ColorDistortion'},
    {'type': 'RandomFlip'},
    {'type': 'PadToSquare'},
    {'type': 'RandomInterpolationResize', 'size': 32},
    {'type': 'PackFaceInputs'},
]


@pytest.fixture
def dataset(tiny_data: Path) -> WiderFaceDataset:
    return WiderFaceDataset(str(tiny_data), 'label.txt', 'images')


def loader_config(root: Path, **changes: Any) -> dict[str, Any]:
    dataset = {
        'type': 'WiderFaceDataset',
        '_scope_': 'faceresearch',
        'data_root': str(root),
        'ann_file': 'label.txt',
        'img_dir': 'images',
        'pipeline': PIPELINE,
    }
    return {'batch_size': 4, 'num_workers': 0, 'dataset': dataset, **changes}


def test_index_carries_the_epoch(dataset: WiderFaceDataset) -> None:
    sampler = EpochSampler(dataset, seed=3)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs, images = np.divmod(list(sampler), IMAGES)
        assert set(epochs) == {epoch}
        assert sorted(images) == list(range(IMAGES))
        orders.append(tuple(images))
    assert len(set(orders)) == 3
    again = EpochSampler(dataset, seed=3)
    assert tuple(again) == orders[0]
    assert tuple(EpochSampler(dataset, seed=4)) != orders[0]
    assert list(EpochSampler(dataset, shuffle=False, seed=3)) == list(range(IMAGES))


@pytest.mark.parametrize(('round_up', 'lengths'), [(True, [3, 3, 3, 3, 3]), (False, [3, 3, 2, 2, 2])])
def test_processes_share_an_epoch(
    dataset: WiderFaceDataset, monkeypatch: pytest.MonkeyPatch, round_up: bool, lengths: list[int]
) -> None:
    parts = []
    for rank in range(5):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, 5))
        sampler = EpochSampler(dataset, seed=0, round_up=round_up)
        parts.append(list(sampler))
        assert len(sampler) == len(parts[-1])
    assert [len(part) for part in parts] == lengths
    assert set().union(*parts) == set(range(IMAGES))
    if not round_up:
        assert sum(map(len, parts)) == IMAGES


@ROOT_DATASETS.register_module()
class NoisyDataset(BaseDataset):
    """A data set of another package: its transforms draw from the global generators."""

    def load_data_list(self) -> list[dict[str, int]]:
        return [{'number': i} for i in range(5)]

    def prepare_data(self, index: int) -> dict[str, Any]:
        noise = (random.random(), float(np.random.rand()), float(torch.rand(())))  # noqa: NPY002
        return {'number': self.get_data_info(index)['number'], 'noise': noise}


def noise_by_epoch(workers: int, **changes: Any) -> list[dict[int, Any]]:
    config = {'batch_size': 2, 'num_workers': workers, 'dataset': {'type': 'NoisyDataset'}}
    loader = build_dataloader({**config, **changes}, seed=1)
    epochs = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        epochs.append({n: noise for batch in loader for n, noise in zip(batch['number'], batch['noise'])})
    return epochs


def test_data_sets_of_other_packages_are_seeded_too() -> None:
    random.seed(0)
    first, second = noise_by_epoch(0, sampler={'type': 'DefaultSampler', 'shuffle': True})
    assert sorted(first) == list(range(5))
    assert not set(first.values()) & set(second.values())
    random.seed(7)
    torch.manual_seed(7)
    assert noise_by_epoch(2, sampler={'type': 'InfiniteSampler'}) == [first, second]


def test_wrapped_data_set_is_still_itself() -> None:
    loader = build_dataloader({'dataset': {'type': 'NoisyDataset'}}, seed=1)
    dataset = loader.dataset
    assert isinstance(dataset, SeededDataset)
    dataset.pipeline = 'another'
    assert dataset.inner.pipeline == 'another'
    assert dataset.metainfo == {}
    assert dataset.get_data_info(12)['number'] == 2
    copied = pickle.loads(pickle.dumps(SeededDataset([1, 2, 3], 0)))
    assert copied[4] == 2


def test_test_sets_are_left_alone() -> None:
    test_set = {'type': 'NoisyDataset', 'test_mode': True}
    loader = build_dataloader({'dataset': test_set, 'sampler': {'type': 'DefaultSampler', 'shuffle': False}}, seed=1)
    assert isinstance(loader.dataset, NoisyDataset)
    assert type(loader.sampler).__name__ == 'DefaultSampler'


def test_skipped_batches_are_left_out_once() -> None:
    batches = ResumableBatches(BatchSampler(range(7), 2, drop_last=False))
    batches.skip(2)
    assert list(batches) == [[4, 5], [6]]
    assert list(batches) == [[0, 1], [2, 3], [4, 5], [6]]
    assert (len(batches), batches.batch_size) == (4, 2)


def test_remaining_batches_are_not_loaded(tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = build_dataloader(loader_config(tiny_data), seed=0)
    whole = list(enumerate(loader))
    asked: list[int] = []
    original = type(loader.dataset).__getitem__
    monkeypatch.setattr(type(loader.dataset), '__getitem__', lambda self, i: asked.append(i) or original(self, i))
    rest = list(remaining_batches(loader, 2))
    assert [number for number, _ in rest] == [2]
    assert len(asked) == 4
    assert all(torch.equal(a, b) for a, b in zip(rest[0][1]['inputs'], whole[2][1]['inputs']))


def test_samples_do_not_depend_on_the_workers(tiny_data: Path) -> None:
    batches = []
    for workers in (0, 2):
        loader = build_dataloader(loader_config(tiny_data, num_workers=workers), seed=5)
        loader.sampler.set_epoch(2)
        batches.append([image for batch in loader for image in batch['inputs']])
    assert len(batches[0]) == IMAGES
    assert all(torch.equal(a, b) for a, b in zip(*batches))


def test_augmentation_differs_between_epochs(tiny_data: Path) -> None:
    config = loader_config(tiny_data, sampler={'type': 'EpochSampler', 'shuffle': False})
    loader = build_dataloader(config, seed=5)
    first = [image for batch in loader for image in batch['inputs']]
    loader.sampler.set_epoch(1)
    second = [image for batch in loader for image in batch['inputs']]
    assert not any(torch.equal(a, b) for a, b in zip(first, second))


def test_iterating_leaves_the_global_generator_alone(tiny_data: Path) -> None:
    loader = build_dataloader(loader_config(tiny_data), seed=5)
    before = torch.get_rng_state()
    next(iter(loader))
    assert torch.equal(before, torch.get_rng_state())


def test_seed_of_the_run_is_the_training_sets(tiny_data: Path) -> None:
    config = loader_config(tiny_data)
    assert build_dataloader(config, seed=5).dataset.seed == 5
    config['dataset']['seed'] = 9
    assert build_dataloader(config, seed=5).dataset.seed == 9


@pytest.mark.parametrize('kind', ['DefaultSampler', 'InfiniteSampler'])
def test_sampler_that_would_repeat_augmentation(tiny_data: Path, kind: str) -> None:
    with pytest.raises(UserError, match=f'{kind} would repeat .*EpochSampler'):
        build_dataloader(loader_config(tiny_data, sampler={'type': kind}), seed=0)
    test_set = loader_config(tiny_data, sampler={'type': kind})
    test_set['dataset']['test_mode'] = True
    assert build_dataloader(test_set, seed=0)


def test_wrapper_that_hides_the_epoch(tiny_data: Path) -> None:
    inner = loader_config(tiny_data)['dataset']
    config = loader_config(tiny_data, dataset={'type': 'ConcatDataset', 'datasets': [inner, inner]})
    with pytest.raises(UserError, match='ConcatDataset hides the epoch'):
        build_dataloader(config, seed=0)
