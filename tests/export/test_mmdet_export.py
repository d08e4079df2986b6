"""mmdet's detectors exported: YOLOv3's maps, Faster R-CNN's detections."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import nms

from faceresearch.apis import init_model
from faceresearch.config import load_config
from faceresearch.export.forms import form_of
from faceresearch.export.openmmlab import FasterRCNNOutputs, YOLOv3Anchors
from faceresearch.export.parity import check, compare, open_session, synthetic_images
from faceresearch.export.trace import slim, trace

pytestmark = pytest.mark.slow


def with_statistics(config: str) -> nn.Module:
    """Random weights with which outputs depend on the image."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = init_model(load_config(config), 'none')
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        model.neck(model.backbone(synthetic_images(2, 192, 256, model.data_preprocessor)))
    return model.eval()


@torch.no_grad()
def spread(layer: nn.Module, outputs: Tensor, deviation: float) -> None:
    layer.weight.mul_(deviation / outputs.std())


@pytest.fixture(scope='module')
def faster_rcnn() -> nn.Module:
    """Scores far apart: which of two equal ones comes first is not defined."""
    model = with_statistics('faster_rcnn/faster_rcnn_r50_anime')
    network = FasterRCNNOutputs(model)
    image = synthetic_images(1, 192, 256, model.data_preprocessor)
    with torch.no_grad():
        features = model.neck(model.backbone(image))
        scores, deltas = (torch.cat([level.flatten() for level in kind]) for kind in model.rpn_head(features))
        spread(model.rpn_head.rpn_cls, scores, 1.5)
        spread(model.rpn_head.rpn_reg, deltas, 0.3)
        proposals = network._proposals(features, 192, 256)
        classes, moves = network.head(network._pooled(features, proposals))
        spread(network.head.fc_cls, classes, 1.5)
        spread(network.head.fc_reg, moves, 1.0)
    return model


def test_faster_rcnn_finds_what_mmdet_finds(faster_rcnn: nn.Module) -> None:
    from mmdet.structures import DetDataSample

    for height, width in ((192, 256), (320, 224)):
        image = synthetic_images(1, height, width, faster_rcnn.data_preprocessor)
        shape = {'img_shape': (height, width), 'ori_shape': (height, width), 'scale_factor': (1.0, 1.0)}
        sample = DetDataSample(metainfo={**shape, 'batch_input_shape': (height, width), 'pad_shape': (height, width)})
        with torch.no_grad():
            expected = faster_rcnn.predict(image, [sample])[0].pred_instances
            boxes, scores = FasterRCNNOutputs(faster_rcnn)(image)
        assert len(expected) == 100  # as many as there may be
        torch.testing.assert_close(scores, expected.scores, rtol=0, atol=1e-6)
        torch.testing.assert_close(boxes, expected.bboxes, rtol=0, atol=1e-3)


def test_faster_rcnn_file_equals_network(faster_rcnn: nn.Module) -> None:
    network = form_of(faster_rcnn)
    data = slim(trace(network, network.output_names)).SerializeToString()
    rows = compare(network, data, network.output_names, faster_rcnn.data_preprocessor, sizes=((224, 320), (320, 256)))
    check(rows)
    assert {row.input_shape for row in rows} == {(1, 3, 224, 320), (1, 3, 320, 256)}
    assert [i.shape for i in open_session(data).get_inputs()] == [[1, 3, 'height', 'width']]


def test_yolov3_anchors_are_those_that_mmdet_chooses_from() -> None:
    from mmdet.structures import DetDataSample

    model = with_statistics('yolov3/yolov3_d53_anime')
    # Fewer than there are, so that it matters by what the best are chosen.
    model.bbox_head.test_cfg.nms_pre = 200
    height, width = 192, 256
    image = synthetic_images(1, height, width, model.data_preprocessor)
    shape = {'img_shape': (height, width), 'ori_shape': (height, width), 'scale_factor': (0.5, 0.5)}
    sample = DetDataSample(metainfo={**shape, 'batch_input_shape': (height, width), 'pad_shape': (height, width)})
    with torch.no_grad():
        expected = model.predict(image, [sample])[0].pred_instances
        found = chosen(YOLOv3Anchors(model), model.bbox_head.test_cfg, image)
    assert len(expected) == len(found[1]) > 20
    torch.testing.assert_close(found[1], expected.scores, rtol=0, atol=1e-6)
    torch.testing.assert_close(found[0], expected.bboxes, rtol=0, atol=1e-3)


def chosen(network: nn.Module, settings: Any, image: Tensor) -> tuple[Tensor, Tensor]:
    boxes, scores, ranks = (output[0] for output in network(image))
    first = torch.where(scores > 0, ranks, -1.0).topk(settings.nms_pre).indices
    boxes, scores = boxes[first] / 0.5, scores[first]
    order = nms(boxes, scores, settings.nms.iou_threshold)[: settings.max_per_img]
    return boxes[order], scores[order]


def test_yolov3_file_equals_network_at_three_sizes_and_batches_of_one_and_four() -> None:
    model = with_statistics('yolov3/yolov3_d53_anime')
    network = form_of(model)
    data = slim(trace(network, network.output_names)).SerializeToString()
    rows = compare(network, data, network.output_names, model.data_preprocessor)
    check(rows)
    assert len({row.input_shape for row in rows}) == 6
    # The network alone takes images that no preprocessor has padded.
    check(compare(network, data, network.output_names, None, sizes=((203, 317),), batches=(1,)))
