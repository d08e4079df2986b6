"""Data loaders whose samples depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.collate import list_collate
from faceresearch.engine.samplers import EpochSampler
from faceresearch.engine.threads import effective_workers, start_worker
from faceresearch.errors import UserError


def build_dataloader(
    dataloader: DataLoader | dict[str, Any], seed: int | None = None, diff_rank_seed: bool = False
) -> DataLoader:
    """Build a loader from its config, with these defaults: an :class:`EpochSampler` (shuffled in training), lists as
    batches, workers that stay between epochs, pinned memory where there is a GPU.

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
    dataset = config.get('dataset')
    seed_stated = not isinstance(dataset, dict) or 'seed' in dataset
    test_mode = isinstance(dataset, dict) and dataset.get('test_mode', False)
    if config.get('sampler') is None:
        config['sampler'] = {'type': 'EpochSampler', 'shuffle': not test_mode, 'round_up': not test_mode}
    wanted = config.get('num_workers') or 0
    if not isinstance(wanted, int) or wanted < 0:
        raise UserError(f'num_workers of a data loader must be a whole number from 0 on, not {wanted!r}')
    workers = config['num_workers'] = effective_workers(wanted)
    config.setdefault('batch_size', 1)
    config.setdefault('collate_fn', list_collate)
    config.setdefault('pin_memory', torch.cuda.is_available())
    if workers:
        config.setdefault('persistent_workers', True)
    else:
        config.pop('persistent_workers', None)
        config.pop('prefetch_factor', None)
    loader = Runner.build_dataloader(config, seed, diff_rank_seed)
    if workers and 'worker_init_fn' not in dataloader:
        loader.worker_init_fn = partial(start_worker, num_workers=workers, rank=get_rank(), seed=seed or 0)
    # Starting an iteration draws a number; from a generator of its own, training does not notice.
    loader.generator = torch.Generator()
    loader.generator.manual_seed((seed or 0) + get_rank())
    _check_sampler(loader)
    inner = loader.dataset
    if isinstance(inner, FaceDataset) and not inner.test_mode and not seed_stated and seed is not None:
        inner.seed = seed
    return loader


def _check_sampler(loader: DataLoader) -> None:
    dataset, sampler = loader.dataset, loader.sampler
    inner = getattr(dataset, '_dataset', dataset)
    if isinstance(inner, FaceDataset):
        if not inner.test_mode and not isinstance(sampler, EpochSampler):
            raise UserError(
                f"train_dataloader.sampler: {type(sampler).__name__} would repeat each image's augmentation in every"
                " epoch; use sampler=dict(type='EpochSampler', shuffle=True)"
            )
        return
    parts = getattr(inner, 'datasets', None) or [getattr(inner, 'dataset', None)]
    if any(isinstance(part, FaceDataset) and not part.test_mode for part in parts):
        raise UserError(
            f"train_dataloader.dataset: {type(inner).__name__} hides the epoch from the data set in it, so each image's"
            ' augmentation would be the same in every epoch'
        )
