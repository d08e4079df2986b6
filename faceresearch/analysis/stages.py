"""A model of single faces behind a detector: what it is shown of each face, and what it says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from faceresearch.analysis.face import Face, Region
from faceresearch.apis.model import Predictor
from faceresearch.config.contract import fixed_size, input_contract
from faceresearch.datasets.attribute_labels import same_class
from faceresearch.datasets.landmark_metainfo import landmark_scheme
from faceresearch.errors import UserError
from faceresearch.models.recognizers import FaceRecognizer
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.aligned_face import AlignFace
from faceresearch.transforms.alignment import face_template, similarity_transform
from faceresearch.visualization.attributes import attribute_values
from faceresearch.visualization.samples import instances_to_numpy

#: Steps of a test pipeline that crop the image to ``results['bbox']`` themselves, by the model's own rule.
BOX_STEPS = ('GetBBoxCenterScale', 'CropFace', 'CropFaceScales')
View = Literal['aligned', 'box', 'part']


class FaceStage:
    """A model that looks at one face at a time, many of them together.

    What it is shown depends on the model:

    - ``aligned``: a recogniser whose ``contract.alignment`` is ``arcface <height>x<width>`` gets the crop in which the five
      points lie on the template;
    - ``box``: a test pipeline that crops faces by itself (``BOX_STEPS``) gets the image and the box;
    - ``part``: any other model is shown the part of the image that the box covers.

    Boxes are first grown about their centre by ``contract.detected_box_scale``, 1 where it is silent:
    hysts/anime-face-detector's rule, (size + 1) · scale. Where there was no detector, the whole image is the face: it is not
    grown, and for a recogniser it is an aligned crop already.

    Args:
        name: how messages and notes call the model; by default as its config.
        model: from :func:`faceresearch.apis.init_model`.
        batch_size: faces that are computed together.

    Raises:
        UserError: the model is a recogniser, and its contract asks for an alignment that is not known.
    """

    def __init__(self, name: str | None, model: nn.Module, batch_size: int = 16) -> None:
        from faceresearch.compat.pipelines import test_dataset

        cfg: Any = model.cfg
        self.config = Path(cfg.filename or type(model).__name__).stem
        self.name, self.model = name or self.config, model
        self.contract = input_contract(cfg)
        self.box_scale = self.contract.get('detected_box_scale')
        self.size = fixed_size(self.contract)
        self.batch_size = batch_size
        if isinstance(model, FaceRecognizer):
            self.view: View = _recogniser_view(self.name, self.contract)
        else:
            crops = any(_crops(step) for step in test_dataset(cfg).get('pipeline') or ())
            self.view = 'box' if crops else 'part'
            self.predict = Predictor(model, batch_size)

    @property
    def gives_landmarks(self) -> bool:
        """Whether the model finds landmarks."""
        return 'landmark_scheme' in self.contract

    def __call__(self, images: Sequence[np.ndarray], faces: Sequence[Face], detected: bool = True) -> None:
        """Write into each face what the model says of it.

        Args:
            images: (H, W, 3) uint8 BGR, one for each face: the whole image.
            faces: of these images.
            detected: the faces are a detector's; otherwise each is its whole image.

        Raises:
            UserError: a face has no points to align it by, or another model said the same of it already.
        """
        if isinstance(self.model, FaceRecognizer):
            self._embed(self._crops(images, faces, detected))
            return
        boxes = self._boxes(faces, detected)
        regions: Sequence[Region | None] = [None] * len(faces)
        if self.view == 'box':
            samples = self.predict(images, boxes)
        else:
            parts = [_region(box, image.shape) for box, image in zip(boxes, images, strict=True)]
            samples = self.predict([_cut(image, part) for image, part in zip(images, parts, strict=True)])
            regions = parts
        for face, sample, region in zip(faces, samples, regions, strict=True):
            self._write(face, sample, region)

    def _crops(
        self, images: Sequence[np.ndarray], faces: Sequence[Face], detected: bool
    ) -> list[tuple[Face, np.ndarray]]:
        """Return what a recogniser sees of each face; faces that cannot be aligned get a note in its place."""
        assert self.size is not None
        if self.view != 'aligned':
            boxes = self._boxes(faces, detected)
            parts = (_cut(image, _region(box, image.shape)) for image, box in zip(images, boxes, strict=True))
            return [(face, cv2.resize(part, self.size[::-1])) for face, part in zip(faces, parts, strict=True)]
        if not detected:
            align = AlignFace(self.size)
            return [(face, align.transform({'img': image})['img']) for face, image in zip(faces, images, strict=True)]
        crops = []
        for face, image, matrix in zip(faces, images, self._matrices(faces), strict=True):
            if matrix is not None:
                crops.append((face, cv2.warpAffine(image, matrix, self.size[::-1], flags=cv2.INTER_LINEAR)))
        return crops

    def _matrices(self, faces: Sequence[Face]) -> Sequence[np.ndarray | None]:
        """Return the map (2, 3) of each face to the template, None for those whose points are no face."""
        assert self.size is not None
        if not faces:
            return []
        template, points = face_template(self.size), [self._five_points(face) for face in faces]
        try:
            return list(similarity_transform(np.stack(points), template))
        except UserError:
            pass
        matrices: list[np.ndarray | None] = []
        for face, each in zip(faces, points, strict=True):
            try:
                matrices.append(similarity_transform(each, template))
            except UserError as error:
                face.notes[self.name] = str(error)
                matrices.append(None)
        return matrices

    def _embed(self, crops: Sequence[tuple[Face, np.ndarray]]) -> None:
        """Write the embeddings of crops that have the recogniser's size."""
        model: Any = self.model
        for start in range(0, len(crops), self.batch_size):
            batch = crops[start : start + self.batch_size]
            pixels = np.ascontiguousarray(np.stack([crop for _, crop in batch]).transpose(0, 3, 1, 2))
            with torch.no_grad():
                samples = [FaceDataSample() for _ in batch]
                samples = model.test_step({'inputs': torch.from_numpy(pixels), 'data_samples': samples})
            for (face, _), sample in zip(batch, samples, strict=True):
                self._write(face, sample, None)

    def _boxes(self, faces: Sequence[Face], detected: bool) -> list[np.ndarray]:
        if not faces or not detected or self.box_scale is None:
            return [face.box for face in faces]
        return list(grow_boxes(np.stack([face.box for face in faces]), self.box_scale))

    def _five_points(self, face: Face) -> np.ndarray:
        if face.points is not None:
            return face.points
        if face.landmarks is not None and face.landmark_scheme is not None:
            return landmark_scheme(face.landmark_scheme).five_points(face.landmarks)
        raise UserError(
            f'{self.name} needs faces aligned by five points, and the detector finds boxes only: use a detector with key'
            ' points (retinaface, scrfd_…_kps, yolov5_face, yolov8_face), or add a landmark model'
        )

    def _write(self, face: Face, sample: BaseDataElement, region: Region | None) -> None:
        known = False
        for field, write in _WRITERS.items():
            if field in sample:
                write(self, face, sample, region)
                known = True
        if not known:
            has = ', '.join(sample.keys()) or 'nothing'
            raise UserError(f'{self.name} predicts {has}: that says nothing of a face')

    def claim(self, face: Face, field: str) -> None:
        """Refuse to write a field that another model has written."""
        if getattr(face, field) is not None:
            raise UserError(f'{self.name}: another model gives {field} of a face already; leave one of them out')


