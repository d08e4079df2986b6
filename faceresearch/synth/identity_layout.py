"""SynthFaces identities on disk: a folder per person, and for validation a list of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from faceresearch.datasets.synth_identities import SPLITS, draw_pairs, portrait_name, split_portrait
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path


def write_identity_layout(
    root: str | Path,
    split: str,
    num_identities: int,
    images: int,
    size: int = 112,
    seed: int = 0,
    quality: int = 95,
    jobs: int = 1,
    num_pairs: int | None = None,
) -> int:
    """Render aligned faces to ``<root>/<split>/<person>/<image>.jpg``, as all that reads folders of people expects.

    For ``val``, ``<root>/pairs.txt`` has a line ``issame path path`` for each pair that
    :class:`~faceresearch.datasets.synth_identities.SynthPairsDataset` draws. JPEG images differ a little from the pixels
    of the data sets.

    Args:
        root: the folder; files of the same names are replaced.
        split: ``train`` or ``val``.
        num_identities: people.
        images: images of each.
        size: side in pixels.
        seed: first part of the images' seeds.
        quality: JPEG quality.
        jobs: processes that render.
        num_pairs: pairs to list; None: 2,000, or as many as there are people to make them. ``val`` only.

    Returns:
        The number of images.

    Raises:
        UserError: an argument has no meaning, or the folder cannot be written.
    """
    if split not in SPLITS or min(num_identities, images, jobs) < 1:
        raise UserError(
            f'split={split!r}, identities={num_identities}, images={images}, jobs={jobs}: split is train or val, and'
            ' there is at least one of each'
        )
    root = Path(root)
    if split == 'val':
        _write_pairs(root / 'pairs.txt', num_identities, images, seed, num_pairs)
    draw = partial(_write_person, root / split, split, images, size, seed, quality)
    return sum(_run(draw, num_identities, jobs))


def _run(draw: partial[int], people: int, jobs: int) -> Iterator[int]:
    if jobs == 1:
        yield from map(draw, range(people))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context('spawn')) as pool:
        yield from pool.map(draw, range(people), chunksize=4)


def _write_person(folder: Path, split: str, images: int, size: int, seed: int, quality: int, person: int) -> int:
    cv2.setNumThreads(0)
    for image in range(images):
        pixels = split_portrait(seed, split, person, image, size)
        data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        with atomic_path(folder / f'{portrait_name(split, person, image)}.jpg') as temporary:
            temporary.write_bytes(data.tobytes())
    return images


def _write_pairs(path: Path, people: int, images: int, seed: int, count: int | None) -> None:
    pairs, issame = draw_pairs(count or min(2000, 20 * (people * images * (images - 1) // 40)), people, images, seed)
    names = [f'{portrait_name("val", *divmod(int(row), images))}.jpg' for row in pairs.ravel()]
    with atomic_path(path) as temporary:
        lines = [f'{int(same)} {a} {b}\n' for same, a, b in zip(issame, names[0::2], names[1::2])]
        temporary.write_text(''.join(lines), encoding='utf-8')
