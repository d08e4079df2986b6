"""YOLOv5-Face as a model: sizes, scores, faces without landmarks, learning, other backbones."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.codecs import AnchorGridCodec
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample

CONFIG: dict[str, Any] = {
    'type': 'SingleStageDetector',
    'data_preprocessor': {'type': 'FaceDataPreprocessor', 'std': (255, 255, 255), 'bgr_to_rgb': True},
    'backbone': {'type': 'YOLOv5FaceShuffleNet', 'width': 0.5},
    'neck': {'type': 'YOLOv5PAN', 'out_channels': (64, 64, 64)},
    'head': {
        'type': 'YOLOv5FaceHead',
        'codec': {'type': 'AnchorGridCodec'},
        'box_loss': {'type': 'IoULoss', 'kind': 'ciou', 'loss_weight': 0.05},
        'landmark_loss': {'type': 'WingLoss', 'loss_weight': 0.005},
    },
}
SIZE = (96, 128)


def build(**changes: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({**copy.deepcopy(CONFIG), **changes})


def face_sample(faces: int = 2, visible: bool = True, landmarks: bool = True) -> FaceDataSample:
    sample = FaceDataSample(metainfo={'img_shape': SIZE, 'ori_shape': SIZE, 'scale_factor': (1.0, 1.0)})
    boxes = torch.tensor([[8.0, 10, 40, 50], [70, 20, 90, 44]])[:faces]
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.zeros(faces).long())
    if landmarks:
        points = boxes[:, None, :2] + torch.tensor([[8.0, 8], [20, 8], [14, 14], [9, 20], [19, 20]])
        sample.gt_instances.keypoints = points
        sample.gt_instances.keypoints_visible = torch.full((faces, 5), visible)
    return sample


def images(count: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(1))


def test_as_many_predictions_as_published_networks_have() -> None:
    model = build().eval()
    with torch.no_grad():
        outputs = model(images(1, (640, 640)), mode='tensor')
    assert [tuple(o.shape) for o in outputs] == [
        (1, 25200, 16),
        (1, 3, 80, 80, 16),
        (1, 3, 40, 40, 16),
        (1, 3, 20, 20, 16),
    ]
    assert model.output_names == ('output', 'raw_8', 'raw_16', 'raw_32')


def test_any_size_will_do() -> None:
    with torch.no_grad():
        outputs = build().eval()(images(2, (61, 83)), mode='tensor')
    assert [tuple(o.shape[2:4]) for o in outputs[1:]] == [(8, 11), (4, 6), (2, 3)]


def test_an_untrained_network_sees_few_faces() -> None:
    with torch.no_grad():
        rows = build().eval()(images(1), mode='tensor')[0][0]
    torch.testing.assert_close(rows[:, 4].mean(), torch.tensor(0.01), atol=0.005, rtol=0)
    torch.testing.assert_close(rows[:, 15], torch.full((len(rows),), 0.98))


def test_detections_score_objectness_times_class_and_lie_in_the_original_image() -> None:
    model = build().eval()
    rows = torch.full((1, 3, 16), 0.0)
    rows[0, 0] = torch.tensor([50.0, 40, 20, 30, 0.9, *range(10), 0.5])
    rows[0, 1] = torch.tensor([100.0, 60, 10, 10, 0.3, *range(10), 0.5])
    rows[0, 2] = torch.tensor([10.0, 10, 10, 10, 0.03, *range(10), 0.5])  # 0.015 is below the threshold
    model.head.tensor = lambda features: (rows,)
    sample = FaceDataSample(metainfo={'img_shape': SIZE, 'scale_factor': (0.5, 0.5), 'pad_offset': (4, 10)})
    found = model(images(1), [sample], mode='predict')[0].pred_instances
    torch.testing.assert_close(found.scores, torch.tensor([0.45, 0.15]))
    torch.testing.assert_close(found.bboxes, torch.tensor([[72.0, 30, 112, 90], [182, 90, 202, 110]]))
    torch.testing.assert_close(found.keypoints[0, 1], torch.tensor([(2.0 - 4) * 2, (3.0 - 10) * 2]))


@pytest.mark.parametrize('sample', [face_sample(0), face_sample(0, landmarks=False)], ids=['points', 'boxes'])
def test_an_image_without_faces_trains(sample: FaceDataSample) -> None:
    model = build()
    losses = model(images(1), [sample], mode='loss')
    sum(losses.values()).backward()
    assert losses['loss_box'].item() == losses['loss_landmark'].item() == 0 < losses['loss_objectness'].item()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize('sample', [face_sample(visible=False), face_sample(landmarks=False)], ids=['hidden', 'none'])
def test_faces_without_landmarks_train_all_but_the_landmarks(sample: FaceDataSample) -> None:
    model, losses = build(), {}
    for name, one in (('without', sample), ('with', face_sample())):
        losses[name] = model.eval()(images(1), [one], mode='loss')
    assert losses['without']['loss_landmark'].item() == 0 < losses['with']['loss_landmark'].item()
    for name in ('loss_box', 'loss_objectness'):
        assert losses['without'][name].item() == losses['with'][name].item() > 0


def test_losses_grow_with_the_batch_as_the_published_learning_rate_expects() -> None:
    model = build().eval()
    one = model(images(1), [face_sample()], mode='loss')
    three = model(images(1).expand(3, -1, -1, -1), [face_sample()] * 3, mode='loss')
    for name, value in one.items():
        assert three[name].item() == pytest.approx(3 * value.item(), rel=1e-5)
    model.head.batch_scaled = False
    assert model(images(1), [face_sample()], mode='loss')['loss_box'].item() == pytest.approx(one['loss_box'].item())


def test_ignored_regions_do_not_count_as_background() -> None:
    model = build().eval()
    for conv in model.head.convs:
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    # Objectness 0.5 is expected to be 0 in half of the image: wherever it counts, the loss is ln 2.
    with torch.no_grad():
        for conv in model.head.convs:
            conv.bias[4::16] = 5.0
    everywhere = model(images(1), [face_sample(0)], mode='loss')['loss_objectness'].item()
    sample = face_sample(0)
    sample.ignored_instances = InstanceData(bboxes=torch.tensor([[0.0, 0, SIZE[1], SIZE[0]]]))
    assert everywhere > 1
    assert model(images(1), [sample], mode='loss')['loss_objectness'].item() == 0
    sample.gt_instances = face_sample().gt_instances
    assert model(images(1), [sample], mode='loss')['loss_objectness'].item() > 0


def test_of_two_faces_in_one_place_the_last_sets_the_objectness() -> None:
    from faceresearch.models.heads.yolov5_face_head import _spread

    index = (torch.tensor([0, 1, 0]), torch.tensor([2, 0, 2]))
    assert _spread(torch.tensor([0.5, 0.25, 0.75]), index, (2, 3)).tolist() == [[0, 0, 0.75], [0.25, 0, 0]]


def test_learns_one_image() -> None:
    model, sample = build(), face_sample()
    image = images(1)
    for left, top, right, bottom in sample.gt_instances.bboxes.long().tolist():
        image[:, :, top:bottom, left:right] = torch.tensor([0.9, 0.6, 0.4])[:, None, None]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(60):
        losses = model(image, [sample], mode='loss')
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    # In training mode: batch statistics of one image are not yet in the running ones.
    found = model(image, [face_sample()], mode='predict')[0].pred_instances[:2]
    order = found.bboxes[:, 0].argsort()
    assert (found.scores > 0.5).all()
    torch.testing.assert_close(found.bboxes[order], sample.gt_instances.bboxes, atol=4, rtol=0)
    torch.testing.assert_close(found.keypoints[order], sample.gt_instances.keypoints, atol=4, rtol=0)


@pytest.mark.parametrize(
    'backbone', [{'type': 'MobileNetV1'}, {'type': 'TimmBackbone', 'name': 'mobilenetv3_small_050'}]
)
def test_any_backbone_is_one_line(backbone: dict[str, Any]) -> None:
    losses = build(backbone=backbone)(images(1), [face_sample()], mode='loss')
    assert all(value.item() > 0 for value in losses.values())


def test_levels_that_do_not_fit_are_refused() -> None:
    codec = AnchorGridCodec(strides=(8, 16), anchors=AnchorGridCodec().anchors[:2])
    with pytest.raises(ValueError, match='3 feature levels'):
        build(head={**CONFIG['head'], 'codec': codec})
    with pytest.raises(ValueError, match='2 out_channels'):
        build(neck={'type': 'YOLOv5PAN', 'out_channels': (64, 64)})
