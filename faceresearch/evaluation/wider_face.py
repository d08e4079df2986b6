"""Metrics of face detection: WIDER FACE, and its protocol on the ground truth of the samples."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.detection_failures import JudgedDetections, detection_failures
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.pr_curves import draw_pr_curves
from faceresearch.evaluation.predictions import (
    DetectionSet,
    drop_not_finite,
    image_key,
    join_detections,
    read_predictions,
)
from faceresearch.evaluation.samples import once_each, to_original
from faceresearch.evaluation.wider_ground_truth import load_ground_truth
from faceresearch.evaluation.wider_protocol import (
    SUBSETS,
    BoxQuantize,
    Compat,
    GroundTruth,
    PRCurve,
    WiderProtocol,
    evaluate_detections,
)
from faceresearch.registry import METRICS


@dataclass
class ImageResult:
    """What a metric keeps of one image, on the CPU.

    ``boxes`` (n, 4) xyxy and ``scores`` (n,) are the detections; ``faces`` (m, 4) xyxy and ``kept`` (m, 3) bool the
    ground truth, where the metric takes it from the samples. ``broken``: the image could not be read.
    """

    name: str
    broken: bool
    boxes: np.ndarray
    scores: np.ndarray
    faces: np.ndarray | None = None
    kept: np.ndarray | None = None


class _DetectionMetric(BaseMetric):
    """Collects detections; subclasses know the ground truth."""

    #: Heading of the picture of the curves.
    title = 'WIDER FACE validation set'

    def __init__(self, protocol: WiderProtocol, plots_dir: str | None, collect_device: str, prefix: str | None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.protocol = protocol
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        #: Curves of the last evaluation, in the main process.
        self.curves: list[PRCurve] = []
        self.results: list[ImageResult] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the detections of a batch as numpy arrays."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            self.results.append(self.image_result(fields))

    def image_result(self, sample: dict[str, Any]) -> ImageResult:
        """Return what is kept of a sample given as a dict of fields."""
        predicted = sample['pred_instances']
        return ImageResult(
            name=sample_name(sample),
            broken=bool(sample.get('img_broken', False)),
            boxes=as_numpy(predicted['bboxes']).reshape(-1, 4),
            scores=as_numpy(predicted['scores']).reshape(-1),
        )

    def judge(self, detections: DetectionSet, truth: GroundTruth, note: str = '') -> dict[str, float]:
        """Return the AP of each subset, and keep and draw the curves; ``note`` is added to their heading."""
        detections = drop_not_finite(detections)
        self.curves = evaluate_detections(detections, truth, self.protocol)
        if self.plots_dir is not None:
            picture = draw_pr_curves(self.curves, Path(self.plots_dir) / 'pr_curves.png', title=self.title + note)
            failures = detection_failures(_judged(detections, truth), self.protocol.iou_thr)
            self.illustrations = Illustrations([picture], *failures)
        empty = [curve.subset for curve in self.curves if curve.faces == 0]
        if empty:
            _warn(f'{self.prefix}: no {" and no ".join(empty)} faces in these images: AP is not defined (nan)')
        return {f'{curve.subset}_ap': curve.ap for curve in self.curves}


@METRICS.register_module()
class WiderFaceMetric(_DetectionMetric):
    """AP on the easy, medium and hard faces of the WIDER FACE validation set.

    Reports ``easy_ap``, ``medium_ap`` and ``hard_ap`` as fractions, ``images`` that were judged and
    ``images_expected``. When images are missing, only the faces of those that were seen count, and a warning says
    that the figures are not comparable. Images that could not be read count as not seen (``images_broken``).

    Args:
        ground_truth: folder of ``wider_{face,easy,medium,hard}_val.mat``.
        compat: evaluator whose arithmetic is followed, ``official``, ``wondervictor`` or ``scrfd``; see
            :class:`~faceresearch.evaluation.wider_protocol.WiderProtocol` for this and the next four.
        box_quantize: ``truncate`` or ``round`` box corners to integers, as some repositories' writers do.
        score_decimals: decimals scores are rounded to, as some repositories' writers do.
        iou_offset: pixels added to widths and heights in the overlap.
        iou_thr: overlap from which a detection is on a face.
        subset: with stored predictions, pass over images that the file lacks. Otherwise they have no detections.
        plots_dir: folder for the precision-recall curves; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: the ground truth is missing or damaged, or an argument has no meaning.
    """

    default_prefix = 'widerface'

    def __init__(
        self,
        ground_truth: str,
        compat: Compat = 'official',
        box_quantize: BoxQuantize | None = None,
        score_decimals: int | None = None,
        iou_offset: float = 1.0,
        iou_thr: float = 0.5,
        subset: bool = False,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        protocol = WiderProtocol(compat, box_quantize, score_decimals, iou_offset, iou_thr)
        super().__init__(protocol, plots_dir, collect_device, prefix)
        self.truth = load_ground_truth(ground_truth)
        self.subset = subset

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Judge the images that were seen."""
        results = once_each(results)
        seen = {r.name for r in results if not r.broken}
        detections = join_detections([r.name for r in results], [r.boxes for r in results], [r.scores for r in results])
        figures = self._judge_images(detections, seen)
        return with_broken(figures, results)

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored predictions; no image is needed.

        Args:
            path: npz, see :mod:`faceresearch.evaluation.predictions`.
            subset: pass over images that the file lacks; otherwise they have no detections.

        Raises:
            UserError: the file cannot be read, or names no image of the set.
        """
        detections = read_predictions(path)
        known = set(detections.names) & set(self.truth.names)
        if not known:
            raise UserError(
                f'{path}: names no image of the WIDER FACE validation set; expected names such as'
                f' {self.truth.names[0]!r}, found {", ".join(map(repr, detections.names[:1])) or "none"}'
            )
        absent = len(self.truth.names) - len(known)
        if absent and not (subset or self.subset):
            _warn(
                f'{path}: {absent} of {len(self.truth.names)} images are not in the file: they have no detections'
                ' (subset=true passes over them)'
            )
            known = set(self.truth.names)
        figures = self._judge_images(detections, known)
        return {f'{self.prefix}/{key}': value for key, value in figures.items()}

    def _judge_images(self, detections: DetectionSet, images: set[str]) -> dict[str, float]:
        known = set(self.truth.names)
        strange = [name for name in detections.names if name not in known]
        if strange:
            _warn(
                f'{len(strange)} images are not in the WIDER FACE validation set and are passed over: '
                + ', '.join(strange[:3])
            )
        truth = self.truth.select(images)
        expected, note = len(self.truth.names), ''
        if len(truth.names) < expected:
            note = f', {len(truth.names):,} of {expected:,} images'
            _warn(
                f'WIDER FACE: {len(truth.names)} of {expected} images judged; only their faces count, and the figures'
                ' are not comparable with those of the whole set'
            )
        figures = self.judge(detections, truth, note)
        return {**figures, 'images': len(truth.names), 'images_expected': expected}


@METRICS.register_module()
class SynthFacesMetric(_DetectionMetric):
    """The WIDER FACE protocol with the faces and the difficulty the samples carry.

    ``gt_instances`` give ``bboxes`` and ``difficulty`` (N, 3) bool, whether a face counts in easy, medium and hard;
    without ``difficulty`` a face counts in all three. ``ignored_instances`` count in none. Ground truth is in pixels of
    the network's input and is brought to the original image by ``scale_factor`` and ``pad_offset``. Other than on WIDER FACE, detections
    on images without faces are false.

    Args:
        compat: see :class:`WiderFaceMetric`, as for the others.
        iou_offset: pixels added to widths and heights in the overlap.
        iou_thr: overlap from which a detection is on a face.
        plots_dir: folder for the precision-recall curves; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: an argument has no meaning.
    """

    default_prefix = 'synthfaces'
    title = 'SynthFaces'

    def __init__(
        self,
        compat: Compat = 'official',
        iou_offset: float = 1.0,
        iou_thr: float = 0.5,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        protocol = WiderProtocol(compat, None, None, iou_offset, iou_thr, count_faceless_images=True)
        super().__init__(protocol, plots_dir, collect_device, prefix)

    def image_result(self, sample: dict[str, Any]) -> ImageResult:
        """Keep the ground truth as well."""
        result = super().image_result(sample)
        counted, ignored = sample.get('gt_instances', {}), sample.get('ignored_instances', {})
        faces = as_numpy(counted.get('bboxes', np.zeros((0, 4)))).reshape(-1, 4)
        regions = as_numpy(ignored.get('bboxes', np.zeros((0, 4)))).reshape(-1, 4)
        kept = as_numpy(counted.get('difficulty', np.ones((len(faces), len(SUBSETS)), bool)))
        kept = kept.astype(bool).reshape(-1, len(SUBSETS))
        result.faces = to_original(np.concatenate([faces, regions]), sample)
        result.kept = np.concatenate([kept, np.zeros((len(regions), len(SUBSETS)), bool)])
        return result

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Judge all images that could be read."""
        results = once_each(results)
        good = [r for r in results if not r.broken]
        names = [r.name for r in good]
        faces = [r.faces for r in good if r.faces is not None]
        kept = [r.kept for r in good if r.kept is not None]
        truth = GroundTruth(
            names=tuple(names),
            offsets=np.cumsum([0, *map(len, faces)]).astype(np.int64),
            boxes=np.concatenate([np.zeros((0, 4)), *faces]),
            kept=np.concatenate([np.zeros((0, len(SUBSETS)), bool), *kept]),
        )
        detections = join_detections(names, [r.boxes for r in good], [r.scores for r in good])
        return with_broken(self.judge(detections, truth), results)


