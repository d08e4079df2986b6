"""The nodes before and after a network do what test pipelines, heads and parsers do."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.errors import UserError
from faceresearch.export.graph import Graph
from faceresearch.export.parity import open_session
from faceresearch.export.pixels import Geometry, Normalisation, Sizing, add_pixels, sizing_of
from faceresearch.export.tails import ClassMap, Detections
from faceresearch.models.data_preprocessors import FaceDataPreprocessor
from faceresearch.models.heads.dense import DenseFaceHead
from faceresearch.models.parsers import FaceParser
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.resize import ResizeForTest


def session_of(graphs: list[Graph], inputs: dict[str, tuple[int, list]], outputs: list[str]) -> Any:
    """Open a model of some graphs; inputs by name have an ONNX element type and a shape."""
    nodes = [node for graph in graphs for node in graph.nodes]
    constants = [constant for graph in graphs for constant in graph.initializers.values()]
    made = onnx.helper.make_graph(
        nodes,
        'test',
        [onnx.helper.make_tensor_value_info(name, *entry) for name, entry in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        constants,
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid('', 18)], ir_version=10)
    return open_session(model.SerializeToString())


def pixel_session(sizing: Sizing, normalisation: Normalisation, channels: int = 3) -> Any:
    graph = Graph('p.')
    value, _ = add_pixels(graph, 'image', sizing, normalisation, channels)
    graph.named('seen', 'Identity', value)
    return session_of([graph], {'image': (onnx.TensorProto.UINT8, ['n', 'h', 'w', channels])}, ['seen'])


SIZES = [(683, 1024), (1024, 683), (200, 300), (37, 29), (1, 5), (640, 640), (500, 333), (9, 640)]
RULES = [
    {'rule': 'letterbox', 'size': 320},
    {'rule': 'letterbox', 'size': 640, 'pad_value': 114, 'centred': True, 'rectangle': 32},
    {'rule': 'letterbox', 'size': 96, 'pad_value': 127, 'centred': True},
    {'rule': 'short_side', 'short': 320, 'long': 430},
    {'rule': 'stretch', 'size': 112},
    {'rule': 'original'},
]


@pytest.mark.parametrize('rule', RULES, ids=lambda rule: f'{rule["rule"]}_{rule.get("size", "")}')
def test_network_sees_the_pixels_of_the_test_pipeline(rule: dict) -> None:
    """Bit for bit: a score near its threshold would tell a difference of one grey level."""
    preprocessor = FaceDataPreprocessor((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), True, 32, 0.5)
    session = pixel_session(sizing_of([dict(type='ResizeForTest', **rule)], None), Normalisation.of(preprocessor))
    rng = np.random.default_rng(0)
    for height, width in SIZES:
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        results = ResizeForTest(**rule).transform({'img': image, 'img_shape': image.shape[:2]})
        tensor = torch.from_numpy(results['img'].transpose(2, 0, 1).copy())
        expected = preprocessor({'inputs': [tensor], 'data_samples': None})['inputs']
        (seen,) = session.run(None, {'image': image[None]})
        np.testing.assert_array_equal(seen, expected.numpy(), err_msg=f'{height} x {width}')


def test_crops_of_six_channels_are_stretched_each_for_itself() -> None:
    sizing = sizing_of([{'type': 'LoadImage'}, {'type': 'CropFaceScales', 'scales': [2.7, 4.0], 'size': 80}], (80, 80))
    session = pixel_session(sizing, Normalisation(), channels=6)
    images = np.random.default_rng(0).integers(0, 256, (2, 61, 97, 6), dtype=np.uint8)
    (seen,) = session.run(None, {'image': images})
    for image, found in zip(images, seen, strict=True):
        expected = np.concatenate([cv2.resize(image[..., i : i + 3], (80, 80)) for i in (0, 3)], 2)
        np.testing.assert_array_equal(found, expected.transpose(2, 0, 1))


def test_a_step_without_nodes_is_named() -> None:
    with pytest.raises(UserError, match='no nodes for the step RandomFlip of the test pipeline'):
        sizing_of([{'type': 'LoadImage'}, {'type': 'mmdet.RandomFlip'}], None)


class Head(DenseFaceHead):
    def rows(self, *args: Any) -> Any: ...

    def boxes_of(self, *args: Any) -> Any: ...


@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'nms_offset': 1, 'score_thr': 0.5},
        {'nms_pre': 40, 'max_per_img': 7},
        {'score_thr': 0.999},
    ],
)
@pytest.mark.parametrize('placed', [True, False])
def test_detections_are_chosen_as_the_head_chooses_them(settings: dict, placed: bool) -> None:
    head = Head(**{'score_thr': 0.3, 'nms_iou': 0.4, **settings})
    graph = Graph('t.')
    body: dict[str, tuple] = {
        'anchor_boxes': (1, 'p', 4),
        'anchor_scores': (1, 'p'),
        'anchor_keypoints': (1, 'p', 5, 2),
        'anchor_keypoint_scores': (1, 'p', 5),
    }
    geometry = Geometry('', '', 'scale', 'offset') if placed else Geometry('', '')
    names = list(Detections.of(head)(graph, body, geometry))
    inputs = {name: (onnx.TensorProto.FLOAT, list(shape)) for name, shape in body.items()}
    if placed:
        inputs |= {name: (onnx.TensorProto.FLOAT, [2]) for name in ('scale', 'offset')}
    session = session_of([graph], inputs, names)
    metainfo = {'scale_factor': (0.625, 0.6243), 'pad_offset': (3.0, 16.0)} if placed else {}
    for count, seed in ((300, 0), (1, 1), (0, 2)):
        rng = np.random.default_rng(seed)
        corner, side = rng.uniform(0, 200, (count, 2)), rng.uniform(-2, 80, (count, 2))
        # Rounded: many scores are equal, and the first of them comes first.
        scores = rng.uniform(0, 1, count).round(2).astype(np.float32)
        values = {
            'anchor_boxes': np.concatenate([corner, corner + side], 1),
            'anchor_scores': scores,
            'anchor_keypoints': rng.uniform(0, 200, (count, 5, 2)),
            'anchor_keypoint_scores': rng.uniform(0, 1, (count, 5)),
        }
        values = {name: value.astype(np.float32)[None] for name, value in values.items()}
        keep = scores > head.score_thr
        boxes, kept, points, visible = (torch.from_numpy(value[0, keep]) for value in values.values())
        expected = head.detections(boxes, kept, points, FaceDataSample(metainfo=metainfo), visible)
        if placed:
            values |= {
                'scale': np.array(metainfo['scale_factor'], np.float32),
                'offset': np.array(metainfo['pad_offset'], np.float32),
            }
        found = dict(zip(names, session.run(names, values)))
        assert_same(expected, found)
        assert seed or 'score_thr' in settings or len(expected) > 5


def assert_same(expected: InstanceData, found: dict[str, np.ndarray]) -> None:
    for ours, theirs in (
        ('bboxes', 'boxes'),
        ('scores', 'scores'),
        ('keypoints', 'keypoints'),
        ('keypoint_scores', 'keypoint_scores'),
    ):
        assert found[theirs].shape == tuple(expected[ours].shape)
        np.testing.assert_allclose(found[theirs], expected[ours].numpy(), rtol=1e-6)


@pytest.mark.parametrize(('classes', 'labels_first'), [(5, False), (5, True), (1, False)])
def test_classes_are_brought_to_the_images_size_as_the_parser_does(classes: int, labels_first: bool) -> None:
    graph = Graph('t.')
    names = list(
        ClassMap(labels_first)(
            graph, {'logits': (1, classes, 'h', 'w')}, Geometry('height', 'width', 'scale', None, ('rows', 'columns'))
        )
    )
    integers = {name: (onnx.TensorProto.INT64, []) for name in ('height', 'width', 'rows', 'columns')}
    inputs = {'logits': (onnx.TensorProto.FLOAT, [1, classes, 'h', 'w']), **integers}
    session = session_of([graph], inputs, names)
    rng = np.random.default_rng(0)
    for height, width in ((150, 90), (31, 47), (64, 64)):
        logits = cv2.resize(rng.normal(size=(9, 9, classes)).astype(np.float32), (64, 64)).reshape(64, 64, classes)
        logits = np.ascontiguousarray(logits.transpose(2, 0, 1))
        parser = FaceParser.__new__(FaceParser)
        torch.nn.Module.__init__(parser)
        parser.resize = 'labels' if labels_first else 'logits'
        sample = FaceDataSample(metainfo={'ori_shape': (height, width), 'scale_factor': (64 / width, 64 / height)})
        expected = parser._decoded(torch.from_numpy(logits), sample)
        sides = {'height': height, 'width': width, 'rows': 64, 'columns': 64}
        found = session.run(names, {'logits': logits[None], **{key: np.array(side) for key, side in sides.items()}})
        assert found[0].shape == (1, height, width) and found[0].dtype == np.uint8
        # Where two classes are equal to the last digit, rounding decides.
        assert (found[0] != expected.sem_seg.numpy()).mean() < 1e-3
        if classes == 1:
            np.testing.assert_allclose(found[1], expected.prob.numpy(), atol=1e-5)
