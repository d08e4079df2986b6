"""IJB-B and IJB-C: from features of images to templates and scores of pairs (insightface arcface_torch/eval_ijbc.py).

A template is some images and video frames of one person. Frames of one medium are averaged, media are added, and the
sum is brought to length one; two templates compare by the cosine. Features stay where they are: they are read once, in
pieces, because all of them take gigabytes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix

from faceresearch.errors import UserError
from faceresearch.evaluation.verification import unit_rows

#: Images that are read at a time: a piece stays within a processor's cache.
_PIECE = 2048
#: Templates on each side of a block of pairs, as a power of two.
_BLOCK_BITS = 8
#: Pairs that are put in order at a time, as a power of two: a pair's number, its block and its place there make 64 bits.
_CHUNK_BITS = 24
#: Above this share of a block's cells a matrix product is faster than one product for each pair.
_DENSE = 0.08


@dataclass(frozen=True)
class TemplateIndex:
    """Which template and medium each image belongs to.

    Attributes:
        ids: (T,) template numbers of the protocol, rising.
        row: (N,) each image's position in ``ids``.
        medium: (N,) each image's medium, numbered from 0 over all templates.
    """

    ids: np.ndarray
    row: np.ndarray
    medium: np.ndarray

    def rows_of(self, templates: np.ndarray, what: str) -> np.ndarray:
        """Return the positions in ``ids`` of template numbers; ``what`` names them in the error.

        Raises:
            UserError: a template has no images.
        """
        low, high = int(self.ids[0]), int(self.ids[-1])
        if high - low < 2**26:
            table = np.full(high - low + 1, -1, np.int32)
            table[self.ids - low] = np.arange(len(self.ids))
            # Pairs come in tens of millions and are nearly always right: no second copy of them for that case.
            if not len(templates) or (templates.min() >= low and templates.max() <= high):
                found = table.take(templates - low if low else templates)
            else:
                inside = (templates >= low) & (templates <= high)
                found = np.where(inside, table[np.where(inside, templates - low, 0)], -1)
        else:
            found = np.minimum(np.searchsorted(self.ids, templates), len(self.ids) - 1)
            found = np.where(self.ids[found] == templates, found, -1)
        if len(found) and found.min() < 0:
            raise UserError(f'{what}: template {int(templates[np.argmin(found)])} has no images in the list of images')
        return found


def index_templates(templates: np.ndarray, media: np.ndarray) -> TemplateIndex:
    """Number templates (N,) and, within them, media (N,) of the images."""
    ids, row = np.unique(templates, return_inverse=True)
    _, medium_number = np.unique(media, return_inverse=True)
    _, medium = np.unique(
        row.astype(np.int64) * (int(medium_number.max(initial=0)) + 1) + medium_number, return_inverse=True
    )
    return TemplateIndex(ids, row.astype(np.int32), medium.astype(np.int32))


def pool_templates(
    features: np.ndarray,
    index: TemplateIndex,
    detector_scores: np.ndarray | None = None,
    use_flip: bool = True,
    keep_norm: bool = True,
    halves: bool = True,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Return unit template features (T, D) float64.

    Args:
        features: (N, 2 D) of the images, that of the image and that of its mirror image side by side; (N, D) without
            ``halves``.
        index: templates and media of the images.
        detector_scores: (N,), each image's weight; None: all weigh the same.
        use_flip: add the two halves; otherwise the first one alone counts.
        keep_norm: the length of a feature, which grows with quality, counts as its weight; otherwise each has length 1.
        halves: whether features have two halves.
        present: (N,) bool, which images could be read; others do not count.

    Raises:
        UserError: the size of the features is odd.
    """
    count, width = features.shape
    if halves and width % 2:
        raise UserError(
            f'features of size {width} cannot be those of an image and of its mirror image; set flip_test=none'
        )
    size = width // 2 if halves else width
    members = np.bincount(index.medium, weights=None if present is None else present, minlength=1)
    weight = 1.0 / np.maximum(members, 1)[index.medium]
    if present is not None:
        weight *= present
    pooled = np.zeros((len(index.ids), size))
    for start in range(0, count, _PIECE):
        piece = np.s_[start : start + _PIECE]
        rows = features[piece]
        if rows.dtype != np.float32 and rows.dtype != np.float64:
            rows = rows.astype(np.float32)
        used = rows[:, :size] + rows[:, size:] if halves and use_flip else rows[:, :size]
        if not keep_norm:
            used = unit_rows(used)
        if detector_scores is not None:
            used = used * detector_scores[piece, None].astype(np.float32)
        own, local = np.unique(index.row[piece], return_inverse=True)
        number = len(local)
        sums = csc_matrix((weight[piece], local, np.arange(number + 1)), (len(own), number))
        pooled[own] += sums @ used.astype(np.float64)
    return unit_rows(pooled)