def grow_boxes(boxes: np.ndarray, scale: float) -> np.ndarray:
    """Return boxes (N, 4) xyxy of whole pixels, the last ones included, grown by ``scale`` about their centres.

    Source: hysts/anime-face-detector, anime_face_detector/detector.py.
    """
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2] + 1) * scale / 2
    return np.concatenate([centre - half, centre + half], 1).astype(boxes.dtype)


def _crops(step: Any) -> bool:
    """Return whether a step of a pipeline crops to the box."""
    name = str(step['type']).rpartition('.')[2]
    if name == 'CropFaceScales':
        # None is the whole of what it is given.
        return any(scale is not None for scale in step.get('scales', (1.0,)))
    return name in BOX_STEPS


def _recogniser_view(name: str, contract: dict[str, Any]) -> View:
    alignment, size = str(contract.get('alignment') or ''), fixed_size(contract)
    if size is None:
        raise UserError(f'{name}: contract.size is not (height, width): faces cannot be cut to the size it wants')
    if alignment.startswith('box'):
        return 'part'
    wanted = re.fullmatch(r'arcface (\d+)x(\d+)', alignment)
    if not wanted or (int(wanted[1]), int(wanted[2])) != size:
        raise UserError(
            f'{name}: contract.alignment is {alignment or None!r} with a size of {size[0]}x{size[1]}; faces can be aligned'
            f" for 'arcface {size[0]}x{size[1]}', or cut out for 'box, not warped'"
        )
    face_template(size)
    return 'aligned'


