"""pycocotools in the place of xtcocotools, for mmpose.

xtcocotools is pycocotools with a wider ``COCOeval``: any number of keypoints with their own sigmas, data sets without
``area``, the body parts of COCO-WholeBody, and CrowdPose's summary. Its wheels are built against numpy 1. Here each of
these is put in terms of pycocotools' own keypoint evaluation: annotations are copied into the form that it expects.

Upstream: jin-s13/xtcocoapi#43. May go when xtcocotools publishes wheels for numpy 2.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO as _COCO
from pycocotools.cocoeval import COCOeval as _COCOeval

from faceresearch.errors import UserError

#: Annotation fields that hold the keypoints of an evaluation type, and the field of the detection's score.
_BODY = ('keypoints',)
_PARTS: dict[str, tuple[tuple[str, ...], str]] = {
    'keypoints': (_BODY, 'score'),
    'keypoints_crowd': (_BODY, 'score'),
    'keypoints_body': (_BODY, 'score'),
    'keypoints_foot': (('foot_kpts',), 'foot_score'),
    'keypoints_face': (('face_kpts',), 'face_score'),
    'keypoints_lefthand': (('lefthand_kpts',), 'lefthand_score'),
    'keypoints_righthand': (('righthand_kpts',), 'righthand_score'),
    'keypoints_wholebody': (
        ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts'),
        'wholebody_score',
    ),
}
#: Share of its bounding box that a person covers, used where annotations have no area.
_AREA_OF_BOX = 0.53
#: CrowdPose: images below the first crowd index are easy, from the second on hard (Li et al., CVPR 2019).
_CROWD_SPLITS = (0.2, 0.8)


class COCO(_COCO):
    """Annotations in COCO form; missing ``iscrowd`` flags count as 0.

    Args:
        annotation_file: a COCO json, or None for an empty set.
        test_index: keep these keypoints of every annotation, in this order.
    """

    def __init__(self, annotation_file: str | None = None, test_index: Sequence[int] | None = None) -> None:
        super().__init__(annotation_file)
        self.anno_file = [annotation_file]
        self.test_index = test_index
        for annotation in self.dataset.get('annotations', []):
            annotation.setdefault('iscrowd', 0)
            if test_index is not None:
                points = np.asarray(annotation['keypoints']).reshape(-1, 3)
                annotation['keypoints'] = points[list(test_index)].reshape(-1).tolist()


class COCOeval(_COCOeval):
    """COCO's average precision and recall for keypoints of any layout.

    Args:
        cocoGt: ground truth.
        cocoDt: detections, as ``cocoGt.loadRes`` gives them.
        iouType: ``segm``, ``bbox``, ``keypoints``, ``keypoints_crowd`` or ``keypoints_<part>`` of COCO-WholeBody.
        sigmas: (K,) spread of each keypoint, as a share of the object's scale; COCO's 17 if None.
        use_area: take the scale from the annotations' ``area``; otherwise from 0.53 times the area of their boxes.
    """

    evalImgs: Any
    eval: Any
    stats: Any

    def __init__(
        self,
        cocoGt: _COCO | None = None,
        cocoDt: _COCO | None = None,
        iouType: str = 'keypoints',
        sigmas: Sequence[float] | np.ndarray | None = None,
        use_area: bool = True,
    ) -> None:
        if iouType not in (*_PARTS, 'segm', 'bbox'):
            raise UserError(f'iou_type {iouType!r} is not one of {", ".join((*_PARTS, "segm", "bbox"))}')
        self.kind = iouType
        self.use_area = use_area
        super().__init__(cocoGt, cocoDt, 'keypoints' if iouType in _PARTS else iouType)
        if iouType in _PARTS and sigmas is not None:
            self.params.kpt_oks_sigmas = np.asarray(sigmas, dtype=np.float64)
        self.sigmas = getattr(self.params, 'kpt_oks_sigmas', None)

    def _prepare(self) -> None:
        if self.kind not in _PARTS:
            super()._prepare()
            return
        fields, score_field = _PARTS[self.kind]
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        self.evalImgs, self.eval = defaultdict(list), {}
        for annotation in self._wanted(self.cocoGt):
            key = annotation['image_id'], annotation['category_id']
            self._gts[key].append(self._truth(annotation, fields))
        for annotation in self._wanted(self.cocoDt):
            points = _joined(annotation, fields)
            if np.any(np.asarray(points[2::3]) > 0):  # a detection without a visible point is none
                key = annotation['image_id'], annotation['category_id']
                score = annotation.get(score_field, annotation['score'])
                self._dts[key].append({**annotation, 'keypoints': points, 'score': score})

    def _wanted(self, coco: _COCO) -> list[dict[str, Any]]:
        categories = self.params.catIds if self.params.useCats else []
        return coco.loadAnns(coco.getAnnIds(imgIds=self.params.imgIds, catIds=categories))

    def _truth(self, annotation: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        points = _joined(annotation, fields)
        visible = int(np.count_nonzero(np.asarray(points[2::3]) > 0))
        if not self.use_area:
            area = annotation['bbox'][2] * annotation['bbox'][3] * _AREA_OF_BOX
        elif 'area' in annotation:
            area = annotation['area']
        else:
            raise UserError(f'annotation {annotation["id"]} has no area: give it one, or set use_area=False')
        ignore = visible == 0 or bool(annotation.get('iscrowd', 0))
        return {**annotation, 'keypoints': points, 'num_keypoints': visible, 'area': area, 'ignore': ignore}

    def summarize(self) -> None:
        """Print and store ``stats``: COCO's ten figures, or CrowdPose's nine for ``keypoints_crowd``."""
        super().summarize()
        if self.kind == 'keypoints_crowd':
            precision_and_recall = [self.stats[i] for i in (0, 1, 2, 5, 6, 7)]
            self.stats = np.array([*precision_and_recall, *self._precision_by_crowding()])

    def _precision_by_crowding(self) -> list[float]:
        """Average precision on the easy, medium and hard images."""
        crowding = {image['id']: image['crowdIndex'] for image in self.cocoGt.dataset['images']}
        levels = np.digitize([crowding[image] for image in self.params.imgIds], _CROWD_SPLITS)
        figures = []
        for level in range(len(_CROWD_SPLITS) + 1):
            part = copy.copy(self)
            part.params = copy.deepcopy(self.params)
            part.params.imgIds = [image for image, own in zip(self.params.imgIds, levels) if own == level]
            part.evaluate()
            part.accumulate()
            precision = part.eval['precision'][:, :, :, 0, :]
            figures.append(float(precision[precision > -1].mean()) if (precision > -1).any() else -1.0)
        return figures


def _joined(annotation: dict[str, Any], fields: tuple[str, ...]) -> list[float]:
    return [value for field in fields for value in annotation[field]]
