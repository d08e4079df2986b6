"""What a test set shares with a training set: the same images, nearly the same images, the same people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceresearch.datasets.audit.sources import HASH_BITS, FaceSource, Scan
from faceresearch.errors import UserError

#: Pairs that are compared at once.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Duplicate:
    """A test image that is in the training set.

    Attributes:
        test: name of the test image.
        train: name of the training image.
        distance: bits in which their perceptual hashes differ; −1: the files are the same, byte for byte.
    """

    test: str
    train: str
    distance: int


def find_duplicates(
    train: FaceSource, train_scan: Scan, test: FaceSource, test_scan: Scan, max_distance: int = 16
) -> list[Duplicate]:
    """Find the test images that are in the training set, each with the training image nearest to it.

    Args:
        train: training set.
        train_scan: what its images look like.
        test: test set.
        test_scan: what its images look like.
        max_distance: bits of the perceptual hash in which two images of one photograph may differ, 0 to 63.

    Raises:
        UserError: ``max_distance`` is out of range.
    """
    if not 0 <= max_distance < 64:
        raise UserError(f'--max-distance {max_distance}: must be from 0 to 63 bits; 16 is the default')
    found: dict[int, Duplicate] = {}
    first = {digest.tobytes(): i for i, digest in reversed(list(enumerate(train_scan.digests))) if digest.any()}
    for number, digest in enumerate(test_scan.digests):
        same = first.get(digest.tobytes())
        if same is not None:
            found[number] = Duplicate(test.names[number], train.names[same], -1)
    usable_train, usable_test = (np.flatnonzero(scan.sizes.all(1)) for scan in (train_scan, test_scan))
    near = near_pairs(train_scan.hashes[usable_train], test_scan.hashes[usable_test], max_distance)
    for distance, i, k in sorted(zip(near[2].tolist(), near[1].tolist(), near[0].tolist())):
        number = int(usable_test[i])
        if number not in found:
            found[number] = Duplicate(test.names[number], train.names[int(usable_train[k])], distance)
    return [found[number] for number in sorted(found)]


def near_pairs(many: np.ndarray, few: np.ndarray, max_distance: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all pairs of hashes that differ in at most so many bits.

    Hashes that differ in at most d bits agree in one of d + 1 parts: only pairs that do are compared (multi-index
    hashing, Norouzi et al., CVPR 2012).

    Args:
        many: (N, 32) uint8.
        few: (M, 32) uint8.
        max_distance: bits.

    Returns:
        Positions in ``many``, positions in ``few``, and distances, (P,) each.
    """
    # At least four parts: they then fit into a number of 64 bits.
    bounds = np.linspace(0, HASH_BITS, max(max_distance, 3) + 2).astype(int)
    bits_many, bits_few = (np.unpackbits(hashes, axis=1) for hashes in (many, few))
    parts: list[np.ndarray] = [np.zeros((0, 3), np.int64)]
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist()):
        theirs, ours = (_as_numbers(bits[:, low:high]) for bits in (bits_many, bits_few))
        order = np.argsort(theirs, kind='stable')
        starts = np.searchsorted(theirs[order], ours, 'left')
        counts = np.searchsorted(theirs[order], ours, 'right') - starts
        for rows, places in _chunks(starts, counts):
            candidates = order[places]
            distances = np.bitwise_count(many[candidates] ^ few[rows]).sum(1, dtype=np.int64)
            near = distances <= max_distance
            parts.append(np.stack([candidates[near], rows[near], distances[near]], 1))
    pairs = np.unique(np.concatenate(parts), axis=0)
    return pairs[:, 0], pairs[:, 1], pairs[:, 2]


def _as_numbers(bits: np.ndarray) -> np.ndarray:
    """Return bits (N, up to 64) as a number each."""
    packed = np.packbits(bits, axis=1)
    padded = np.pad(packed, ((0, 0), (0, 8 - packed.shape[1])))
    return np.ascontiguousarray(padded).view('>u8').ravel().astype(np.uint64)


def _chunks(starts: np.ndarray, counts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (row, place) of all candidates, a few million at a time."""
    ends = np.cumsum(counts)
    low = 0
    while low < len(counts):
        done = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, done + _CHUNK, 'right')))
        part = counts[low:high]
        rows = np.repeat(np.arange(low, high), part)
        within = np.arange(int(part.sum())) - np.repeat(np.cumsum(part) - part, part)
        yield rows, np.repeat(starts[low:high], part) + within
        low = high


def plain_name(name: str) -> str:
    """Return a person's name without case, accents' encoding, and the signs that stand for spaces."""
    return re.sub(r'[\s_\-.]+', ' ', unicodedata.normalize('NFKC', name)).strip().casefold()


def shared_identities(train: Iterable[str], test: Iterable[str]) -> set[str]:
    """Return the names of a test set that a training set has too, written alike but for case, spaces and underscores."""
    known = {plain_name(name) for name in train}
    return {name for name in test if plain_name(name) in known}


def read_names(path: str | Path) -> list[str]:
    """Read a list of names, one a line; empty lines and those that start with ``#`` are passed over.

    Raises:
        UserError: it cannot be read, or is empty.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: {getattr(error, "strerror", None) or "not UTF-8 text"}; one name a line') from error
    names = [line.strip() for line in lines if line.strip() and not line.startswith('#')]
    if not names:
        raise UserError(f'{path}: holds no name; one a line is wanted')
    return names


def image_identities(source: FaceSource, names_file: str | Path | None) -> list[str | None]:
    """Return the name of the person in each image: from a file of ``image name`` lines, or from the folders.

    Raises:
        UserError: a line names no image of the set.
    """
    if names_file is None:
        known: Sequence[str] = source.identity_names or ()
        return [known[i] if 0 <= i < len(known) else None for i in source.identities.tolist()]
    number = {name: i for i, name in enumerate(source.names)}
    people: list[str | None] = [None] * len(number)
    for line in read_names(names_file):
        image, _, person = line.partition('\t') if '\t' in line else line.partition(' ')
        if image not in number or not person.strip():
            raise UserError(f'{names_file}: {line[:60]!r} is not "image name" of an image of {source.path}')
        people[number[image]] = person.strip()
    return people
