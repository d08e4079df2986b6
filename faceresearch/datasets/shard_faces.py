"""Faces in tar shards, read one after the other: for tens of millions of images, and for disks that seek slowly."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.dist import get_dist_info
from mmengine.logging import print_log
from torch.utils.data import IterableDataset, get_worker_info

from faceresearch.datasets.base import MAX_REPLACEMENTS, BrokenImageError, global_seed
from faceresearch.datasets.batch_builder import BatchBuilder
from faceresearch.datasets.collate import list_collate
from faceresearch.datasets.parsers.face_shards import count_images, identity_of, image_of, read_shard
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS, TRANSFORMS


@DATASETS.register_module()
class WebFaceShards(IterableDataset):
    """Training batches from tar shards in the form of the webdataset library.

    A shard holds ``KEY.jpg`` (or ``png``) with ``KEY.cls``, ``KEY.txt`` or ``KEY.json`` that says the identity, a
    number from 0 on. Members of other kinds are passed over unread, and nothing is unpickled or written to disk.

    The shards of an epoch are put in an order drawn from (seed, epoch) and dealt out to the workers of all processes,
    so that no two read the same shard; each reads its shards one after the other through a shuffling buffer, and
    yields whole batches, all workers equally many. A worker whose shards hold fewer images than its share begins them
    again. Order and augmentation are a function of the seed, the epoch, and the number of workers and processes; an
    image's augmentation of its place in its shard.

    Args:
        data_root: folder of the shards.
        shards: pattern of their names, as for a shell: ``*.tar``, ``**/*.tar``.
        num_classes: number of identities.
        num_images: images in all shards; None counts them, which takes a while for many.
        label_key: where the identity is in ``json`` files.
        shuffle: images in the buffer of a worker that the next is drawn from; 0 keeps the order of the shards.
        pipeline: transforms, applied in order.
        seed: of order and augmentation.
        batch_size: images in a batch; set by the loader.
        metainfo: facts about the data set.

    Raises:
        UserError: there are no shards, or fewer than workers; a shard is damaged; an identity is not below
            ``num_classes``.
    """

    test_mode = False

    def __init__(
        self,
        data_root: str | None,
        num_classes: int,
        shards: str = '*.tar',
        num_images: int | None = None,
        label_key: str = 'label',
        shuffle: int = 5000,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        seed: int = 0,
        batch_size: int = 1,
        metainfo: dict[str, Any] | None = None,
    ) -> None:
        self.data_root = str(data_root or '.')
        self.shards = sorted(path for path in Path(self.data_root).glob(shards) if path.is_file())
        if not self.shards:
            raise UserError(f'{self.data_root}: no shards {shards!r}; set data_root and shards')
        if num_images is None:
            print_log(f'{self.data_root}: counting the images of {len(self.shards):,} shards', logger='current')
            num_images = sum(map(count_images, self.shards))
        self.num_images = num_images
        self.num_identities = num_classes
        self.label_key = label_key
        self.shuffle = shuffle
        self.pipeline = Compose([TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline])
        self.seed = seed
        self.metainfo = dict(metainfo or {})
        self.rank, self.world_size = get_dist_info()
        #: Epoch, and batches to pass over.
        self._state = torch.zeros(2, dtype=torch.int64)
        self.plan(batch_size, 0)

    def plan(self, batch_size: int, num_workers: int) -> None:
        """Take note of the loader: batches are dealt out evenly.

        Raises:
            UserError: there are not enough shards or images.
        """
        self.batch_size = batch_size
        self.num_workers = max(1, num_workers)
        streams = self.world_size * self.num_workers
        if len(self.shards) < streams:
            raise UserError(
                f'{self.data_root}: {len(self.shards)} shards for {streams} loader workers of all processes, each of which'
                ' needs its own; set num_workers lower, or cut the data into more shards'
            )
        self.batches_per_worker = self.num_images // (streams * batch_size)
        if not self.batches_per_worker:
            raise UserError(
                f'{self.data_root}: {self.num_images} images do not fill one batch of {batch_size} in each of {streams}'
                ' workers; set batch_size or num_workers lower'
            )

    def share(self) -> None:
        """Keep epoch and batches to pass over in shared memory: workers that stay are told nothing else.

        To be called by the loader that has the data set, since a copy shares nothing.
        """
        self._state.share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is about."""
        self._state[0] = epoch

    def skip(self, batches: int) -> None:
        """Pass over the first batches of the next iteration, without decoding them."""
        self._state[1] = batches

    def __len__(self) -> int:
        """Batches of this process in an epoch."""
        return self.batches_per_worker * self.num_workers

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        epoch, skipped = self._state.tolist()
        number = worker.id if worker is not None else 0
        # The loader takes a batch of each worker in turn, beginning with the first: after some batches were passed
        # over, the first worker goes on where the next batch would have come from.
        own = (number + skipped) % self.num_workers
        done = (skipped - own + self.num_workers - 1) // self.num_workers
        stream = self._samples(epoch, self.rank * self.num_workers + own)
        return self._batches(stream, epoch, done)

    def epoch_shards(self, epoch: int, stream: int) -> list[int]:
        """Return which shards a stream (a worker of a process) reads in an epoch, in order."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.shards))
        return order[stream :: self.world_size * self.num_workers].tolist()

    def _samples(self, epoch: int, stream: int) -> Iterator[dict[str, Any]]:
        from webdataset.filters import _shuffle

        mine = self.epoch_shards(epoch, stream)
        rng = random.Random(f'{self.seed} {epoch} {stream}')
        for turn in count():
            found = 0
            samples = self._in_order(mine, turn)
            for sample in samples if self.shuffle < 2 else _shuffle(samples, self.shuffle, self.shuffle, rng=rng):
                found += 1
                yield sample
            if not found:
                raise UserError(f'{self.shards[mine[0]]}: neither it nor {len(mine) - 1} other shards hold a sample')

    def _in_order(self, shards: list[int], turn: int) -> Iterator[dict[str, Any]]:
        for shard in shards:
            for position, sample in enumerate(read_shard(self.shards[shard])):
                yield {**sample, 'place': (shard, position, turn)}

    def _batches(self, samples: Iterator[dict[str, Any]], epoch: int, done: int) -> Iterator[dict[str, Any]]:
        steps = list(self.pipeline.transforms)
        in_one_piece = bool(steps) and type(steps[-1]).__name__ == 'PackFaceInputs'
        ours = all(type(step).__module__.startswith('faceresearch.') for step in steps)
        pack = steps.pop() if in_one_piece else None
        for _ in range(done * self.batch_size):
            next(samples)
        for _ in range(self.batches_per_worker - done):
            if pack is None:
                yield list_collate([self._usable(samples, epoch, steps, ours) for _ in range(self.batch_size)])
                continue
            builder = BatchBuilder(self.batch_size, pack.meta_keys)
            for number in range(self.batch_size):
                results = self._usable(samples, epoch, steps, ours)
                if not builder.add(number, results):
                    raise UserError(
                        f'{results["img_path"]}: {results["img"].shape[:2]} pixels, the batch has another size, or it'
                        ' carries more than an identity; bring the images to one size in the pipeline'
                    )
            yield builder.batch()

    def _usable(self, samples: Iterator[dict[str, Any]], epoch: int, steps: list[Any], ours: bool) -> dict[str, Any]:
        """Return the next image that can be used after the transforms."""
        replaced: list[str] = []
        while len(replaced) <= MAX_REPLACEMENTS:
            sample = next(samples)
            try:
                results = self._run(sample, epoch, steps, ours)
            except BrokenImageError as error:
                replaced.append(str(error))
                continue
            if results is None:
                replaced.append(f'{sample["__url__"]}: {sample["__key__"]}: rejected by the pipeline')
                continue
            results['replaced'] = replaced
            return results
        raise UserError(f'{len(replaced)} samples in a row cannot be used (first: {replaced[0]}); check the shards')

    def _run(self, sample: dict[str, Any], epoch: int, steps: list[Any], ours: bool) -> dict[str, Any] | None:
        name = f'{sample["__url__"]}: {sample["__key__"]}'
        data, identity = image_of(sample), identity_of(sample, self.label_key)
        if data is None or identity is None:
            raise BrokenImageError(f'{name}: has no {"image" if data is None else "identity"}')
        if identity >= self.num_identities:
            raise UserError(f'{name}: identity {identity} is not below num_classes={self.num_identities}; correct that')
        results: dict[str, Any] | None = {
            'img_path': name,
            'img_id': sample['__key__'],
            'img_bytes': data,
            'gt_identity': identity,
            'epoch': epoch,
            'rng': np.random.default_rng([self.seed, epoch, *sample['place']]),
            'replaced': [],
        }
        if ours:
            return _applied(steps, results)
        with global_seed(results['rng']):  # type: ignore[index]
            return _applied(steps, results)


def _applied(steps: list[Any], results: dict[str, Any] | None) -> dict[str, Any] | None:
    for step in steps:
        results = step(results)
        if results is None:
            return None
    return results
