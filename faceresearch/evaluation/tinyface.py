"""TinyFace: search of low-resolution faces among distractors (Cheng et al., ACCV 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.datasets.parsers.tinyface import DISTRACTOR, role_and_person
from faceresearch.errors import UserError
from faceresearch.evaluation.embeddings import EmbeddingBatch, EmbeddingMetric, check_rows, read_embeddings, warn
from faceresearch.evaluation.identification import rank_rates, search
from faceresearch.evaluation.verification import Depth, check_depth, unit_rows
from faceresearch.registry import METRICS


def rank_tinyface(embeddings: np.ndarray, names: Sequence[str], ranks: Sequence[int] = (1, 5, 20)) -> list[float]:
    """Return the share of probes whose person is among the first ``ranks`` images of gallery and distractors.

    Args:
        embeddings: (N, D) of all images.
        names: their paths below ``Testing_Set``: the folder says what an image is for, and its name whose it is.

    Raises:
        UserError: a name tells nothing, or there are no probes or no gallery.
    """
    roles, people = zip(*(role_and_person(name) for name in names)) if names else ((), ())
    role, person = np.array(roles), np.array(people, np.int64)
    probe, gallery = role == 'Probe', role != 'Probe'
    if not probe.any() or not (role == 'Gallery_Match').any():
        raise UserError('TinyFace: needs images of Probe and of Gallery_Match; see docs/evaluation.md')
    unit = unit_rows(embeddings)
    result = search(unit[gallery], person[gallery], unit[probe], person[probe])
    alone = int((~result.mated).sum())
    if alone:
        warn(f'TinyFace: {alone} of {len(result.mated)} probes have nobody in the gallery and do not count')
    return rank_rates(result, ranks)


@METRICS.register_module()
class TinyFaceMetric(EmbeddingMetric):
    """Rank-1, rank-5 and rank-20 on TinyFace: gallery and 153,428 distractors, cosine.

    Args:
        ranks: ranks to report.
        depth: ``quick``, ``base`` or ``full``; this protocol has one depth only.
        exclude: with stored predictions, a file of image names, one a line, that are left out.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: an argument has no meaning.
    """

    default_prefix = 'tinyface'

    def __init__(
        self,
        ranks: Sequence[int] = (1, 5, 20),
        depth: Depth = 'quick',
        exclude: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ranks = tuple(ranks)
        self.depth = check_depth(depth)
        self.exclude = exclude

    def compute_metrics(self, results: list[EmbeddingBatch]) -> dict[str, float]:
        """Judge the images that were read."""
        embeddings, present = self.join(list(results))
        names = [name for name, there in zip(self.meta('img_ids'), present) if there]
        return self._judge(embeddings[present], names, int(self.meta('images_expected', len(present))))

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored embeddings: an npz with ``embeddings`` (N, D) and ``names`` (N,), paths below ``Testing_Set``.

        Raises:
            UserError: the file cannot be used.
        """
        arrays = read_embeddings(path, 'embeddings', ('names',))
        embeddings = arrays['embeddings']
        names = check_rows(path, arrays, 'names', len(embeddings), 'U')
        if names is None:
            raise UserError(f'{path}: needs names, the path of each image below Testing_Set')
        if self.exclude is not None:
            kept = ~np.isin(names, sorted(read_excluded(self.exclude)))
            embeddings, names = embeddings[kept], names[kept]
        figures = self._judge(embeddings, names.tolist(), len(names))
        return {f'{self.prefix}/{key}': value for key, value in figures.items()}

    def _judge(self, embeddings: np.ndarray, names: list[str], expected: int) -> dict[str, float]:
        rates = rank_tinyface(embeddings, names, self.ranks)
        figures: dict[str, float] = {f'rank-{rank}': rate for rank, rate in zip(self.ranks, rates)}
        distractors = sum(role_and_person(name)[1] == DISTRACTOR for name in names)
        if not distractors:
            warn('TinyFace: no distractors (Gallery_Distractor): the figures are not comparable')
        if len(names) < expected:
            warn(f'TinyFace: {len(names)} of {expected} images judged; the figures are not comparable')
            figures.update(images=len(names), images_expected=expected)
        return figures
