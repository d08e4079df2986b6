"""Proof that the parts of a file that goes from an image to results fit together.

The network in the middle is compared with torch on its own (:mod:`faceresearch.export.parity`). Here images go through the
whole file, and what the network saw and said is read off: its input must be what the test pipeline gives, and the results
what the model's own decoding makes of the network's outputs. So nothing hangs on whether a score lies just above or just
below a threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.export import tails
from faceresearch.export.end2end import IMAGE_NAME, EndToEnd
from faceresearch.export.parity import Comparison, open_session, synthetic_images
from faceresearch.export.trace import INPUT_NAME
from faceresearch.models.heads.nms import select_detections
from faceresearch.structures import FaceDataSample

if TYPE_CHECKING:
    import onnx

#: Sizes (h, w) of images that go through the whole file.
SIZES = ((97, 143), (480, 360), (333, 500))
#: Results are pixels or fractions: this is far below what matters, and above single precision for coordinates in thousands.
_LIMIT = 1e-3
#: Of the pixels' classes, this share may lie so near a border between two that rounding decides.
_CLASSES = 1e-3


def compare_joined(parts: EndToEnd, model: nn.Module, joined: onnx.ModelProto) -> list[Comparison]:
    """Compare a whole file with the model's own pipeline and decoding, part by part.

    Args:
        parts: of the model.
        model: with its config.
        joined: the file.

    Raises:
        UserError: an image does not go through.
    """
    session, body_names = _opened(parts, joined)
    results = [value.name for value in joined.graph.output]
    rows: list[Comparison] = []
    for height, width in SIZES:
        for image in (_image(height, width, parts.channels), np.zeros((height, width, parts.channels), np.uint8)):
            try:
                given = session.run([INPUT_NAME, *body_names, *results], {IMAGE_NAME: image[None]})
            except Exception as error:  # onnxruntime's exceptions share no base class.
                raise UserError(
                    f'an image of {height} x {width} does not go through: {str(error).splitlines()[0]}'
                ) from error
            seen, body = given[0], dict(zip(body_names, given[1:]))
            found = dict(zip(results, given[1 + len(body_names) :]))
            inputs, sample = prepared(parts, model, image)
            shape = (1, *image.shape)
            rows.append(_row('pixels', shape, inputs.numpy(), seen, 1e-6 * max(1.0, float(inputs.abs().max()))))
            for name, values in _expected(parts, model, body, sample, image.shape[:2]).items():
                rows.append(_compared(name, shape, values, found[name]))
    return rows


def prepared(parts: EndToEnd, model: nn.Module, image: np.ndarray) -> tuple[Tensor, FaceDataSample]:
    """Return what the network sees of an image (H, W, C) uint8, as the model's own code makes it, (1, C, h, w)."""
    from faceresearch.apis.model import prepare

    if parts.sizing.rule == 'stretch' and parts.outputs != 'classes':
        height, width = parts.sizing.size
        sample = FaceDataSample(metainfo={'img_shape': (height, width), 'ori_shape': image.shape[:2]})
        packed: dict[str, Any] = {
            'inputs': torch.from_numpy(
                cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1).copy()
            ),
            'data_samples': sample,
        }
    else:
        packed = prepare(model, image)
    batch = model.data_preprocessor({key: [value] for key, value in packed.items()}, False)  # type: ignore[operator, union-attr]
    return batch['inputs'], batch['data_samples'][0]


def _opened(parts: EndToEnd, joined: onnx.ModelProto) -> tuple[Any, list[str]]:
    """Open a file with the network's input and outputs among its outputs."""
    import onnx

    taken = {value.name for value in joined.graph.output}
    names = [name for name in parts.body.output_names if name not in taken]  # type: ignore[union-attr]
    shown = onnx.ModelProto()
    shown.CopyFrom(joined)
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in (INPUT_NAME, *names))
    return open_session(shown.SerializeToString()), names


def _expected(
    parts: EndToEnd, model: Any, body: Mapping[str, np.ndarray], sample: FaceDataSample, size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return results by name, as the model's own decoding makes them of the network's outputs."""
    values = [torch.from_numpy(array) for array in body.values()]
    if parts.outputs == 'detections' and hasattr(model, 'head'):
        boxes, scores, *points = (value[0] for value in values)
        keep = scores > model.head.score_thr
        kept = [value[keep] for value in points]
        found = model.head.detections(
            boxes[keep], scores[keep], kept[0] if kept else None, sample, kept[1] if kept[1:] else None
        )
        fields = {'boxes': 'bboxes', 'scores': 'scores', 'keypoints': 'keypoints', 'keypoint_scores': 'keypoint_scores'}
        return {name: found[key].numpy() for name, key in fields.items() if key in found}
    if parts.outputs == 'classes':
        found = model._decoded(values[0][0], sample)
        result = {'classes': found.sem_seg.numpy()}
        return {**result, 'probabilities': found.prob.numpy()} if 'prob' in found else result
    if parts.outputs == 'keypoints' and parts.sizing.rule == 'stretch':
        height, width = parts.sizing.size
        factor = np.array([width / size[1], height / size[0]], np.float32)
        return {'keypoints': body[next(iter(body))] / factor}
    if isinstance(parts.tail, tails.Detections):
        return _ranked(parts.tail, [value[0] for value in values], sample)
    if parts.outputs == 'detections':
        factor = np.array(sample.metainfo['scale_factor'], np.float32)
        rows, chances = body.values()
        return {'boxes': rows[chances > 0] / np.tile(factor, 2), 'scores': chances[chances > 0]}
    return {}


def _ranked(tail: tails.Detections, values: list[Tensor], sample: FaceDataSample) -> dict[str, np.ndarray]:
    """Choose among boxes (P, 4) with scores and ranks (P,) as mmdet does."""
    keep = values[1] > tail.score_thr
    boxes, scores, ranks = (value[keep] for value in values)
    first = ranks.argsort(descending=True, stable=True)[: tail.nms_pre]
    boxes, scores = boxes[first] / boxes.new_tensor(sample.metainfo['scale_factor']).repeat(2), scores[first]
    order = select_detections(boxes, scores, tail.nms_iou, limit=tail.max_per_img)
    return {'boxes': boxes[order].numpy(), 'scores': scores[order].numpy()}


def _compared(name: str, shape: tuple[int, ...], ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    if name == 'classes' and ours.shape == theirs.shape:
        # A share of pixels stands for a distance.
        differing = np.array([(ours != theirs).mean()])
        return _row(name, shape, differing * 0, differing, _CLASSES)
    return _row(name, shape, ours, theirs, _LIMIT)


def _row(name: str, shape: tuple[int, ...], ours: np.ndarray, theirs: np.ndarray, limit: float) -> Comparison:
    same = ours.shape == theirs.shape
    return Comparison(
        output=name,
        input_shape=shape,
        shape=ours.shape,
        max_abs=_largest(ours, theirs) if same else float('inf'),
        rounding=0.0,
        max_value=float(np.abs(ours).max(initial=0)),
        variation=float('inf'),
        limit=limit,
    )


def _largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference; two equal infinities, as random weights may give, do not differ."""
    with np.errstate(invalid='ignore'):
        differences = np.where(ours == theirs, 0.0, np.abs(ours.astype(np.float64) - theirs))
    return float(differences.max(initial=0.0))


def _image(height: int, width: int, channels: int) -> np.ndarray:
    pixels = synthetic_images(1, height, width, None, channels)[0] * 255
    return np.ascontiguousarray(pixels.round().byte().numpy().transpose(1, 2, 0))
