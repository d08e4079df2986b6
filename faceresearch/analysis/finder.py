"""Where the faces of images are: a detector's boxes and points, or whole images."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from torch import nn

from faceresearch.analysis.face import Face
from faceresearch.apis.model import Predictor
from faceresearch.errors import UserError
from faceresearch.visualization.samples import select_predictions

#: Boxes whose part inside the image has a shorter side than this, in pixels, are no faces.
MIN_SIDE = 2.0
#: Pixels of images that a detector sees at once: larger batches take memory and save no time.
_BATCH_PIXELS = 4 * 2**20


class FaceFinder:
    """A detector that finds the faces of images of any sizes.

    Args:
        detector: from :func:`faceresearch.apis.init_model`; None takes each image as its only face.
        score_thr: detections below this are left out.
        pads: black borders to try one after the other until a face is found, as fractions of the longer side. Faces that
            fill a tight crop need one.
        max_faces: keep only this many of the largest faces; 0 keeps all.

    Raises:
        UserError: a setting has no meaning, or the model is no detector.
    """

    def __init__(
        self,
        detector: nn.Module | None,
        score_thr: float = 0.5,
        pads: Sequence[float] = (0.0,),
        max_faces: int = 0,
    ) -> None:
        if not 0 <= score_thr <= 1 or not pads or not all(0 <= pad <= 4 for pad in pads) or max_faces < 0:
            raise UserError(
                f'score_thr={score_thr}, pads={list(pads)}, max_faces={max_faces}: a score is from 0 to 1, a border from'
                ' 0 to 4, a number of faces not negative'
            )
        self.detector = detector
        self.score_thr, self.pads, self.max_faces = score_thr, tuple(pads), max_faces
        self._predict = None if detector is None else Predictor(detector, batch_size=1024)

    def __call__(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each image (H, W, 3) uint8 BGR, best first.

        Raises:
            UserError: the model does not detect.
        """
        if self._predict is None:
            return [[Face(np.array([0, 0, *image.shape[1::-1]], np.float32))] for image in images]
        found: list[list[Face]] = [[] for _ in images]
        missing = list(range(len(images)))
        for pad in self.pads:
            for number, faces in zip(missing, self.detect([images[i] for i in missing], pad), strict=True):
                found[number] = faces
            missing = [number for number in missing if not found[number]]
            if not missing:
                break
        return found

    def detect(self, images: Sequence[np.ndarray], pad: float = 0.0) -> list[list[Face]]:
        """Return what the detector finds with one black border, a fraction of the longer side; see :meth:`__call__`."""
        assert self._predict is not None
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, image in enumerate(images):
            groups[image.shape].append(number)
        found: list[list[Face]] = [[] for _ in images]
        with threshold_of_head(self._predict.model, self.score_thr):
            for shape, members in groups.items():
                border = round(pad * max(shape[:2]))
                step = max(1, _BATCH_PIXELS // ((shape[0] + 2 * border) * (shape[1] + 2 * border)))
                for start in range(0, len(members), step):
                    batch = members[start : start + step]
                    samples = self._predict([_padded(images[number], border) for number in batch])
                    for number, sample in zip(batch, samples, strict=True):
                        found[number] = self._faces(sample, images[number], border)
        return found

    def _faces(self, sample: object, image: np.ndarray, border: int) -> list[Face]:
        if 'pred_instances' not in sample or 'scores' not in sample.pred_instances:  # type: ignore[operator,attr-defined]
            raise UserError(f'{type(self.detector).__name__} does not detect faces: it cannot come first')
        found = select_predictions(sample, self.score_thr)  # type: ignore[arg-type]
        boxes = found['bboxes'].astype(np.float32) - border
        height, width = image.shape[:2]
        corners = np.clip(boxes, 0, [width, height, width, height])
        usable = np.flatnonzero(((corners[:, 2:] - corners[:, :2]) >= MIN_SIDE).all(1))
        points = found.get('keypoints')
        if points is not None:
            points = points.astype(np.float32) - border if points.shape[1:] == (5, 2) else None
        faces = [
            Face(boxes[i], float(found['scores'][i]), points=None if points is None else points[i]) for i in usable
        ]
        if self.max_faces and len(faces) > self.max_faces:
            kept = sorted(range(len(faces)), key=lambda i: -faces[i].area)[: self.max_faces]
            faces = [faces[i] for i in sorted(kept)]
        return faces


@contextlib.contextmanager
def threshold_of_head(model: nn.Module, score_thr: float) -> Iterator[None]:
    """Let a head drop what will not be used before its NMS, where a barely trained model leaves tens of thousands.

    A detection is only ever suppressed by a better one, so those above the threshold stay the same.
    """
    head = getattr(model, 'head', None)
    # Box voting also weighs boxes that score less.
    if not hasattr(head, 'score_thr') or getattr(model, 'test_aug', None) is not None:
        yield
        return
    before = head.score_thr  # type: ignore[union-attr]
    # A little lower, because the head drops also what equals its threshold.
    head.score_thr = max(before, score_thr - 1e-6)  # type: ignore[union-attr]
    try:
        yield
    finally:
        head.score_thr = before  # type: ignore[union-attr]


def _padded(image: np.ndarray, border: int) -> np.ndarray:
    return cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_CONSTANT, value=0) if border else image
