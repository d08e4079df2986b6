"""From what a network's body gives to results in the original image, as nodes of a graph.

A tail names its results and adds the nodes that compute them. Detections are chosen as
:meth:`faceresearch.models.heads.dense.DenseFaceHead.detections` chooses them, one piece for all detectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from faceresearch.export.graph import Graph
from faceresearch.export.pixels import Geometry

#: Name of a result → ONNX element type by name and shape; a string is an axis of free length.
Results = dict[str, tuple[str, tuple[int | str, ...]]]


class Tail(Protocol):
    """Adds the nodes after a body."""

    def __call__(self, g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
        """Add nodes whose outputs have the names of the results.

        Args:
            g: the graph.
            body: shapes of the body's outputs by name.
            geometry: of the image.
        """
        ...


@dataclass(frozen=True)
class Detections:
    """Threshold, NMS and limits of a dense head; boxes and points in pixels of the original image, by falling score.

    Args:
        score_thr: detections must score above this.
        nms_iou: detections that overlap a better one by more than this are dropped.
        nms_offset: 1 measures boxes with x2 − x1 + 1 as width.
        nms_pre: only this many best detections before NMS, by their ranks if the body gives any; 0: all.
        max_per_img: only this many best ones after it; 0: all.
    """

    score_thr: float
    nms_iou: float
    nms_offset: int = 0
    nms_pre: int = 0
    max_per_img: int = 0

    @classmethod
    def of(cls, head: Any) -> Detections:
        """Take the settings of a dense head."""
        return cls(head.score_thr, head.nms_iou, head.nms_offset, head.nms_pre, head.max_per_img)

    def __call__(self, g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
        names = {name.removeprefix('anchor_'): name for name in body}
        flat = {key: g('Squeeze', name, [0]) for key, name in names.items()}
        above = g('Squeeze', g('NonZero', g('Greater', flat['scores'], float(self.score_thr))), [0])
        found = {key: g('Gather', value, above, axis=0) for key, value in flat.items()}
        if self.nms_pre:
            count = g('Min', g.size(found['scores'], 0), np.int64(self.nms_pre))
            _, best = g.several('TopK', 2, found.get('ranks', found['scores']), g('Unsqueeze', count, [0]), axis=0)
            found.pop('ranks', None)
            found = {key: g('Gather', value, best, axis=0) for key, value in found.items()}
        for key in ('boxes', 'keypoints'):
            if key in found:
                points = 2 if key == 'boxes' else int(body[names[key]][2])
                found[key] = _to_image(g, found[key], geometry, points)
        found['boxes'] = g('Reshape', found['boxes'], [0, 4])
        order = self._kept(g, found['boxes'], found['scores'])
        results: Results = {}
        for key, value in found.items():
            g.named(key, 'Gather', value, order, axis=0)
            shape = ('detections', 4) if key == 'boxes' else ('detections', *body[names[key]][2:])
            results[key] = ('float32', shape)
        return results

    def _kept(self, g: Graph, boxes: str, scores: str) -> str:
        """Return the indices (D,) of the detections that survive NMS, best first."""
        if self.nms_offset:
            boxes = g('Add', boxes, np.array([0, 0, self.nms_offset, self.nms_offset], np.float32))
        limit = [self.max_per_img or int(np.iinfo(np.int32).max)]
        chosen = g(
            'NonMaxSuppression', g('Unsqueeze', boxes, [0]), g('Unsqueeze', scores, [0, 1]), limit, float(self.nms_iou)
        )
        return g('Gather', chosen, np.int64(2), axis=1)


def _to_image(g: Graph, values: str, geometry: Geometry, count: int) -> str:
    """Turn boxes (D, 4), or points (D, K, 2), in pixels of the network's input into (D, ``count``, 2) of the image."""
    if geometry.scale is None:
        return values
    # 0 keeps the length, which may be 0.
    points = g('Reshape', values, [0, count, 2])
    if geometry.offset is not None:
        points = g('Sub', points, geometry.offset)
    return g('Div', points, geometry.scale)


