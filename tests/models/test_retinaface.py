"""RetinaFace as a model: modes, batches of several sizes, any backbone, learning."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample

CONFIG: dict[str, Any] = {
    'type': 'SingleStageDetector',
    'data_preprocessor': {'type': 'FaceDataPreprocessor', 'mean': (104, 117, 123)},
    'backbone': {'type': 'MobileNetV1', 'width': 0.25},
    'neck': {'type': 'RetinaFaceFPN', 'out_channels': 64},
    'head': {'type': 'RetinaFaceHead', 'codec': {'type': 'PriorBoxCodec'}, 'loss': {'type': 'MultiBoxLoss'}},
}


def build(**changes: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({**copy.deepcopy(CONFIG), **changes})


def face_sample(size: tuple[int, int], faces: int = 2, visible: bool = True) -> FaceDataSample:
    sample = FaceDataSample(metainfo={'img_shape': size, 'ori_shape': size, 'scale_factor': (1.0, 1.0)})
    boxes = torch.tensor([[8.0, 10, 40, 50], [50, 20, 70, 44]])[:faces]
    points = boxes[:, None, :2] + torch.tensor([[8.0, 8], [20, 8], [14, 14], [9, 20], [19, 20]])
    sample.gt_instances = InstanceData(
        bboxes=boxes,
        keypoints=points,
        keypoints_visible=torch.full((faces, 5), visible),
        labels=torch.zeros(faces).long(),
    )
    return sample


def predict(model: torch.nn.Module, images: list[torch.Tensor]) -> list[InstanceData]:
    samples = [FaceDataSample(metainfo={'img_shape': tuple(i.shape[1:]), 'scale_factor': (1.0, 1.0)}) for i in images]
    with torch.no_grad():
        batch = model.data_preprocessor({'inputs': images, 'data_samples': samples})
        return [s.pred_instances for s in model(**batch, mode='predict')]


def test_what_is_found_does_not_depend_on_the_other_images_of_the_batch() -> None:
    model = build().eval()
    generator = torch.Generator().manual_seed(1)
    images = [
        torch.randint(0, 256, (3, h, w), generator=generator, dtype=torch.uint8)
        for h, w in ((96, 64), (61, 83), (96, 64))
    ]
    model.head.score_thr = 0.45
    together = predict(model, images)
    for image, found in zip(images, together):
        alone = predict(model, [image])[0]
        assert len(alone.scores) == len(found.scores) > 0
        torch.testing.assert_close(alone.bboxes, found.bboxes, atol=1e-3, rtol=1e-5)
        torch.testing.assert_close(alone.scores, found.scores, atol=1e-5, rtol=1e-5)


def test_detections_are_in_pixels_of_the_original_image() -> None:
    model = build().eval()
    model.head.score_thr = 0.45
    image = torch.randint(0, 256, (3, 64, 96), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    plain = predict(model, [image])[0]
    sample = FaceDataSample(metainfo={'img_shape': (64, 96), 'scale_factor': (0.5, 2.0)})
    with torch.no_grad():
        batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]})
        decoded = model.head.tensor(model.extract(batch['inputs']))
    priors = model.head.codec.priors((64, 96)).float()
    model.head.nms_iou = 1.0  # no suppression: boxes of both runs correspond one to one
    plain, scaled = predict(model, [image])[0], model(**batch, mode='predict')[0].pred_instances
    assert len(plain.scores) == (decoded[1][0, :, 1] > 0.45).sum() <= len(priors)
    torch.testing.assert_close(scaled.bboxes, plain.bboxes / torch.tensor([0.5, 2, 0.5, 2]))
    torch.testing.assert_close(scaled.keypoints, plain.keypoints / torch.tensor([0.5, 2]))


@pytest.mark.parametrize(
    'backbone',
    [
        {'type': 'MobileNetV1', 'width': 0.5},
        {'type': 'MobileNetV2'},
        {'type': 'ResNet', 'depth': 18},
        {'type': 'TimmBackbone', 'name': 'mobilenetv3_small_100'},
    ],
    ids=lambda b: b['type'],
)
def test_any_backbone_trains_a_step(backbone: dict[str, Any]) -> None:
    model = build(backbone=backbone).train()
    samples = [face_sample((96, 96)), face_sample((96, 96), visible=False)]
    losses = model(torch.randn(2, 3, 96, 96), samples, mode='loss')
    assert set(losses) == {'loss_box', 'loss_cls', 'loss_landmark'}
    sum(losses.values()).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


def test_faces_without_landmarks_have_no_landmark_loss_but_a_box_loss() -> None:
    model = build().train()
    losses = model(torch.randn(2, 3, 96, 96), [face_sample((96, 96), visible=False)] * 2, mode='loss')
    assert losses['loss_landmark'] == 0 and losses['loss_box'] > 0


def test_images_without_faces() -> None:
    model = build().train()
    losses = model(torch.randn(2, 3, 96, 96), [face_sample((96, 96), faces=0)] * 2, mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())


def test_tensor_mode_is_the_exported_tuple() -> None:
    model = build().eval()
    with torch.no_grad():
        loc, conf, landmarks = model(torch.randn(2, 3, 61, 83))
    cells = 8 * 11 + 4 * 6 + 2 * 3
    assert model.output_names == ('loc', 'conf', 'landmarks')
    assert [tuple(t.shape) for t in (loc, conf, landmarks)] == [(2, 2 * cells, k) for k in (4, 2, 10)]
    torch.testing.assert_close(conf.sum(-1), torch.ones(2, 2 * cells))


def test_learns_two_faces_by_heart() -> None:
    model = build().train()
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, 96, 96, generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(100):
        loss = sum(model(image, [face_sample((96, 96))], mode='loss').values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    with torch.no_grad():
        found = model(image, [FaceDataSample(metainfo={'img_shape': (96, 96)})], mode='predict')[0].pred_instances
    best = found[found.scores > 0.5]
    by_x = best.bboxes[best.bboxes[:, 0].argsort()]
    torch.testing.assert_close(by_x, face_sample((96, 96)).gt_instances.bboxes, atol=1, rtol=0)


def test_unknown_timm_name_suggests_near_ones() -> None:
    with pytest.raises(UserError, match=r"no 'mobilnetv3_small_100'.*mobilenetv3_small_100"):
        build(backbone={'type': 'TimmBackbone', 'name': 'mobilnetv3_small_100'})


@pytest.mark.parametrize('size', [(64, 64), (640, 640), (203, 317)])
def test_normalisation_padding_and_channel_order(size: tuple[int, int]) -> None:
    image = torch.randint(0, 256, (3, *size), generator=torch.Generator().manual_seed(4), dtype=torch.uint8)
    small = image[:, :32, :48]
    build_ = MODELS.build
    bgr = build_({'type': 'FaceDataPreprocessor', 'mean': (104, 117, 123), 'pad_size_divisor': 32})
    out = bgr({'inputs': [image, small]})['inputs']
    assert out.shape == (2, 3, -(-size[0] // 32) * 32, -(-size[1] // 32) * 32)
    mean = torch.tensor([104.0, 117, 123]).view(3, 1, 1)
    torch.testing.assert_close(out[0, :, : size[0], : size[1]], image - mean)
    assert (out[1, :, 32:] == 0).all() and (out[1, :, :, 48:] == 0).all()
    rgb = build_({'type': 'FaceDataPreprocessor', 'mean': (1, 2, 3), 'std': (4, 5, 6), 'bgr_to_rgb': True})
    expected = (image[[2, 1, 0]] - torch.tensor([1.0, 2, 3]).view(3, 1, 1)) / torch.tensor([4.0, 5, 6]).view(3, 1, 1)
    torch.testing.assert_close(rgb({'inputs': [image]})['inputs'][0], expected)
