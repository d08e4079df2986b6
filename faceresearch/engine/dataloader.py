"""Data loaders whose samples depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch.utils.data import DataLoader, IterableDataset

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.collate import list_collate
from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.datasets.shard_faces import WebFaceShards
from faceresearch.engine.samplers import ResumableBatches, StreamSampler
from faceresearch.engine.seeded_dataset import SeededDataset
from faceresearch.engine.threads import effective_workers, start_worker
from faceresearch.errors import UserError

#: Samplers whose indices say the epoch.
_CARRY_EPOCH = ('EpochSampler', 'IdentityBalancedSampler')
#: Samplers of other packages in whose place an EpochSampler gives every sample a seed of its own.
_REPLACEABLE = ('DefaultSampler', 'InfiniteSampler', 'mmengine.DefaultSampler', 'mmengine.InfiniteSampler')


def build_dataloader(
    dataloader: DataLoader | dict[str, Any], seed: int | None = None, diff_rank_seed: bool = False
) -> DataLoader:
    """Build a loader from its config, with these defaults: an :class:`EpochSampler` (shuffled in training), lists as
    batches, workers that stay between epochs, pinned memory where there is a GPU.

    Training sets of other packages are put into a :class:`SeededDataset`.

    Args:
        dataloader: config, or a loader that is returned as it is.
        seed: of the sampler, and of a training data set that states none.
        diff_rank_seed: mmengine's switch for different seeds in different processes.

    Raises:
        UserError: a number of workers that is none, or a training sampler that would repeat the same augmentation in
            every epoch.
    """
    if isinstance(dataloader, DataLoader):
        return dataloader
    config = copy.deepcopy(dict(dataloader))
    _fill_in(config)
    _build_dataset(config, 0 if seed is None else seed)
    loader = Runner.build_dataloader(config, seed, diff_rank_seed)
    if config['num_workers'] and 'worker_init_fn' not in dataloader:
        loader.worker_init_fn = partial(
            start_worker, num_workers=config['num_workers'], rank=get_rank(), seed=seed or 0
        )
    # Starting an iteration draws a number; from a generator of its own, training does not notice.
    loader.generator = torch.Generator()
    loader.generator.manual_seed((seed or 0) + get_rank())
    if isinstance(loader.dataset, RecognitionDataset) and loader.multiprocessing_context is None:
        loader.dataset.share_batches(config['batch_size'], config['num_workers'], config.get('prefetch_factor') or 2)
    if isinstance(loader.dataset, WebFaceShards):
        object.__setattr__(loader, 'sampler', StreamSampler(loader.dataset))
    if loader.batch_sampler is not None:
        # torch guards the attribute because workers may be running already; here none has been started.
        object.__setattr__(loader, 'batch_sampler', ResumableBatches(loader.batch_sampler))
    return loader


def _fill_in(config: dict[str, Any]) -> None:
    """Put the defaults into a loader's config."""
    wanted = config.get('num_workers') or 0
    if not isinstance(wanted, int) or wanted < 0:
        raise UserError(f'num_workers of a data loader must be a whole number from 0 on, not {wanted!r}')
    config['num_workers'] = effective_workers(wanted)
    config.setdefault('batch_size', 1)
    config.setdefault('collate_fn', list_collate)
    config.setdefault('pin_memory', torch.cuda.is_available())
    if config['num_workers']:
        config.setdefault('persistent_workers', True)
    else:
        config.pop('persistent_workers', None)
        config.pop('prefetch_factor', None)


def _build_dataset(config: dict[str, Any], seed: int) -> None:
    """Build the data set, in place, and see to it that the sampler suits it."""
    dataset, seed_stated = config['dataset'], True
    if isinstance(dataset, dict):
        seed_stated = 'seed' in dataset
        dataset = DATASETS.build(dataset)
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
    config['dataset'] = dataset
    if isinstance(dataset, IterableDataset):
        config.setdefault('sampler', None)
        if isinstance(dataset, WebFaceShards):
            _deal_out(config, dataset, seed, seed_stated)
        return
    sampler: Any = config.get('sampler') or {
        'type': 'EpochSampler',
        'shuffle': not getattr(dataset, 'test_mode', False),
    }
    config['sampler'] = sampler
    kind = sampler.get('type') if isinstance(sampler, dict) else type(sampler).__name__
    shuffle = sampler.get('shuffle', True) if isinstance(sampler, dict) else False
    if getattr(dataset, 'test_mode', not shuffle):
        return
    if isinstance(dataset, FaceDataset):
        if kind not in _CARRY_EPOCH:
            raise UserError(
                f"train_dataloader.sampler: {kind} would repeat each image's augmentation in every epoch; use"
                " sampler=dict(type='EpochSampler', shuffle=True)"
            )
        if not seed_stated:
            dataset.seed = seed
        return
    _refuse_wrapped_faces(dataset)
    if kind == 'EpochSampler' or kind in _REPLACEABLE:
        config['dataset'] = SeededDataset(dataset, seed)
        config['sampler'] = {'type': 'EpochSampler', 'shuffle': shuffle}


def _deal_out(config: dict[str, Any], dataset: WebFaceShards, seed: int, seed_stated: bool) -> None:
    """Let the data set make the batches: its workers know which shards are theirs."""
    if config.get('sampler'):
        raise UserError('train_dataloader.sampler: tar shards are read in their own order; leave it out')
    config['sampler'] = None
    if not seed_stated:
        dataset.seed = seed
    dataset.plan(config['batch_size'], config['num_workers'])
    config['batch_size'] = None
    config.pop('drop_last', None)


def _refuse_wrapped_faces(dataset: Any) -> None:
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if any(isinstance(part, FaceDataset) for part in parts):
        raise UserError(
            f"train_dataloader.dataset: {type(dataset).__name__} hides the epoch from the data set in it, so each image's"
            ' augmentation would be the same in every epoch'
        )
