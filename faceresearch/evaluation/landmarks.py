"""The metric of landmark models, whichever framework's samples they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.datasets.landmark_metainfo import LANDMARKS, LandmarkScheme, landmark_scheme
from faceresearch.errors import UserError
from faceresearch.evaluation.illustrations import WORST, Failure, Illustrations
from faceresearch.evaluation.landmark_plots import draw_ced, write_point_table
from faceresearch.evaluation.landmark_protocol import (
    NORMALIZERS,
    ced_auc,
    face_errors,
    failure_rate,
    normalizing_lengths,
    pck,
    point_errors,
    pooled_nme,
)
from faceresearch.evaluation.landmark_subsets import SubsetFiles
from faceresearch.evaluation.predictions import DetectionSet, image_key, read_predictions
from faceresearch.evaluation.samples import once_each, to_original
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import DATASETS, METRICS


@dataclass
class JudgedFace:
    """What is kept of a face: points (K, 2) and box (4,) in pixels of the image."""

    name: str
    broken: bool
    predicted: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    box: np.ndarray
    subsets: tuple[str, ...] = ()
    box_size: float | None = None


@METRICS.register_module()
class LandmarkMetric(BaseMetric):
    """Landmarks of one face a sample, in this project's samples or mmpose's.

    Reports ``nme`` (every annotated point counts once, as mmpose has it), ``nme_per_face`` (the mean over faces of their mean
    error, as papers have it; the same where all points are annotated), ``fr@t`` and ``auc@t`` (from the cumulative
    distribution of the faces' errors), ``pck@t`` (strictly below, by the longer side of the box), ``faces``, and
    ``<subset>/nme`` for the subsets that samples name. The log has the errors of the parts of the face.

    Args:
        normalizer: what errors are divided by, see
            :func:`~faceresearch.evaluation.landmark_protocol.normalizing_lengths`; None: the scheme's usual one.
        scheme: landmark scheme; None: the data set says.
        thresholds: of failure rate and area.
        pck_thr: of PCK.
        subset_files: names of subsets and the COCO JSON files that list their faces, for samples that name none; see
            :class:`~faceresearch.evaluation.landmark_subsets.SubsetFiles`.
        dataset: config of the data set whose annotations stored predictions are judged by.
        plots_dir: folder for the curve and the errors of every point; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: the normaliser is unknown, or predicted and annotated faces have different numbers of points.
    """

    default_prefix = 'landmark'

    def __init__(
        self,
        normalizer: str | None = None,
        scheme: Any = None,
        thresholds: Sequence[float] = (0.08, 0.1),
        pck_thr: float = 0.1,
        subset_files: Mapping[str, str] | None = None,
        dataset: dict[str, Any] | None = None,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if normalizer not in (None, *NORMALIZERS):
            raise UserError(f'LandmarkMetric: normalizer={normalizer!r} is unknown; use {", ".join(NORMALIZERS)}')
        if min([*thresholds, pck_thr]) <= 0:
            raise UserError(f'LandmarkMetric: thresholds={tuple(thresholds)}, pck_thr={pck_thr}: all are above 0')
        self.normalizer = normalizer
        self.stated_scheme = None if scheme is None else landmark_scheme(scheme)
        self.thresholds = tuple(thresholds)
        self.pck_thr = pck_thr
        self.subset_files = dict(subset_files or {})
        self._subsets: SubsetFiles | None = None
        self.dataset = dataset
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[JudgedFace] = []

    @property
    def scheme(self) -> LandmarkScheme:
        """The scheme of the data set that is judged.

        Raises:
            UserError: the data set does not say.
        """
        if self.stated_scheme is not None:
            return self.stated_scheme
        meta = self.dataset_meta or {}
        if meta.get('scheme') is not None:
            return landmark_scheme(meta['scheme'])
        for scheme in LANDMARKS.values():
            if scheme.dataset_name == meta.get('dataset_name'):
                return scheme
        raise UserError('LandmarkMetric: the data set does not name its landmark scheme; give scheme=…')

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the points of a batch."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            self.results.append(self._face(fields))

    def _face(self, sample: dict[str, Any]) -> JudgedFace:
        name, count = sample_name(sample), self.scheme.num_points
        if not isinstance(sample.get('img_id'), str) and sample.get('id') is not None:
            name = f'{name}#{sample["id"]}'  # mmpose numbers the faces of all images
        nothing = np.zeros((count, 2))
        if sample.get('img_broken', False):
            return JudgedFace(name, True, nothing, nothing, np.zeros(count, bool), np.zeros(4))
        truth, found = sample['gt_instances'], as_numpy(sample['pred_instances']['keypoints'])
        points = to_original(as_numpy(truth['keypoints']), sample)
        if found.shape != (1, count, 2) or points.shape != (1, count, 2):
            raise UserError(
                f'LandmarkMetric: {name}: predicted are points {found.shape}, annotated {points.shape}; scheme'
                f' {self.scheme.name} has (1, {count}, 2)'
            )
        visible = as_numpy(truth.get('keypoints_visible', np.ones((1, count)))).reshape(1, count, -1)[..., 0]
        box = to_original(as_numpy(truth['bboxes']).reshape(-1, 4), sample)
        size = sample.get('box_size', (sample.get('raw_ann_info') or {}).get('box_size'))
        subsets = tuple(sample.get('subsets') or ())
        if self.subset_files and not subsets:
            self._subsets = self._subsets or SubsetFiles(self.subset_files, count)
            subsets = self._subsets.of(str(sample.get('img_path', '')), points[0])
        return JudgedFace(name, False, found[0], points[0], visible[0] > 0, box[0], subsets, size)

    def compute_metrics(self, results: list[JudgedFace]) -> dict[str, float]:
        """Judge all faces that could be read."""
        results = once_each(results)
        faces = [face for face in results if not face.broken]
        if not faces:
            raise UserError('LandmarkMetric: there is no face to judge')
        kind = self.normalizer or self.scheme.normalizer
        errors, box_errors = self._errors(faces, kind), self._errors(faces, 'box_max')
        figures = self._figures(errors, box_errors)
        named = sorted({subset for face in faces for subset in face.subsets})
        for subset in named:
            rows = np.array([subset in face.subsets for face in faces])
            figures[f'{subset}/nme'] = pooled_nme(errors[rows])
            figures[f'{subset}/faces'] = int(rows.sum())
        self._log_parts(errors, kind, len(faces))
        if self.plots_dir is not None:
            folder = Path(self.plots_dir)
            picture = draw_ced(face_errors(errors), folder / 'ced.png', self.thresholds, kind)
            self.illustrations = Illustrations([picture], *_failures(faces, errors, kind))
            write_point_table(errors, self.scheme, folder / 'points.csv')
        return with_broken(figures, results)

    def _errors(self, faces: Sequence[JudgedFace], kind: str) -> np.ndarray:
        points, visible = np.stack([face.points for face in faces]), np.stack([face.visible for face in faces])
        lengths = normalizing_lengths(kind, points, visible, np.stack([face.box for face in faces]), self.scheme)
        if kind == 'box_max':
            stated = np.array([np.nan if face.box_size is None else face.box_size for face in faces], np.float64)
            lengths = np.where(stated > 0, stated, lengths)
        return point_errors(np.stack([face.predicted for face in faces]), points, visible, lengths)

    def _figures(self, errors: np.ndarray, box_errors: np.ndarray) -> dict[str, float]:
        means = face_errors(errors)
        figures = {'nme': pooled_nme(errors), 'nme_per_face': float(means.mean()) if len(means) else math.nan}
        for threshold in self.thresholds:
            figures[f'fr@{threshold:g}'] = failure_rate(means, threshold)
            figures[f'auc@{threshold:g}'] = ced_auc(means, threshold)
        return {**figures, f'pck@{self.pck_thr:g}': pck(box_errors, self.pck_thr), 'faces': len(means)}

    def _log_parts(self, errors: np.ndarray, kind: str, count: int) -> None:
        parts = ', '.join(
            f'{part} {pooled_nme(errors[:, list(points)]):.4f}' for part, points in self.scheme.parts.items()
        )
        print_log(f'{self.prefix}: {count} faces, errors by {kind}: {parts}', logger='current')

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored predictions: one row with ``keypoints`` for each face, named by the data set's ``img_id``.

        Args:
            path: npz in the form of :mod:`faceresearch.evaluation.predictions`.
            subset: pass over faces that the file lacks; otherwise they are an error, because a missing point has no distance.

        Raises:
            UserError: the metric names no data set, or the file lacks points or faces.
        """
        if self.dataset is None:
            raise UserError('LandmarkMetric: stored predictions need a ground truth: give dataset=dict(type=…)')
        stored = read_predictions(path)
        if stored.keypoints is None:
            raise UserError(f'{path}: has no keypoints to judge')
        truth = DATASETS.build({**self.dataset, 'pipeline': [], 'test_mode': True})
        self.dataset_meta = truth.metainfo
        rows = _rows(stored, path)
        faces, missing = [], []
        for index in range(len(truth)):
            info = truth.get_data_info(index)
            name = image_key(str(info['img_id']))
            if name not in rows:
                missing.append(name)
                continue
            found = {'keypoints': stored.keypoints[rows[name]][None]}
            instances = {key: info[source] for key, source in _TRUTH.items()}
            faces.append(self._face({**info, 'gt_instances': instances, 'pred_instances': found}))
        if missing and not subset:
            raise UserError(
                f'{path}: {len(missing)} of {len(truth)} faces are missing, such as {missing[0]}; add subset=true to judge'
                ' the others alone'
            )
        figures = self.compute_metrics(faces)
        return {f'{self.prefix}/{key}': value for key, value in figures.items()}


def _failures(faces: Sequence[JudgedFace], errors: np.ndarray, kind: str) -> tuple[list[Failure], str]:
    """Return the faces with the largest mean error, by errors (N, K), nan where a point is not judged."""
    judged = np.isfinite(errors)
    means = np.where(judged, errors, 0).sum(1) / np.maximum(judged.sum(1), 1)
    failures = []
    for row in np.argsort(-means, kind='stable')[:WORST]:
        if not judged[row].any():
            continue
        failures.append(_failure(faces[row], judged[row], f'mean error {means[row]:.4f}'))
    note = f'Faces with the largest mean error, divided by {kind}. Blue: annotated points. Orange: predicted points.'
    return failures, note


def _failure(face: JudgedFace, judged: np.ndarray, caption: str) -> Failure:
    from faceresearch.visualization.failures import draw_landmarks

    return Failure((face.name,), caption, lambda images: draw_landmarks(images[0], face.points, face.predicted, judged))


_TRUTH = {'keypoints': 'keypoints', 'keypoints_visible': 'keypoints_visible', 'bboxes': 'bbox'}


def _rows(stored: DetectionSet, path: str | Path) -> dict[str, int]:
    counts = np.diff(stored.offsets)
    if (counts > 1).any():
        raise UserError(
            f'{path}: {stored.names[int(np.argmax(counts))]} has several faces; name each by its own img_id'
        )
    return {name: int(stored.offsets[i]) for i, name in enumerate(stored.names) if counts[i]}
