"""What a model predicts on a picture, drawn and in plain values: one entry for every kind of prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from faceresearch.visualization.draw import draw_faces
from faceresearch.visualization.masks import draw_mask
from faceresearch.visualization.samples import select_predictions


@dataclass
class Drawn:
    """A picture with what was predicted on it.

    Attributes:
        picture: (H, W, 3) uint8 BGR.
        values: what was predicted, as JSON holds it.
        masks: images (H, W) uint8 that belong to the picture, by name: class ids.
    """

    picture: np.ndarray
    values: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What drawing depends on.

    Attributes:
        score_thr: predictions below this are left out.
        contract: the model's input contract: ``labels`` names its classes.
    """

    score_thr: float = 0.0
    contract: Mapping[str, Any] = field(default_factory=dict)


def draw_sample(image: np.ndarray, sample: BaseDataElement, options: Options) -> Drawn:
    """Draw all that a sample predicts on a copy of its image (H, W, 3) uint8 BGR.

    Raises:
        KeyError: nothing of what it predicts can be drawn.
    """
    known = [name for name in DRAWERS if name in sample]
    if not known:
        raise KeyError(', '.join(sample.keys()) or 'nothing')
    drawn = Drawn(image)
    for name in known:
        DRAWERS[name](drawn, sample, options)
    return drawn


def _faces(drawn: Drawn, sample: BaseDataElement, options: Options) -> None:
    found = select_predictions(sample, options.score_thr)
    points = found.get('keypoints')
    scheme = options.contract.get('landmark_scheme')
    drawn.picture = draw_faces(drawn.picture, found['bboxes'], found['scores'], points, scheme=scheme)
    faces: list[dict[str, Any]] = []
    for i, (box, score) in enumerate(zip(found['bboxes'], found['scores'])):
        face: dict[str, Any] = {'box': rounded(box), 'score': round(float(score), 5)}
        if points is not None:
            face['points'] = [rounded(point) for point in points[i]]
            if 'keypoint_scores' in found:
                face['point_scores'] = [round(float(value), 5) for value in found['keypoint_scores'][i]]
        faces.append(face)
    drawn.values['faces'] = faces


def _parsing(drawn: Drawn, sample: BaseDataElement, options: Options) -> None:
    from faceresearch.datasets.parsing_metainfo import palette_of

    mask = sample.pred_sem_seg.sem_seg[0].cpu().numpy().astype(np.uint8)
    names: Sequence[str] = options.contract.get('labels') or [str(i) for i in range(int(mask.max()) + 1)]
    drawn.picture = draw_mask(drawn.picture, mask, palette_of(names))
    counts = np.bincount(mask.ravel(), minlength=len(names))
    drawn.values['classes'] = {name: round(float(count / mask.size), 5) for name, count in zip(names, counts) if count}
    drawn.masks['mask'] = mask


def _attributes(drawn: Drawn, sample: BaseDataElement, options: Options) -> None:
    from faceresearch.visualization.attributes import attribute_values, draw_attributes

    values = attribute_values(sample.pred_attributes, options.contract.get('labels') or {})
    drawn.picture = draw_attributes(drawn.picture, values)
    drawn.values['attributes'] = values


def rounded(values: np.ndarray) -> list[float | None]:
    """Return coordinates as JSON holds them, to a hundredth of a pixel; None for what is not finite."""
    # JSON has no NaN.
    return [round(float(value), 2) if np.isfinite(value) else None for value in values]


#: Field of a sample → what draws it, in this order, one over the other.
DRAWERS: dict[str, Callable[[Drawn, BaseDataElement, Options], None]] = {
    'pred_sem_seg': _parsing,
    'pred_instances': _faces,
    'pred_attributes': _attributes,
}