def score_pairs(templates: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine (P,) float64 of pairs of rows of ``templates`` (T, D).

    Pairs are taken in blocks of near templates, so that both sides stay in the processor's cache; where a block is
    densely filled one matrix product serves it.

    Args:
        templates: unit features.
        first: (P,) rows.
        second: (P,) rows.
    """
    scores = np.empty(len(first))
    if not len(first):
        return scores
    rows, left = _compact(first, len(templates))
    columns, right = _compact(second, len(templates))
    bits = _BLOCK_BITS
    while _blocks(len(rows), bits) * _blocks(len(columns), bits) > 2**16:
        bits += 1
    for start in range(0, len(first), 2**_CHUNK_BITS):
        part = np.s_[start : start + 2**_CHUNK_BITS]
        _score_chunk(templates, (rows, columns), left[part], right[part], bits, scores[part])
    return scores


def _blocks(count: int, bits: int) -> int:
    return -(-count >> bits)


def _score_chunk(
    templates: np.ndarray,
    distinct: tuple[np.ndarray, np.ndarray],
    left: np.ndarray,
    right: np.ndarray,
    bits: int,
    scores: np.ndarray,
) -> None:
    """Write the products of pairs of ``distinct`` rows and columns, block after block."""
    rows, columns = distinct
    side, mask, across = 1 << bits, (1 << bits) - 1, _blocks(len(columns), bits)
    # One number for each pair: block, row and column in the block, which pair it is. Sorted, blocks follow each other.
    keys = (left >> bits).astype(np.uint64)
    keys *= np.uint64(across)
    keys += (right >> bits).view(np.uint32)
    for part in (left & mask, right & mask):
        keys <<= np.uint64(bits)
        keys |= part.view(np.uint32)
    keys <<= np.uint64(_CHUNK_BITS)
    keys |= np.arange(len(keys), dtype=np.uint32)
    keys.sort()
    shift = _CHUNK_BITS + 2 * bits
    starts = np.arange(_blocks(len(rows), bits) * across + 1, dtype=np.uint64) << np.uint64(shift)
    ends = np.searchsorted(keys, starts)
    products = np.empty((side, side))
    for number, (start, end) in enumerate(itertools.pairwise(ends)):
        if start == end:
            continue
        down, over = divmod(number, across)
        a = templates[rows[down * side : (down + 1) * side]]
        b = templates[columns[over * side : (over + 1) * side]]
        chosen = (keys[start:end] & np.uint64(2**_CHUNK_BITS - 1)).view(np.int64)
        cell = ((keys[start:end] >> np.uint64(_CHUNK_BITS)) & np.uint64(side * side - 1)).view(np.int64)
        if end - start > _DENSE * len(a) * len(b):
            np.matmul(a, b.T, out=products[: len(a), : len(b)])
            scores[chosen] = products.ravel().take(cell)
        else:
            scores[chosen] = _products(a, b, cell >> bits, cell & mask)


def _products(a: np.ndarray, b: np.ndarray, i: np.ndarray, j: np.ndarray, step: int = 512) -> np.ndarray:
    found = np.empty(len(i))
    for start in range(0, len(i), step):
        part = np.s_[start : start + step]
        found[part] = np.einsum('ij,ij->i', a[i[part]], b[j[part]])
    return found


def _compact(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values, rising, and each value's position among them (int32)."""
    used = np.zeros(count, bool)
    used[values] = True
    distinct = np.flatnonzero(used)
    table = np.zeros(count, np.int32)
    table[distinct] = np.arange(len(distinct))
    return distinct, table[values]