def _cut(image: np.ndarray, region: Region) -> np.ndarray:
    """Return a part of an image, contiguous."""
    x1, y1, x2, y2 = region
    return np.ascontiguousarray(image[y1:y2, x1:x2])


def _region(box: np.ndarray, shape: tuple[int, ...]) -> Region:
    """Return the whole pixels that a box covers, inside an image (h, w, …)."""
    height, width = shape[:2]
    x1, y1 = (int(np.floor(max(0.0, value))) for value in box[:2])
    x2, y2 = int(np.ceil(min(width, box[2]))), int(np.ceil(min(height, box[3])))
    return x1, y1, x2, y2


def _embedding(stage: FaceStage, face: Face, sample: Any, region: Region | None) -> None:
    stage.claim(face, 'embedding')
    face.embedding = sample.pred_embedding.float().cpu().numpy()


def _landmarks(stage: FaceStage, face: Face, sample: Any, region: Region | None) -> None:
    found = instances_to_numpy(sample.pred_instances)
    if 'keypoints' not in found:
        raise UserError(f'{stage.name} predicts boxes: a detector comes first, and only one of them')
    if not len(found['keypoints']):
        face.notes[stage.name] = 'found no landmarks'
        return
    stage.claim(face, 'landmarks')
    best = int(np.argmax(found['scores']))
    points = found['keypoints'][best].astype(np.float32)
    face.landmarks = points if region is None else points + np.array(region[:2], np.float32)
    # Regressed coordinates have no score of their own, and all ones in its place.
    if 'keypoint_scores' in found and (found['keypoint_scores'][best] != 1).any():
        face.landmark_scores = np.asarray(found['keypoint_scores'][best], np.float32)
    face.landmark_scheme = stage.contract.get('landmark_scheme')


def _mask(stage: FaceStage, face: Face, sample: Any, region: Region | None) -> None:
    stage.claim(face, 'mask')
    face.mask = sample.pred_sem_seg.sem_seg[0].cpu().numpy().astype(np.uint8)
    height, width = face.mask.shape
    face.mask_region = region or (0, 0, width, height)
    labels = stage.contract.get('labels') or ()
    face.mask_labels = tuple(labels) if isinstance(labels, list | tuple) else ()


def _attributes(stage: FaceStage, face: Face, sample: Any, region: Region | None) -> None:
    labels = stage.contract.get('labels')
    labels = labels if isinstance(labels, dict) else {}
    predicted = sample.pred_attributes
    values = attribute_values(predicted, labels)
    twice = [name for name in values if name in face.attributes]
    if twice:
        raise UserError(f'{stage.name}: another model gives {twice[0]} of a face already; leave one of them out')
    face.attributes |= values
    if isinstance(values.get('yaw'), float) and isinstance(values.get('pitch'), float):
        face.gaze = (values['yaw'], values['pitch'])
    names = [same_class(name) for name in labels.get('spoof', ())]
    if 'spoof' in values and 'real' in names:
        scores = predicted.get('spoof_scores')
        face.liveness = round(float(scores[names.index('real')]), 5)
        face.live = int(predicted.get('spoof')) == names.index('real')


_WRITERS = {
    'pred_embedding': _embedding,
    'pred_instances': _landmarks,
    'pred_sem_seg': _mask,
    'pred_attributes': _attributes,
}
