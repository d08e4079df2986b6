"""YOLOv8-Face as a model: sizes, decoding, modes, any backbone, learning."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.config import load_config
from faceresearch.models.heads import YOLOv8FaceHead
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from tests.models.test_retinaface import face_sample, predict

HEAD = load_config('yolov8_face_lite_t_widerface').model['head'].to_dict()


def build(**changes: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    model = MODELS.build({**copy.deepcopy(load_config('yolov8_face_lite_t_widerface').model.to_dict()), **changes})
    model.init_weights()
    return model


def test_parameters_as_published() -> None:
    # Reference: n, lite-s and lite-t to the digit (with the 16 constants of the distribution); s and m to 0.01 M.
    counts = {
        size: sum(p.numel() for p in MODELS.build(load_config(f'yolov8_face_{size}_widerface').model).parameters())
        for size in ('n', 's', 'm', 'lite_s', 'lite_t')
    }
    assert {k: counts[k] for k in ('n', 'lite_s', 'lite_t')} == {'n': 3083424, 'lite_s': 1923896, 'lite_t': 601130}
    assert (round(counts['s'] / 1e6, 2), round(counts['m'] / 1e6, 2)) == (11.42, 26.42)


@pytest.fixture
def head() -> YOLOv8FaceHead:
    return MODELS.build({**copy.deepcopy(HEAD), 'in_channels': (48, 48, 48)})


def test_boxes_are_mean_distances_from_the_middle_of_the_cell(head: YOLOv8FaceHead) -> None:
    point = torch.tensor([[28.0, 12, 8]])  # row 1, column 3, stride 8
    logits = torch.full((1, 4, 16), -1e4)
    for side, bin_ in enumerate((1, 2, 3, 15)):
        logits[0, side, bin_] = 0
    assert head.decode_boxes(logits, point).tolist() == [[28 - 8, 12 - 16, 28 + 24, 12 + 120]]
    # The mean of 0 … 15 is 7.5 strides.
    assert head.decode_boxes(torch.zeros(1, 4, 16), point).tolist() == [[28 - 60, 12 - 60, 28 + 60, 12 + 60]]


def test_key_points_are_twice_the_output_from_the_corner_of_the_cell(head: YOLOv8FaceHead) -> None:
    raw = torch.zeros(1, 5, 3)
    raw[0, 1, :2] = torch.tensor([0.25, -1])
    found = head.decode_keypoints(raw, torch.tensor([[28.0, 12, 8]]))
    assert found[0, 0].tolist() == [24, 8] and found[0, 1].tolist() == [24 + 4, 8 - 16]


def test_predictions_go_back_through_the_letterbox_with_visibility() -> None:
    model = build().eval()
    model.head.score_thr, model.head.nms_iou = 0.0, 1.0
    image = torch.randint(0, 256, (3, 64, 96), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    plain = predict(model, [image])[0]
    sample = FaceDataSample(metainfo={'img_shape': (64, 96), 'scale_factor': (0.5, 2.0), 'pad_offset': (6.0, 10.0)})
    with torch.no_grad():
        batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]})
        moved = model(**batch, mode='predict')[0].pred_instances
    torch.testing.assert_close(
        moved.bboxes, (plain.bboxes - torch.tensor([6.0, 10, 6, 10])) / torch.tensor([0.5, 2, 0.5, 2])
    )
    torch.testing.assert_close(moved.keypoints, (plain.keypoints - torch.tensor([6.0, 10])) / torch.tensor([0.5, 2]))
    assert moved.keypoint_scores.shape == (len(moved.scores), 5)
    assert ((moved.keypoint_scores > 0) & (moved.keypoint_scores < 1)).all()


def test_the_exported_tuple_agrees_with_what_is_predicted() -> None:
    model = build().eval()
    model.head.score_thr, model.head.nms_iou = 0.0, 1.0
    image = torch.randint(0, 256, (3, 61, 83), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    with torch.no_grad():
        inputs = model.data_preprocessor({'inputs': [image]})['inputs']
        predictions, *levels, keypoints = model(inputs)
    found = predict(model, [image])[0]
    cells = 8 * 12 + 4 * 6 + 2 * 3
    assert model.output_names == ('predictions', 'map_8', 'map_16', 'map_32', 'keypoints')
    assert predictions.shape == (1, 20, cells) and keypoints.shape == (1, 15, cells)
    assert [tuple(level.shape) for level in levels] == [(1, 65, 8, 12), (1, 65, 4, 6), (1, 65, 2, 3)]
    rows = predictions[0].T[predictions[0, 4].argsort(descending=True, stable=True)]
    torch.testing.assert_close(found.scores, rows[:, 4])
    torch.testing.assert_close((found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2, rows[:, :2], atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(found.bboxes[:, 2:] - found.bboxes[:, :2], rows[:, 2:4], atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(found.keypoint_scores, rows[:, 5:].reshape(-1, 5, 3)[..., 2])


def test_the_layout_of_published_files_holds_the_same_numbers() -> None:
    model = build().eval()
    with torch.no_grad():
        outputs = model(torch.rand(2, 3, 64, 96))
        maps = model.head.published_outputs(outputs)
    assert [tuple(m.shape) for m in maps] == [(2, 80, 8, 12), (2, 80, 4, 6), (2, 80, 2, 3)]
    torch.testing.assert_close(torch.cat([m[:, 65:].flatten(2) for m in maps], 2), outputs[-1])
    torch.testing.assert_close(maps[1][:, :65], outputs[2])


@pytest.mark.parametrize(
    'parts',
    [
        {'backbone': {'type': 'ResNet', 'depth': 18}},
        {'backbone': {'type': 'TimmBackbone', 'name': 'mobilenetv3_small_100'}},
        {'backbone': {'type': 'MobileNetV1', 'width': 0.25}, 'neck': {'type': 'YOLOv8FacePAN'}},
        {'backbone': {'type': 'YOLOv8FaceCSPNet', 'activation': 'relu'}, 'neck': {'type': 'RetinaFaceFPN'}},
    ],
    ids=lambda parts: '-'.join(part['type'] for part in parts.values()),
)
def test_any_backbone_and_neck_train_a_step(parts: dict[str, Any]) -> None:
    model = build(**parts).train()
    losses = model(torch.rand(2, 3, 96, 96), [face_sample((96, 96)), face_sample((96, 96), visible=False)], mode='loss')
    assert set(losses) == {'loss_box', 'loss_dfl', 'loss_cls', 'loss_keypoint', 'loss_visibility'}
    sum(losses.values()).backward()
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize('annotated', ['nothing', 'no faces', 'no landmarks', 'ignored face'])
def test_images_without_faces_or_landmarks_train(annotated: str) -> None:
    model = build().train()
    sample = face_sample((96, 96), faces=0 if annotated in ('no faces', 'ignored face') else 2)
    if annotated == 'nothing':
        sample.gt_instances = InstanceData(bboxes=torch.zeros(0, 4))
    if annotated == 'no landmarks':
        sample.gt_instances = InstanceData(bboxes=sample.gt_instances.bboxes)
    if annotated == 'ignored face':
        sample.ignored_instances = face_sample((96, 96)).gt_instances
    losses = model(torch.rand(1, 3, 96, 96), [sample], mode='loss')
    sum(losses.values()).backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses['loss_keypoint'] == 0
    assert (losses['loss_box'] > 0) == (annotated == 'no landmarks')


def test_ignored_faces_are_not_background() -> None:
    model = build().eval()
    empty, ignored = face_sample((96, 96), faces=0), face_sample((96, 96), faces=0)
    ignored.ignored_instances = InstanceData(bboxes=torch.tensor([[0.0, 0, 96, 96]]))
    image = torch.rand(1, 3, 96, 96)
    assert model(image, [empty], mode='loss')['loss_cls'] > 0
    assert model(image, [ignored], mode='loss')['loss_cls'] == 0


def test_few_false_alarms_before_training() -> None:
    model = build().eval()
    with torch.no_grad():
        scores = model(torch.rand(1, 3, 96, 96))[0][0, 4]
    assert scores.max() < 0.05


def test_learns_two_faces_by_heart() -> None:
    model = build().train()
    image = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    truth = face_sample((96, 96)).gt_instances
    for _ in range(100):
        loss = sum(model(image, [face_sample((96, 96))], mode='loss').values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = model(image, [FaceDataSample(metainfo={'img_shape': (96, 96)})], mode='predict')[0].pred_instances
    best = found[found.scores > 0.5]
    best = best[best.bboxes[:, 0].argsort()]
    torch.testing.assert_close(best.bboxes, truth.bboxes, atol=2, rtol=0)
    torch.testing.assert_close(best.keypoints, truth.keypoints, atol=2, rtol=0)
    assert (best.keypoint_scores > 0.5).all()
