"""SynthFaces identities: aligned faces of thousands of people, rendered once, nothing to download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.datasets.rendering import open_rendered, rendered_once
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.synth.person import Person, sample_person
from faceresearch.synth.portrait import PORTRAIT_VERSION, render_portrait
from faceresearch.transforms.alignment import face_template

#: Second number of a portrait's seed.
SPLITS = {'train': 0, 'val': 1}
#: Number of the first person of each split: nobody is in both, and nobody is in the scenes of SynthFaces.
FIRST_PERSON = {'train': 2_000_000, 'val': 3_000_000}
#: People in each split.
MAX_IDENTITIES = 1_000_000
MAX_PAIRS = 6000
FOLDS = 10


def portrait_name(split: str, identity: int, image: int) -> str:
    """Name of a portrait without extension, ``person/image``."""
    return f'synth_{split}_{identity:06d}/{image:04d}'


@lru_cache(maxsize=64)
def _person(number: int) -> Person:
    return sample_person(number)


def split_portrait(seed: int, split: str, identity: int, image: int, size: int = 112) -> np.ndarray:
    """Image (size, size, 3) uint8 BGR number ``image`` of a person of a split."""
    person = _person(FIRST_PERSON[split] + identity)
    return render_portrait((seed, SPLITS[split], identity, image), person, size).image


@DATASETS.register_module()
class SynthIdentityDataset(RecognitionDataset):
    """Aligned faces of people who change pose, light, expression, age, hair and dress from image to image.

    A sample carries ``img`` (size, size, 3) uint8 BGR, ``img_id`` and ``gt_identity``. Image k of person i is at index
    ``i * images_per_identity + k``. What is in it depends on (seed, split, i, k) and the size, not on the numbers of
    people and images.

    Args:
        num_identities: people.
        images_per_identity: images of each.
        split: ``train`` or ``val``; they share nobody.
        size: side of the images in pixels, a multiple of 112 or 128.
        cache_dir: folder in which the rendered images are kept, in a file for each choice of the arguments above and
            the version. What is not there yet is rendered first, which is much faster than again in each epoch. None
            renders images when they are asked for.
        jobs: processes that render for ``cache_dir``; None: one for each core.
        portrait_version: the version of the renderer a config was made for; another one is an error.
        num_classes: identities the network has centres for; see
            :class:`~faceresearch.datasets.recognition.RecognitionDataset`.
        pipeline: transforms, applied in order; ``LoadImage`` keeps the rendered image.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every image's seed; the people stay.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not render until images are needed.

    Raises:
        UserError: an argument has no meaning, the renderer is of another version, or the cache cannot be used.
    """

    def __init__(
        self,
        num_identities: int,
        images_per_identity: int,
        split: Literal['train', 'val'] = 'train',
        size: int = 112,
        cache_dir: str | None = None,
        jobs: int | None = None,
        portrait_version: str | None = None,
        num_classes: int | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        name = type(self).__name__
        if split not in SPLITS:
            raise UserError(f"{name}: split={split!r} is unknown; use 'train' or 'val'")
        if not 1 <= num_identities <= MAX_IDENTITIES or images_per_identity < 1 or (jobs is not None and jobs < 1):
            raise UserError(
                f'{name}: num_identities={num_identities}, images_per_identity={images_per_identity}, jobs={jobs}: at'
                f' least 1 of each, and at most {MAX_IDENTITIES:,} people'
            )
        if portrait_version not in (None, PORTRAIT_VERSION):
            raise UserError(
                f'{name}: the config asks for portraits {portrait_version}, this renderer makes {PORTRAIT_VERSION}: the'
                ' images differ; install the matching faceresearch, or change portrait_version'
            )
        face_template(size)
        self.people, self.images_per_identity = num_identities, images_per_identity
        self.split, self.size, self.jobs = split, size, jobs
        self.cache_dir = cache_dir
        self._images: np.ndarray | None = None
        super().__init__(
            num_classes=num_classes,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def load_identities(self) -> np.ndarray:
        """Render what is not in the cache yet."""
        if self.cache_dir is not None:
            draw = partial(_render_person, self.seed, self.split, self.images_per_identity, self.size)
            what = f'{self.people * self.images_per_identity:,} faces'
            self._images = rendered_once(self._path(), self._shape(), np.dtype(np.uint8), draw, self.jobs, what)
        return np.repeat(np.arange(self.people), self.images_per_identity)

    def image_info(self, index: int) -> dict[str, Any]:
        """Return name, label and image."""
        identity, number = divmod(index, self.images_per_identity)
        if self.cache_dir is not None:
            image = np.array(self._rendered()[identity, number])
        else:
            image = split_portrait(self.seed, self.split, identity, number, self.size)
        name = portrait_name(self.split, identity, number)
        return {'img': image, 'img_path': f'{name}.jpg', 'img_id': name, 'gt_identity': identity}

    def __getstate__(self) -> dict[str, Any]:
        # A loader worker that is not forked maps the file itself; numpy would send it the images.
        return {**self.__dict__, '_images': None}

    def _rendered(self) -> np.ndarray:
        if self._images is None:
            self._images = open_rendered(self._path(), self._shape(), np.dtype(np.uint8))
        return self._images

    def _shape(self) -> tuple[int, ...]:
        return (self.people, self.images_per_identity, self.size, self.size, 3)

    def _path(self) -> Path:
        return self.resolve(
            self.cache_dir or '',
            f'synth_identities_v{PORTRAIT_VERSION}_{self.split}_seed{self.seed}'
            f'_{self.people}x{self.images_per_identity}_{self.size}px.npy',
        )


def _render_person(seed: int, split: str, count: int, size: int, identity: int) -> np.ndarray:
    """All images (count, size, size, 3) of a person."""
    return np.stack([split_portrait(seed, split, identity, image, size) for image in range(count)])


@DATASETS.register_module()
class SynthPairsDataset(SynthIdentityDataset):
    """Pairs of faces of people whom no training saw: half of them show the same person twice.

    A sample is one image; each of them occurs once. ``metainfo`` has ``img_ids``, the images' names in order, ``pairs``
    (P, 2) int64, rows of them, and ``issame`` (P,) bool. Ten folds of consecutive pairs share nobody.

    Args:
        num_pairs: an even number, at most 6,000.
        num_identities: people, at least 20.
        images_per_identity: images of each.
        size: see :class:`SynthIdentityDataset`, also for the following.
        cache_dir: folder in which the rendered images are kept.
        jobs: processes that render.
        portrait_version: the version of the renderer a config was made for.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: of images and pairs.
        metainfo: facts about the data set.
        lazy_init: do not render until images are needed.

    Raises:
        UserError: an argument has no meaning, or there are not that many different pairs.
    """

    def __init__(
        self,
        num_pairs: int = 2000,
        num_identities: int = 200,
        images_per_identity: int = 5,
        size: int = 112,
        cache_dir: str | None = None,
        jobs: int | None = None,
        portrait_version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        pairs, issame = draw_pairs(num_pairs, num_identities, images_per_identity, seed)
        names = [portrait_name('val', i, k) for i in range(num_identities) for k in range(images_per_identity)]
        super().__init__(
            num_identities=num_identities,
            images_per_identity=images_per_identity,
            split='val',
            size=size,
            cache_dir=cache_dir,
            jobs=jobs,
            portrait_version=portrait_version,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            metainfo={'img_ids': names, 'pairs': pairs, 'issame': issame, **(metainfo or {})},
            lazy_init=lazy_init,
        )


def draw_pairs(num_pairs: int, num_identities: int, images: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw different pairs of images, same and other people in turn, in ten consecutive folds that share nobody.

    Returns:
        Pairs (P, 2) int64 of rows ``person * images + image``, and (P,) bool.

    Raises:
        UserError: there are not so many pairs.
    """
    if num_pairs < 2 * FOLDS or num_pairs % 2 or num_pairs > MAX_PAIRS or num_identities < 2 * FOLDS:
        raise UserError(
            f'SynthFaces pairs: num_pairs={num_pairs}, num_identities={num_identities}: pairs are an even number from'
            f' {2 * FOLDS} to {MAX_PAIRS}, of at least {2 * FOLDS} people'
        )
    rng = np.random.default_rng([0x50414952, seed])
    pairs: list[tuple[int, int]] = []
    for people, wanted in zip(
        np.array_split(np.arange(num_identities), FOLDS), np.diff(np.linspace(0, num_pairs // 2, FOLDS + 1).astype(int))
    ):
        same = [(int(i) * images + a, int(i) * images + b) for i in people for a, b in combinations(range(images), 2)]
        if len(same) < wanted or len(people) * (len(people) - 1) // 2 * images**2 < 2 * wanted:
            raise UserError(
                f'SynthFaces pairs: {num_identities} people with {images} images each do not make {num_pairs} pairs in'
                f' {FOLDS} folds; more images_per_identity or num_identities are needed'
            )
        chosen = [same[k] for k in rng.permutation(len(same))[:wanted]]
        other: dict[tuple[int, int], None] = {}
        while len(other) < wanted:
            first, second = sorted(rng.choice(people, 2, replace=False).tolist())
            other[(first * images + int(rng.integers(images)), second * images + int(rng.integers(images)))] = None
        pairs += [pair for both in zip(chosen, other) for pair in both]
    return np.array(pairs, np.int64), np.arange(len(pairs)) % 2 == 0
