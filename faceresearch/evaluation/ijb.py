"""Metric of IJB-B and IJB-C: comparison of templates (1:1) and search in two galleries (1:N)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.datasets.parsers.ijb import find_meta, read_enrolment, read_images, read_pairs, read_points
from faceresearch.errors import UserError
from faceresearch.evaluation.bootstrap import resample_tar
from faceresearch.evaluation.embeddings import EmbeddingBatch, EmbeddingMetric, check_rows, read_embeddings, warn
from faceresearch.evaluation.identification import SearchResult, rank_rates, search, tpir_at_fpir
from faceresearch.evaluation.ijb_protocol import index_templates, pool_templates, score_pairs
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.recognition_plots import draw_identification, draw_report
from faceresearch.evaluation.roc import check_rates, nearest_point, rate_text, roc_curve, split_scores
from faceresearch.evaluation.verification import Depth, PairScores, add_point, check_depth
from faceresearch.registry import METRICS

#: Names of the two galleries: IJB-C's and IJB-B's.
_GALLERIES = ('G1', 'G2', 'S1', 'S2')


@METRICS.register_module()
class IJBMetric(EmbeddingMetric):
    """TAR at FAR over pairs of templates, and at depth ``full`` search in the galleries.

    Reports ``tar@far=1e-6`` … ``1e-1`` at the nearest FAR of the curve, and ``auc``. From depth ``base`` on
    ``tar@far=…_low`` and ``_high`` (95 % bootstrap over templates) and ``impostors@far=…``, the impostor pairs a figure
    rests on. ``full`` adds, if the galleries are there, ``rank-1``, ``rank-5``, ``rank-10`` and ``tpir@fpir=1e-2`` and
    ``1e-1``: the mean of the two galleries and, under ``gallery-…/``, each; and it draws ROC, DET, scores, and FNIR
    over FPIR.

    Args:
        data_root: folder of the protocol's files (or of ``meta/`` with them in it).
        files_prefix: what their names start with.
        use_flip: add the features of the mirror images.
        use_norm_score: the length of a feature counts; otherwise each image's feature is brought to length 1 first.
            (insightface eval_ijbc.py's meaning; a tool of the same family uses the name for the opposite.)
        use_detector_score: weigh images by the detector's score.
        halves: features are those of the image and of its mirror image side by side.
        fars: false accept rates.
        fpirs: false positive identification rates.
        depth: ``quick``, ``base`` or ``full``.
        exclude: a file of image names, one a line, that do not count.
        plots_dir: folder for plots, drawn at any depth if given; ``work_dirs/<prefix>_plots`` at depth ``full``.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: files are missing or malformed, or an argument has no meaning.
    """

    default_prefix = 'ijbc'

    def __init__(
        self,
        data_root: str,
        files_prefix: str = 'ijbc',
        use_flip: bool = True,
        use_norm_score: bool = True,
        use_detector_score: bool = True,
        halves: bool = True,
        fars: Sequence[float] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        fpirs: Sequence[float] = (1e-2, 1e-1),
        depth: Depth = 'quick',
        exclude: str | None = None,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.data_root, self.files_prefix = data_root, files_prefix
        self.use_flip, self.keep_norm, self.use_detector_score = use_flip, use_norm_score, use_detector_score
        self.halves = halves
        self.fars, self.fpirs = check_rates('fars', fars), check_rates('fpirs', fpirs)
        self.depth = check_depth(depth)
        self.plots_dir = plots_dir or (f'work_dirs/{self.prefix}_plots' if depth == 'full' else None)
        self.illustrations = Illustrations()
        self.images = read_images(find_meta(data_root, files_prefix, 'face_tid_mid.txt'))
        self.index = index_templates(self.images.templates, self.images.media)
        self.detector_scores = self._read_scores() if use_detector_score else None
        self.excluded = None if exclude is None else read_excluded(exclude)

    def _read_scores(self) -> np.ndarray:
        path = find_meta(self.data_root, self.files_prefix, 'name_5pts_score.txt')
        points = read_points(path)
        if points.names != self.images.names:
            raise UserError(
                f'{path}: lists {len(points.names)} images, not the {len(self.images.names)} of'
                f' {self.files_prefix}_face_tid_mid.txt in its order'
            )
        return points.scores

    def compute_metrics(self, results: list[EmbeddingBatch]) -> dict[str, float]:
        """Judge the images that were read."""
        results, self.results = list(results), []
        features, present = self.join(results)
        names = self.meta('img_ids')
        if list(names) != self.images.names:
            # The data set passes over images that are missing or excluded.
            place = {name: number for number, name in enumerate(names)}
            rows = np.array([place.get(name, -1) for name in self.images.names])
            present = np.asarray((rows >= 0) & present[rows])
            features = np.where(present[:, None], features[rows], np.float32(0))
        return self.judge(features, present)

    def read_file(self, path: str | Path) -> PairScores:
        """Compare the templates of stored features.

        Raises:
            UserError: the file does not fit the protocol's files.
        """
        templates = self._templates(*self._read_features(path))
        return self._compare(templates)

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored features; no image is needed.

        Args:
            path: npz with ``features`` (N, 2 D) in the order of the list of images, and optionally ``present`` (N,).
            subset: makes no difference: every image has a row.

        Raises:
            UserError: the file does not fit the protocol's files.
        """
        return {f'{self.prefix}/{key}': value for key, value in self.judge(*self._read_features(path)).items()}

    def _read_features(self, path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
        arrays = read_embeddings(path, 'features', ('present',))
        features, count = arrays['features'], len(self.images.names)
        if len(features) != count:
            raise UserError(
                f'{path}: {len(features)} rows of features, and {count} images in {self.files_prefix}_face_tid_mid.txt:'
                ' one row is needed for each image, in that order'
            )
        return features, check_rows(path, arrays, 'present', count, 'b')

    def judge(self, features: np.ndarray, present: np.ndarray | None = None) -> dict[str, float]:
        """Return the figures of features (N, 2 D) of the listed images; ``present`` (N,) says which are there."""
        seen = len(self.images.names) if present is None else int(present.sum())
        templates = self._templates(features, present)
        pairs = self._compare(templates)
        distributions = split_scores(pairs.scores, pairs.issame)
        curve = roc_curve(distributions)
        figures: dict[str, float] = {}
        draws = None
        if self.depth != 'quick':
            assert pairs.units is not None
            draws = resample_tar([pairs.scores], pairs.issame, pairs.units, self.fars)[0]
        for number, far in enumerate(self.fars):
            point = nearest_point(curve, far)
            column = None if draws is None else draws[np.isfinite(draws[:, number]), number]
            add_point(figures, far, point.tar, point.impostors, column)
        figures['auc'] = curve.auc
        if self.plots_dir is not None:
            pictures = draw_report({str(self.prefix): distributions}, self.plots_dir, str(self.prefix))
            self.illustrations = Illustrations(pictures)
        if self.depth == 'full':
            figures.update(self._search(templates))
        if seen < len(self.images.names):
            warn(f'{self.prefix}: {seen} of {len(self.images.names)} images judged; the figures are not comparable')
            figures.update(images=seen, images_expected=len(self.images.names))
        return figures

    def _templates(self, features: np.ndarray, present: np.ndarray | None) -> np.ndarray:
        scores = self.detector_scores
        if self.excluded is not None:
            kept = ~np.isin(np.array(self.images.names), sorted(self.excluded))
            present = kept if present is None else present & kept
        return pool_templates(features, self.index, scores, self.use_flip, self.keep_norm, self.halves, present)

    def _compare(self, templates: np.ndarray) -> PairScores:
        path = find_meta(self.data_root, self.files_prefix, 'template_pair_label.txt')
        listed = read_pairs(path)
        first, second = (self.index.rows_of(ids, str(path)) for ids in (listed.first, listed.second))
        issame, units = listed.issame, None
        del listed
        empty: np.ndarray = np.asarray(~templates.any(1))
        if empty.any():  # all images of a template are missing
            kept = np.asarray(~(empty[first] | empty[second]))
            first, second, issame = first[kept], second[kept], issame[kept]
        scores = score_pairs(templates, first, second)
        units = np.stack([first, second], 1)
        return PairScores(scores, issame, units=units)

    def _search(self, templates: np.ndarray) -> dict[str, float]:
        """Return the figures of search, if the galleries are there."""
        try:
            probes = read_enrolment(find_meta(self.data_root, self.files_prefix, '1N_probe_mixed.csv'))
        except UserError as error:
            warn(f'{self.prefix}: no search, since there are no galleries: {error}')
            return {}
        found: dict[str, SearchResult] = {}
        for name in _GALLERIES:
            try:
                path = find_meta(self.data_root, self.files_prefix, f'1N_gallery_{name}.csv')
            except UserError:
                continue
            gallery = read_enrolment(path)
            rows = self.index.rows_of(gallery.templates, str(path))
            probe_rows = self.index.rows_of(probes.templates, f'{self.files_prefix}_1N_probe_mixed.csv')
            found[name.lower()] = search(templates[rows], gallery.people, templates[probe_rows], probes.people)
        if not found:
            raise UserError(
                f'{self.data_root}: there is {self.files_prefix}_1N_probe_mixed.csv and no 1N_gallery_….csv'
            )
        if self.plots_dir is not None:
            path = Path(self.plots_dir) / 'identification.png'
            self.illustrations.pictures.append(draw_identification(found, path, str(self.prefix)))
        return search_figures(found, (1, 5, 10), self.fpirs)


def search_figures(found: dict[str, SearchResult], ranks: Sequence[int], fpirs: Sequence[float]) -> dict[str, Any]:
    """Return rank rates and TPIR of each gallery, under ``gallery-<name>/``, and their means."""
    by_gallery = {
        name: {
            **{f'rank-{rank}': rate for rank, rate in zip(ranks, rank_rates(result, ranks))},
            **{f'tpir@fpir={rate_text(f)}': rate for f, rate in zip(fpirs, tpir_at_fpir(result, fpirs))},
        }
        for name, result in found.items()
    }
    keys = next(iter(by_gallery.values()))
    figures = {key: float(np.mean([figures[key] for figures in by_gallery.values()])) for key in keys}
    for name, own in by_gallery.items():
        figures.update({f'gallery-{name}/{key}': value for key, value in own.items()})
    return figures
