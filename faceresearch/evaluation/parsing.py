"""Metrics of face parsing and of masks of whole faces."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.illustrations import WORST, Failure, Illustrations
from faceresearch.evaluation.mask_files import StoredMasks
from faceresearch.evaluation.parsing_plots import draw_confusion
from faceresearch.evaluation.parsing_protocol import ParsingScores, confusion_matrix, parsing_scores, score_table
from faceresearch.evaluation.samples import once_each
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import DATASETS, METRICS


@dataclass
class ParsedImage:
    """What is kept of an image: its confusion matrix and, while it is among the worst, its masks."""

    name: str
    broken: bool
    confusion: np.ndarray
    masks: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def badness(self) -> float:
        """One minus the mean F1 of the classes that this image shows, background among them."""
        f1 = parsing_scores(self.confusion).f1
        return 1 - float(np.nanmean(f1)) if np.isfinite(f1).any() else 0.0


class _MaskMetric(BaseMetric):
    """Collects a confusion matrix per image; subclasses say what is made of the sum."""

    #: Registered metric that ``--dump`` adds.
    dump_metric = 'DumpMasks'

    def __init__(
        self,
        size: int | Sequence[int] | None,
        plots_dir: str | None,
        truth: dict[str, Any] | None,
        collect_device: str,
        prefix: str | None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.size = None if size is None else (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        if self.size is not None and min(self.size) < 1:
            raise UserError(f'{type(self).__name__}: size={size}: sides must be at least 1 pixel')
        self.plots_dir = plots_dir
        self.truth = truth
        self.illustrations = Illustrations()
        self.results: list[ParsedImage] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Classes by number, of the data set that is judged.

        Raises:
            UserError: the data set does not say.
        """
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise UserError(f'{type(self).__name__}: the data set names no classes; give dataset.metainfo.classes')
        return tuple(names)

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Count the pixels of a batch."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            self.results.append(self._image(fields))
        if self.plots_dir is not None:
            drawable = [image for image in self.results if image.masks is not None]
            for image in sorted(drawable, key=lambda image: -image.badness)[WORST:]:
                image.masks = None

    def _image(self, sample: dict[str, Any]) -> ParsedImage:
        name, count = sample_name(sample), len(self.names)
        if sample.get('img_broken', False):
            return ParsedImage(name, True, np.zeros((count, count), np.int64))
        if 'gt_sem_seg' not in sample or 'pred_sem_seg' not in sample:
            raise UserError(f'{type(self).__name__}: {name} has no mask to judge or no prediction')
        truth = self._sized(as_numpy(sample['gt_sem_seg']['sem_seg'])[0])
        predicted = self._sized(as_numpy(sample['pred_sem_seg']['sem_seg'])[0])
        try:
            confusion = confusion_matrix(truth, predicted, count)
        except ValueError as error:
            raise UserError(
                f'{type(self).__name__}: {name}: {error}; model and data set must have the same classes, and the test'
                ' pipeline must leave masks at the original size'
            ) from error
        masks = None if self.plots_dir is None else (truth.astype(np.uint8), predicted.astype(np.uint8))
        return ParsedImage(name, False, confusion, masks)

    def _sized(self, mask: np.ndarray) -> np.ndarray:
        if self.size is None or mask.shape == self.size:
            return mask
        return cv2.resize(mask.astype(np.uint8), (self.size[1], self.size[0]), interpolation=cv2.INTER_NEAREST)

    def compute_metrics(self, results: list[ParsedImage]) -> dict[str, float]:
        """Add the matrices up and judge the sum."""
        results = once_each(results)
        good = [result for result in results if not result.broken]
        zero = np.zeros((len(self.names), len(self.names)), np.int64)
        confusion = sum((result.confusion for result in good), zero)
        scores = parsing_scores(confusion)
        print_log(f'{self.prefix}, {len(good)} images:\n{score_table(self.names, scores)}', logger='current')
        absent = [name for name, share in zip(self.names, scores.share) if not share > 0]
        if absent:
            print_log(
                f'{self.prefix}: no pixel of {", ".join(absent)} in these images',
                logger='current',
                level=logging.WARNING,
            )
        if self.plots_dir is not None:
            self._draw(confusion, good)
        figures = {**self.figures(scores, good), 'images': len(good)}
        return with_broken(figures, results)

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored masks by those of the data set ``truth``; its images are read for their sizes only.

        Args:
            path: npz, see :mod:`faceresearch.evaluation.mask_files`.
            subset: pass over images that the file lacks; otherwise they are background throughout.

        Raises:
            UserError: the metric names no data set, the file cannot be read, or it names no image of the set.
        """
        if self.truth is None:
            raise UserError(f'{type(self).__name__}: no truth to judge {path} by: name a benchmark config')
        stored, dataset = StoredMasks(path), DATASETS.build(self.truth)
        self.dataset_meta = dataset.metainfo
        results = []
        for index in range(len(dataset)):
            sample = dataset[index]['data_samples'].to_dict()
            name = sample_name(sample)
            if name not in stored and (subset or sample.get('img_broken', False)):
                continue
            mask = stored.mask(name) if name in stored else np.zeros_like(as_numpy(sample['gt_sem_seg']['sem_seg'])[0])
            sample['pred_sem_seg'] = {'sem_seg': mask[None]}
            results.append((self._image(sample), name in stored))
        if not any(known for _, known in results):
            raise UserError(f'{path}: names no image of the data set; expected names such as {sample_name(sample)!r}')
        absent = sum(not known for _, known in results)
        if absent:
            print_log(
                f'{path}: {absent} of {len(results)} images are not in the file: they count as background (subset=true'
                ' passes over them)',
                logger='current',
                level=logging.WARNING,
            )
        figures = self.compute_metrics([image for image, _ in results])
        return {f'{self.prefix}/{key}': value for key, value in figures.items()}

    def figures(self, scores: ParsingScores, images: list[ParsedImage]) -> dict[str, float]:
        """Return the metric's figures by key."""
        raise NotImplementedError

    def _draw(self, confusion: np.ndarray, images: list[ParsedImage]) -> None:
        folder = Path(str(self.plots_dir))
        title = f'{self.prefix}, {len(images)} images'
        picture = draw_confusion(confusion, self.names, folder / 'confusion.png', title, "true class's pixels")
        worst = sorted((image for image in images if image.masks is not None), key=lambda image: -image.badness)
        failures = [self._failure(image, *image.masks) for image in worst[:WORST] if image.masks is not None]
        note = 'Images with the lowest mean F1 of the classes they show: image, true mask, predicted mask.'
        self.illustrations = Illustrations([picture], failures, note)

    def _failure(self, image: ParsedImage, truth: np.ndarray, predicted: np.ndarray) -> Failure:
        from faceresearch.datasets.parsing_metainfo import palette_of
        from faceresearch.visualization.failures import draw_masks

        palette = palette_of(self.names)
        caption = f'mean F1 {1 - image.badness:.3f}'
        return Failure((image.name,), caption, lambda images: draw_masks(images[0], truth, predicted, palette))


