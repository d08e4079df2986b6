"""One file from an image of bytes to results: pixels, network and decoding, joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn

from faceresearch.errors import UserError
from faceresearch.export import bodies, tails
from faceresearch.export.graph import Graph
from faceresearch.export.openmmlab import FasterRCNNOutputs, YOLOv3Anchors
from faceresearch.export.openmmlab_pose import Keypoints
from faceresearch.export.pixels import Normalisation, Sizing, add_pixels, preprocessor_of, sizing_of
from faceresearch.export.trace import INPUT_NAME

if TYPE_CHECKING:
    import onnx

#: Name of the input of such a file: (N, height, width, C) uint8, BGR.
IMAGE_NAME = 'image'


@dataclass(frozen=True)
class EndToEnd:
    """The parts of a model that goes from an image to results.

    Args:
        body: the network with what of its decoding torch can trace; takes normalised images.
        tail: adds what comes after.
        outputs: what the results are: ``detections``, ``keypoints``, ``embedding``, ``attributes`` or ``classes``.
        sizing: how an image is brought to the network's size.
        normalisation: what is done to its pixels.
        several: whether several images of one size may come at once.
        settings: of the model's test that became part of the graph, ready for JSON.
    """

    body: nn.Module
    tail: tails.Tail
    outputs: str
    sizing: Sizing
    normalisation: Normalisation
    several: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return int(getattr(self.body, 'input_channels', 3))


def end_to_end(model: nn.Module) -> EndToEnd:
    """Take a model apart for a file that goes from an image to results.

    Args:
        model: from :func:`faceresearch.apis.init_model`, whose config's test pipeline says how images are sized.

    Raises:
        UserError: there is no such form of this model, or its pipeline has a step without nodes.
    """
    from faceresearch.apis.model import test_steps
    from faceresearch.config.contract import fixed_size, input_contract

    name = f'{type(model).__module__.split(".")[0]}.{type(model).__name__}'
    make = _MAKERS.get(name) or next((_MAKERS[key] for key in _inherited(model) if key in _MAKERS), None)
    if make is None:
        raise UserError(
            f'--end2end is not there for {type(model).__name__} ({name.split(".")[0]}): it is for'
            f' {", ".join(sorted(_MAKERS))}; without it the raw outputs are exported'
        )
    if getattr(model, 'test_aug', None) is not None:
        raise UserError('--end2end: the graph looks at an image once; export with model.test_aug=null')
    body, tail, outputs, several = make(model)
    cfg: Any = model.cfg
    sizing = sizing_of(test_steps(cfg), fixed_size(input_contract(cfg)))
    settings = {**settings_of(model), 'sizing': asdict(sizing)}
    return EndToEnd(body.eval(), tail, outputs, sizing, preprocessor_of(model), several, settings)


def settings_of(model: nn.Module) -> dict[str, Any]:
    """Return the settings of a model's test that become part of a graph, other than the sizing; ready for JSON."""
    found = {name: getattr(model, name) for name in ('flip_test', 'resize', 'outputs') if hasattr(model, name)}
    if hasattr(getattr(model, 'head', None), 'nms_iou'):
        found |= asdict(tails.Detections.of(model.head))
    return found


def join(parts: EndToEnd, body: onnx.ModelProto) -> onnx.ModelProto:
    """Put the nodes for pixels before a traced body and its tail after it.

    Args:
        parts: of the model.
        body: what was traced, or what was made of it in another precision; its input is named ``input``.
    """
    import onnx

    before, after = Graph('pixels.'), Graph('result.')
    pixels, geometry = add_pixels(before, IMAGE_NAME, parts.sizing, parts.normalisation, parts.channels)
    before.named(INPUT_NAME, 'Identity', pixels)
    traced = {value.name: value for value in body.graph.output}
    results = parts.tail(after, {name: _shape(value) for name, value in traced.items()}, geometry)
    joined = onnx.ModelProto()
    joined.CopyFrom(body)
    graph = joined.graph
    own = list(graph.node)
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend([*before.nodes, *own, *after.nodes])
    constants = [*before.initializers.values(), *after.initializers.values()]
    graph.initializer.extend(constants)
    batch: int | str = 'batch' if parts.several else 1
    shape = (batch, 'height', 'width', parts.channels)
    graph.input.append(onnx.helper.make_tensor_value_info(IMAGE_NAME, onnx.TensorProto.UINT8, shape))
    for name, (dtype, axes) in results.items():
        if dtype:
            kind = onnx.helper.np_dtype_to_tensor_dtype(_dtype(dtype))
            graph.output.append(onnx.helper.make_tensor_value_info(name, kind, axes))
        else:
            graph.output.append(traced[name])
    return joined


def _dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)


def _shape(value: Any) -> tuple[int | str, ...]:
    return tuple(dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _inherited(model: nn.Module) -> Sequence[str]:
    return [f'{kind.__module__.split(".")[0]}.{kind.__name__}' for kind in type(model).__mro__]


Parts = tuple[nn.Module, tails.Tail, str, bool]


def _detector(model: Any) -> Parts:
    return bodies.DetectorBody(model), tails.Detections.of(model.head), 'detections', False


def _recognizer(model: Any) -> Parts:
    return bodies.EmbeddingBody(model), tails.unchanged, 'embedding', True


def _landmarker(model: Any) -> Parts:
    return bodies.LandmarkBody(model), tails.crop_points, 'keypoints', True


def _attributes(model: Any) -> Parts:
    return bodies.AttributeBody(model), tails.unchanged, 'attributes', True


def _parser(model: Any) -> Parts:
    return bodies.ParserBody(model), tails.ClassMap(model.resize == 'labels'), 'classes', True


def _yolov3(model: Any) -> Parts:
    settings = model.bbox_head.test_cfg
    # The body applies both thresholds; what is below has score 0.
    tail = tails.Detections(0.0, settings.nms.iou_threshold, 0, settings.nms_pre, settings.max_per_img)
    return YOLOv3Anchors(model), tail, 'detections', False


def _faster_rcnn(model: Any) -> Parts:
    return FasterRCNNOutputs(model), tails.ScoredBoxes(), 'detections', False


def _heatmaps(model: Any) -> Parts:
    return Keypoints(model), tails.crop_points, 'keypoints', True


#: Package and class of a model, or of one of its bases → its parts.
_MAKERS = {
    'faceresearch.SingleStageDetector': _detector,
    'faceresearch.FaceRecognizer': _recognizer,
    'faceresearch.CoordinateLandmarker': _landmarker,
    'faceresearch.AttributeModel': _attributes,
    'faceresearch.FusedAttributes': _attributes,
    'faceresearch.FaceParser': _parser,
    'mmdet.YOLOV3': _yolov3,
    'mmdet.FasterRCNN': _faster_rcnn,
    'mmpose.TopdownPoseEstimator': _heatmaps,
}
