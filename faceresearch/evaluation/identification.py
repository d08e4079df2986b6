"""Search of probes in galleries: closed set (rank) and open set by NIST's definition (TPIR at FPIR).

Closed set: probes whose person is enrolled; rank k counts those whose person is among the k most alike. Open set
(NIST IR 8271, section 2): FPIR is the share of non-mated searches, of people who are not enrolled, that return anyone
at or above the threshold; TPIR the share of mated searches that return the right person first, at or above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Scores that are held at a time.
_CELLS = 2**25


@dataclass(frozen=True)
class SearchResult:
    """Outcome of searching each of Q probes.

    Attributes:
        mated: (Q,) bool, whether the probe's person is in the gallery.
        rank: (Q,) position, from 1, of the first right entry; 0 if not mated. Entries of others that are as alike
            come first, so that embeddings which are all the same find nobody.
        mate: (Q,) score of that entry; −inf if not mated.
        other: (Q,) highest score of anyone else.
    """

    mated: np.ndarray
    rank: np.ndarray
    mate: np.ndarray
    other: np.ndarray


def search(
    gallery: np.ndarray, gallery_people: np.ndarray, probes: np.ndarray, probe_people: np.ndarray
) -> SearchResult:
    """Compare each probe with the whole gallery.

    Args:
        gallery: unit features (G, D).
        gallery_people: (G,) integers; one person may have several entries, and what never matches (distractors) a
            number that no probe has.
        probes: unit features (Q, D).
        probe_people: (Q,) integers.
    """
    count = len(probes)
    rank, mate, other = np.zeros(count, np.int64), np.full(count, -np.inf), np.full(count, -np.inf)
    mated = np.isin(probe_people, gallery_people)
    step = max(1, _CELLS // max(len(gallery), 1))
    for start in range(0, count, step):
        part = np.s_[start : start + step]
        scores = (probes[part] @ gallery.T).astype(np.float64)
        own = gallery_people[None] == probe_people[part, None]
        mate[part] = np.where(own, scores, -np.inf).max(1, initial=-np.inf)
        scores[own] = -np.inf
        other[part] = scores.max(1, initial=-np.inf)
        rank[part] = 1 + (scores >= mate[part, None]).sum(1)
    rank[~mated] = 0
    return SearchResult(mated, rank, mate, other)


def rank_rates(result: SearchResult, ranks: Sequence[int]) -> list[float]:
    """Return the share of mated probes found within each rank; NaN if there is no mated probe."""
    found = result.rank[result.mated]
    return [float((found <= rank).mean()) if len(found) else float('nan') for rank in ranks]


def tpir_at_fpir(result: SearchResult, fpirs: Sequence[float]) -> list[float]:
    """Return TPIR at the highest FPIR that does not exceed each one asked for.

    NaN if there is no mated or no non-mated probe.
    """
    stranger = np.sort(result.other[~result.mated])
    first, mate = result.rank[result.mated] == 1, result.mate[result.mated]
    rates = []
    for fpir in fpirs:
        if not len(stranger) or not len(mate):
            rates.append(float('nan'))
            continue
        allowed = math.floor(fpir * len(stranger) + 1e-9)
        limit = -np.inf if allowed >= len(stranger) else stranger[-1 - allowed]
        rates.append(float((first & (mate > limit)).mean()))
    return rates


def det_curve(result: SearchResult) -> tuple[np.ndarray, np.ndarray]:
    """Return FPIR and FNIR (1 − TPIR) at each score of a non-mated probe, FPIR falling."""
    stranger = np.sort(result.other[~result.mated])
    hit = np.sort(result.mate[result.mated][result.rank[result.mated] == 1])
    tpir = (len(hit) - np.searchsorted(hit, stranger, side='right')) / max(int(result.mated.sum()), 1)
    # The threshold lies just above each score: as many searches are false as have higher ones.
    fpir = (len(stranger) - np.searchsorted(stranger, stranger, side='right')) / max(len(stranger), 1)
    return fpir, 1 - tpir