def _judged(detections: DetectionSet, truth: GroundTruth) -> list[JudgedDetections]:
    """Return the images of a ground truth with their detections; faces of any subset count."""
    place = {name: number for number, name in enumerate(detections.names)}
    counted = np.asarray(truth.kept.any(1))
    images = []
    for number, name in enumerate(truth.names):
        rows = slice(*truth.offsets[number : number + 2])
        found = slice(0, 0) if name not in place else slice(*detections.offsets[place[name] : place[name] + 2])
        boxes, scores = detections.boxes[found], detections.scores[found]
        if detections.form == 'xywh':
            boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
        images.append(JudgedDetections(name, boxes, scores, truth.boxes[rows], counted[rows]))
    return images


def sample_name(sample: dict[str, Any]) -> str:
    """Return ``img_id`` if it is a name, or folder and file name of ``img_path``; without image suffix."""
    name, path = sample.get('img_id'), sample.get('img_path')
    if isinstance(name, str) or path is None:
        return image_key(str(name))
    return image_key('/'.join(Path(path).parts[-2:]))


def with_broken(figures: dict[str, float], results: Sequence[Any]) -> dict[str, float]:
    """Add ``images_broken`` to the figures, if there are results of images that could not be read."""
    broken = [result.name for result in results if result.broken]
    if not broken:
        return figures
    _warn(f'{len(broken)} images could not be read and are not judged: {", ".join(broken[:3])}')
    return {**figures, 'images_broken': len(broken)}


def as_numpy(values: Any) -> np.ndarray:
    """Return a tensor or array as an array on the CPU."""
    if not hasattr(values, 'detach'):
        return np.asarray(values)
    values = values.detach().cpu()
    # numpy has no bfloat16, and half precision cannot hold the coordinates of a large image.
    return (values.float() if values.is_floating_point() and values.element_size() < 4 else values).numpy()


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
