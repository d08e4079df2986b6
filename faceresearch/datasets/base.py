"""The base of every data set: samples that depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS

#: How many further images are tried in training when one cannot be read, before the data set is declared broken.
MAX_REPLACEMENTS = 20


class BrokenImageError(Exception):
    """An image file that cannot be read; raised by the loading transform, handled by the data set."""


class FaceDataset(BaseDataset):
    """A list of images with face annotations, run through a pipeline of transforms.

    Subclasses implement ``load_data_list() -> list[dict]``. An index may be larger than the length: index
    ``epoch * len(self) + i`` asks for image ``i`` in that epoch, and the sample's random generator
    (``results['rng']``) is seeded from (seed, epoch, i). Samples are therefore the same whatever the number of loader
    workers or processes, and whether or not the training was interrupted. A transform that joins images gets further
    ones from ``results['raw_sample'](index)``, of ``results['num_samples']``, and names those it could not read in
    ``results['replaced']``; ``results['epoch']`` is the epoch.

    Args:
        data_root: folder that relative paths start from.
        ann_file: annotation file, relative to ``data_root``.
        data_prefix: folders by kind of file, relative to ``data_root``.
        pipeline: transforms, applied in order.
        test_mode: evaluation: an image that cannot be read is kept as a small black image with ``img_broken`` set,
            so that the evaluation can count it; in training the next image takes its place.
        seed: the first part of every sample's seed.
        indices: use only the first N samples, or only these.
        metainfo: facts about the data set, such as class names.
        lazy_init: do not read annotations until they are needed.
    """

    def __init__(
        self,
        data_root: str | None = '',
        ann_file: str = '',
        data_prefix: dict[str, str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.seed = seed
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=str(data_root or ''),
            data_prefix=data_prefix or {'img_path': ''},
            indices=indices,
            pipeline=[TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline],
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def __getitem__(self, index: int) -> Any:
        """Return the packed sample of image ``index % len`` in epoch ``index // len``.

        Raises:
            UserError: in training, too many consecutive images cannot be read.
        """
        if not self._fully_initialized:
            self.full_init()
        epoch, position = divmod(int(index), len(self))
        replaced: list[str] = []
        for attempt in range(MAX_REPLACEMENTS + 1):
            actual = (position + attempt) % len(self)
            try:
                sample = self._run_pipeline(actual, epoch, replaced=replaced)
            except BrokenImageError as error:
                if self.test_mode:
                    return self._run_pipeline(actual, epoch, broken=True)
                replaced.append(str(error))
                continue
            if sample is not None:
                if replaced and isinstance(sample, dict) and 'data_samples' in sample:
                    sample['data_samples'].set_metainfo({'replaced': replaced})
                return sample
        raise UserError(
            f'{type(self).__name__}: {MAX_REPLACEMENTS + 1} images in a row cannot be used, from number {position} on'
            f' ({replaced[0] if replaced else "the pipeline rejects them"}); check the files under {self.data_root!r}'
        )

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return what is known of image ``index`` before any transform, in arrays of its own."""
        return self.get_data_info(index)

    def _run_pipeline(self, index: int, epoch: int, broken: bool = False, replaced: list[str] | None = None) -> Any:
        results = self.raw_sample(index, epoch)
        key = [self.seed, epoch, index]
        results['rng'] = np.random.default_rng(key)
        # For transforms that join several images, or that stop after an epoch.
        results.update(epoch=epoch, num_samples=len(self), raw_sample=partial(self.raw_sample, epoch=epoch))
        results['replaced'] = [] if replaced is None else replaced
        if broken:
            results['img'] = np.zeros((32, 32, 3), np.uint8)
            results['img_broken'] = True
        with global_seed(results['rng']):
            return self.pipeline(results)

    def resolve(self, *parts: str) -> Path:
        """Join a relative path to the data root (absolute paths stay as they are)."""
        return Path(self.data_root or '', *parts)


@contextmanager
def global_seed(rng: np.random.Generator) -> Iterator[None]:
    """Seed Python's and numpy's global generators inside the block and restore them after it.

    Transforms of other packages draw from the global generators; ours draw from ``results['rng']``.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    seed = int(rng.bit_generator.seed_seq.generate_state(1)[0])  # type: ignore[attr-defined]
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
