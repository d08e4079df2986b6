"""Detect faces, then run another model on each: landmarks, masks or attributes behind any detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from faceresearch.apis.model import inference
from faceresearch.errors import UserError
from faceresearch.structures import FaceDataSample
from faceresearch.visualization.samples import select_predictions

#: Steps of a test pipeline that crop the image to ``results['bbox']`` themselves, by the model's own rule.
BOX_STEPS = ('GetBBoxCenterScale', 'CropFace', 'CropFaceScales')
#: Boxes with a shorter side than this, in pixels, are no faces.
_MIN_SIDE = 2.0


@dataclass(frozen=True)
class Face:
    """A detected face and what the second model says of it.

    Attributes:
        box: (4,) xyxy in pixels of the image, as detected.
        score: 0…1.
        sample: the second model's. Coordinates of landmarks are in pixels of the image; masks are of ``region``.
        region: (x1, y1, x2, y2) of the part of the image that the second model was shown, or None where it was shown the
            whole image and the box.
    """

    box: np.ndarray
    score: float
    sample: FaceDataSample
    region: tuple[int, int, int, int] | None = None


class FacePipeline:
    """A detector, and a model that looks at one face at a time.

    A second model whose test pipeline crops faces by itself (``BOX_STEPS``) gets the image and a box; any other is shown the
    part of the image that the box covers. Boxes are first grown about their centre by the second model's
    ``contract.detected_box_scale``, 1 where it is silent: hysts/anime-face-detector's rule, (size + 1) · scale.

    Args:
        model: the second model, from :func:`faceresearch.apis.init_model`.
        detector: likewise; None takes the whole image as the only face, not grown.
        score_thr: detections below this are left out.
        batch_size: faces that are computed together.

    Raises:
        UserError: a threshold or size that makes no sense.
    """

    def __init__(
        self, model: nn.Module, detector: nn.Module | None = None, score_thr: float = 0.5, batch_size: int = 16
    ) -> None:
        from faceresearch.compat.pipelines import test_dataset

        if not 0 <= score_thr <= 1 or batch_size < 1:
            raise UserError(f'FacePipeline: score_thr={score_thr} is from 0 to 1, batch_size={batch_size} at least 1')
        self.model, self.detector = model, detector
        self.score_thr, self.batch_size = score_thr, batch_size
        cfg: Any = model.cfg
        steps = test_dataset(cfg).get('pipeline') or ()
        self.takes_boxes = any(str(step['type']).rpartition('.')[2] in BOX_STEPS for step in steps)
        self.box_scale = (cfg.get('contract') or {}).get('detected_box_scale')

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces of an image (H, W, 3) uint8 BGR, best first.

        Raises:
            UserError: the first model does not detect, or the array is no such image.
        """
        boxes, scores = self._detect(image)
        grown = boxes if self.detector is None or self.box_scale is None else grow_boxes(boxes, self.box_scale)
        if self.takes_boxes:
            samples = inference(self.model, [image] * len(boxes), self.batch_size, list(grown))
            return [Face(*face) for face in zip(boxes, scores.tolist(), samples)]
        regions = [_region(box, image.shape[:2]) for box in grown]
        parts = [np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in regions]
        samples = inference(self.model, parts, self.batch_size)
        return [Face(*face) for face in zip(boxes, scores.tolist(), samples, regions)]

    def _detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (N, 4) and scores (N,)."""
        height, width = image.shape[:2]
        if self.detector is None:
            return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
        (sample,) = inference(self.detector, [image])
        if 'pred_instances' not in sample or 'scores' not in sample.pred_instances:
            raise UserError(f'{type(self.detector).__name__} does not detect faces: it cannot come first')
        found = select_predictions(sample, self.score_thr)
        boxes = found['bboxes'].astype(np.float32)
        corners = np.clip(boxes, 0, [width, height, width, height])
        usable = ((corners[:, 2:] - corners[:, :2]) >= _MIN_SIDE).all(1)
        return boxes[usable], found['scores'][usable]


def grow_boxes(boxes: np.ndarray, scale: float) -> np.ndarray:
    """Return boxes (N, 4) xyxy of whole pixels, the last ones included, grown by ``scale`` about their centres.

    Source: hysts/anime-face-detector, anime_face_detector/detector.py.
    """
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2] + 1) * scale / 2
    return np.concatenate([centre - half, centre + half], 1).astype(boxes.dtype)


def _region(box: np.ndarray, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the whole pixels that a box covers, inside an image (h, w)."""
    height, width = shape
    x1, y1 = (int(np.floor(max(0.0, value))) for value in box[:2])
    x2, y2 = int(np.ceil(min(width, box[2]))), int(np.ceil(min(height, box[3])))
    return x1, y1, x2, y2