@METRICS.register_module()
class ParsingMetric(_MaskMetric):
    """Face parsing: IoU and F1 of each class, from the pixels of all images together.

    Reports ``miou`` (with background), ``mean_f1`` and ``miou_foreground`` (without), ``pixel_accuracy``, ``mean_accuracy``,
    ``iou_<class>``, ``f1_<class>`` and ``share_<class>``, its share of the true pixels. A class that neither the truth nor the prediction has is nan, and left out of the means;
    the log names the classes that the truth does not have. Masks are compared at the size of the ground truth.

    Args:
        size: bring both masks to this size first (a side, or height and width), by the nearest pixel; None: the ground
            truth's own.
        plots_dir: folder for the confusion matrix; None: none.
        truth: config of the data set whose masks stored predictions are judged by (``--predictions``).
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: prediction and ground truth have different sizes or classes, or a side is not at least 1.
    """

    default_prefix = 'parsing'

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        plots_dir: str | None = None,
        truth: dict[str, Any] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(size, plots_dir, truth, collect_device, prefix)

    def figures(self, scores: ParsingScores, images: list[ParsedImage]) -> dict[str, float]:
        """Return the means, and the figures of each class."""
        means = {
            'miou': scores.miou,
            'mean_f1': scores.mean_f1,
            'miou_foreground': scores.miou_foreground,
            'pixel_accuracy': scores.pixel_accuracy,
            'mean_accuracy': scores.mean_accuracy,
        }
        names = [name.replace(' ', '_') for name in self.names]
        each = {'iou': scores.iou, 'f1': scores.f1, 'share': scores.share}
        return means | {f'{key}_{name}': float(v) for key, values in each.items() for name, v in zip(names, values)}


@METRICS.register_module()
class FaceMaskMetric(_MaskMetric):
    """Masks of whole faces (XSeg): ``iou`` of the face over the pixels of all images, ``image_iou``, the mean over images.

    Args:
        size: see :class:`ParsingMetric`, as for the others.
        plots_dir: folder for the confusion matrix; None: none.
        truth: config of the data set, for stored predictions.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: as :class:`ParsingMetric`.
    """

    default_prefix = 'xseg'

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        plots_dir: str | None = None,
        truth: dict[str, Any] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(size, plots_dir, truth, collect_device, prefix)

    def figures(self, scores: ParsingScores, images: list[ParsedImage]) -> dict[str, float]:
        """Return the overlap of the face, class 1."""
        each = np.array([parsing_scores(image.confusion).iou[1] for image in images])
        return {
            'iou': float(scores.iou[1]),
            'image_iou': float(np.nanmean(each)) if np.isfinite(each).any() else float('nan'),
            'f1': float(scores.f1[1]),
            'pixel_accuracy': scores.pixel_accuracy,
        }
