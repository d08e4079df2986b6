"""Draw what a data sample holds: ground truth, ignored faces, predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from faceresearch.visualization.draw import IGNORED_COLOR, TRUTH_COLOR, draw_faces
from faceresearch.visualization.masks import draw_mask

#: Letters for the WIDER FACE subsets that a face counts in.
_SUBSETS = 'EMH'


def draw_truth(image: np.ndarray, sample: BaseDataElement, scale: float = 1.0) -> np.ndarray:
    """Return a copy of an image with a sample's ground truth: faces in blue, ignored ones dashed in grey.

    A mask is drawn in the colours of its classes. Faces that know their difficulty are labelled with the easiest subset they count in (E, M or H).

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: with ``gt_instances`` and, perhaps, ``ignored_instances``, or with ``gt_sem_seg``.
        scale: factor from the sample's pixels to the image's, for images that were resized for display.
    """
    if 'ignored_instances' in sample:
        ignored = instances_to_numpy(sample.ignored_instances)
        image = draw_faces(image, ignored['bboxes'] * scale, color=IGNORED_COLOR, dashed=True)
    if 'gt_sem_seg' in sample:
        image = _draw_true_mask(image, sample)
    if 'gt_instances' not in sample:
        return image.copy()
    faces = instances_to_numpy(sample.gt_instances)
    keypoints, difficulty = faces.get('keypoints'), faces.get('difficulty')
    return draw_faces(
        image,
        faces['bboxes'] * scale,
        keypoints=None if keypoints is None else keypoints * scale,
        visible=faces.get('keypoints_visible'),
        labels=None if difficulty is None else [_subset(flags) for flags in difficulty],
        color=TRUTH_COLOR,
    )


def _draw_true_mask(image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    from faceresearch.datasets.parsing_metainfo import classes_of, palette_of

    mask = sample.gt_sem_seg.sem_seg[0].cpu().numpy().astype(np.uint8)
    order = sample.metainfo.get('class_order')
    names = classes_of(order) if order else [str(i) for i in range(32)]
    return draw_mask(image, mask, palette_of(names))


def draw_predictions(
    image: np.ndarray, sample: BaseDataElement, score_thr: float = 0.0, scale: float = 1.0
) -> np.ndarray:
    """Return a copy of an image with a sample's ``pred_instances`` that score at least ``score_thr``.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: with ``pred_instances``.
        score_thr: 0…1.
        scale: factor from the sample's pixels to the image's.
    """
    faces = select_predictions(sample, score_thr)
    keypoints = faces.get('keypoints')
    return draw_faces(
        image, faces['bboxes'] * scale, faces['scores'], keypoints=None if keypoints is None else keypoints * scale
    )


def select_predictions(sample: BaseDataElement, score_thr: float = 0.0) -> dict[str, np.ndarray]:
    """Return the predictions that score at least ``score_thr``, best first; boxes that are not finite are left out.

    Returns:
        ``bboxes`` (N, 4), ``scores`` (N,) and whatever else ``pred_instances`` holds, as numpy arrays.
    """
    faces = instances_to_numpy(sample.pred_instances)
    order = np.argsort(-faces['scores'], kind='stable')
    usable = (faces['scores'] >= score_thr) & (np.isfinite(faces['bboxes']).sum(1) == 4)
    order = order[usable[order]]
    return {name: values[order] for name, values in faces.items()}


def instances_to_numpy(instances: Any) -> dict[str, np.ndarray]:
    """Return the fields of an ``InstanceData`` as numpy arrays; boxes (N, 4) and scores (N,) are always there.

    Points without a box have the box around them.
    """
    arrays = {}
    for name, values in instances.items():
        # mmdet's boxes may be wrapped in a class that holds a tensor.
        values = getattr(values, 'tensor', values)
        arrays[name] = values.detach().cpu().numpy() if hasattr(values, 'detach') else np.asarray(values)
    if 'keypoints' in arrays and 'bboxes' not in arrays:
        points = arrays['keypoints'][..., :2]
        arrays['bboxes'] = np.concatenate([points.min(-2), points.max(-2)], -1)
    arrays['bboxes'] = arrays.get('bboxes', np.zeros((0, 4), np.float32)).reshape(-1, 4)
    if 'scores' not in arrays:
        # Landmark models are given their boxes, and perhaps how sure the detector was.
        arrays['scores'] = arrays.get('bbox_scores', np.ones(len(arrays['bboxes']), np.float32))
    return arrays


def _subset(flags: np.ndarray) -> str:
    return next((letter for letter, counts in zip(_SUBSETS, flags) if counts), '')