@dataclass(frozen=True)
class ScoredBoxes:
    """A list of detections that the body has chosen itself: those above a score, in pixels of the image.

    Args:
        score_thr: rows that score above this are detections.
    """

    score_thr: float = 0.0

    def __call__(self, g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
        boxes, scores = body
        above = g('Squeeze', g('NonZero', g('Greater', scores, float(self.score_thr))), [0])
        g.named('boxes', 'Reshape', _to_image(g, g('Gather', boxes, above, axis=0), geometry, 2), [0, 4])
        g.named('scores', 'Gather', scores, above, axis=0)
        return {'boxes': ('float32', ('detections', 4)), 'scores': ('float32', ('detections',))}


def crop_points(g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
    """Bring points (N, K, 2) to pixels of the crop that was given; scores, if any, stay."""
    results: Results = {}
    for name, shape in body.items():
        key = name.removeprefix('crop_')
        if key == 'keypoints' and geometry.scale is not None:
            g.named(key, 'Div', name, geometry.scale)
        else:
            g.named(key, 'Identity', name)
        results[key] = ('float32', shape)
    return results


@dataclass(frozen=True)
class ClassMap:
    """Class ids (N, H, W) uint8 at the image's size, with one class also its probability.

    Args:
        labels_first: take the best class before resizing, by the nearest pixel; otherwise logits are resized.
    """

    labels_first: bool = False

    def __call__(self, g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
        ((logits, shape),) = body.items()
        logits = _cut(g, logits, geometry)
        binary = shape[1] == 1
        results: Results = {'classes': ('uint8', ('batch', 'height', 'width'))}
        if binary or not self.labels_first:
            logits = _resized(g, logits, geometry, 'linear')
        if binary:
            flat = g('Squeeze', logits, [1])
            g.named('classes', 'Cast', g('Greater', flat, 0.0), to=_UINT8)
            g.named('probabilities', 'Sigmoid', flat)
            results['probabilities'] = ('float32', ('batch', 'height', 'width'))
            return results
        classes = g('ArgMax', logits, axis=1, keepdims=1)
        if self.labels_first:
            classes = g.cast(_resized(g, g.cast(classes, np.float32), geometry, 'nearest'), np.int64)
        g.named('classes', 'Cast', g('Squeeze', classes, [1]), to=_UINT8)
        return results


#: onnx.TensorProto.UINT8
_UINT8 = 2


def _cut(g: Graph, values: str, geometry: Geometry) -> str:
    """Return the part of a map (N, C, h, w) that is image: padding is right, below, or on all sides."""
    if geometry.scale is None:
        return values
    rows, columns = geometry.inner
    first: list[Any] = [[0], [0]]
    if geometry.offset is not None:
        whole = g.cast(geometry.offset, np.int64)
        first = [g('Gather', whole, [axis], axis=0) for axis in (1, 0)]
    starts = g('Concat', *first, axis=0)
    ends = g('Add', starts, g('Concat', g('Unsqueeze', rows, [0]), g('Unsqueeze', columns, [0]), axis=0))
    return g('Slice', values, starts, ends, [2, 3])


def _resized(g: Graph, values: str, geometry: Geometry, mode: str) -> str:
    """Bring a map (N, C, h, w) to the image's size, as torch.nn.functional.interpolate does."""
    if geometry.scale is None:
        return values
    shape = g('Shape', values)
    outer = g('Slice', shape, [0], [2])
    sides = [g('Unsqueeze', side, [0]) for side in (geometry.height, geometry.width)]
    sizes = g('Concat', outer, *sides, axis=0)
    place = 'half_pixel' if mode == 'linear' else 'asymmetric'
    rounding = {} if mode == 'linear' else {'nearest_mode': 'floor'}
    return g('Resize', values, '', '', sizes, mode=mode, coordinate_transformation_mode=place, **rounding)


def unchanged(g: Graph, body: Mapping[str, tuple[int | str, ...]], geometry: Geometry) -> Results:
    """Add nothing: the body's outputs are the results."""
    return {name: ('', shape) for name, shape in body.items()}
