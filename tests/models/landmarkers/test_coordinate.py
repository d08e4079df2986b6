"""Coordinate regression of landmarks: networks, losses, predictions in the image, mirror test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.landmarkers import CoordinateLandmarker
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.crop_face import crop_matrix

CONFIGS = {
    # insightface's network: counted from the layers of its published description (bias of fc included).
    'landmark106_mnet050_lapa_192': (1_241_492, 192, 212),
    # PFLD-pytorch's layers, counted by hand: see test_parameters_of_pfld.
    'landmark68_pfld_300w': (None, 112, 136),
    'landmark98_pfld_wflw': (None, 112, 196),
    'landmark68_pfld_cunjian_300w': (None, 112, 136),
    'landmark106_pfld_lite_lapa': (None, 112, 212),
}


def build(name: str, *overrides: str) -> Any:
    torch.manual_seed(0)
    return MODELS.build(load_config(name, list(overrides)).model)


@pytest.mark.parametrize('name', CONFIGS)
def test_outputs_and_parameters(name: str) -> None:
    parameters, side, outputs = CONFIGS[name]
    model = build(name).eval()
    with torch.no_grad():
        (found,) = model(torch.rand(2, 3, side, side), mode='tensor')
    assert found.shape == (2, outputs)
    assert parameters is None or sum(p.numel() for p in model.parameters()) == parameters


def test_parameters_of_pfld() -> None:
    """Counted from table 1's layers: c·c'·k² for each convolution, 2 c for each batch norm, biases of conv8 and fc."""

    def block(inputs: int, outputs: int, factor: int) -> int:
        inside = inputs * factor
        return inputs * inside + 2 * inside + 9 * inside + 2 * inside + inside * outputs + 2 * outputs

    expected = 3 * 64 * 9 + 128 + 64 * 64 * 9 + 128
    expected += 5 * block(64, 64, 2) + block(64, 128, 2) + 6 * block(128, 128, 4) + block(128, 16, 2)
    expected += 16 * 32 * 9 + 64 + 32 * 128 * 49 + 128 + 176 * 136 + 136
    assert sum(p.numel() for p in build('landmark68_pfld_300w').parameters()) == expected


class Shift(torch.nn.Module):
    """A 'network' whose landmarks are where the brightest pixels of each channel are: it knows left from right."""

    out_channels = (3,)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (x,)


class BrightestPixel(torch.nn.Module):
    """A 'head' that finds the brightest pixel of channels 0 and 1, left and right eye, and of 2."""

    num_points = 3

    def __init__(self) -> None:
        super().__init__()
        from faceresearch.codecs import CoordinateCodec

        self.codec = CoordinateCodec(-1.0, 1.0)

    def forward(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        x = features[0]
        height, width = x.shape[-2:]
        places = x.flatten(2).argmax(-1)
        points = torch.stack([places % width, places // width], -1).float()
        # Left is the leftmost of the two, whichever channel it is in.
        order = points[:, :2, 0].argsort(1)
        eyes = torch.gather(points[:, :2], 1, order[..., None].expand(-1, -1, 2))
        return self.codec.encode(torch.cat([eyes, points[:, 2:]], 1), (height, width))


MINE = {
    'name': 'mine',
    'dataset_name': 'mine',
    'lines': {'eye': ((0,), (1,)), 'nose': ((2,),)},
    'flip_indices': (1, 0, 2),
    'five': ((0,), (1,), (2,), (0,), (1,)),
    'eye_corners': (0, 1),
}


@pytest.mark.parametrize('flip_test', [False, True])
def test_predictions_are_in_pixels_of_the_image(flip_test: bool) -> None:
    """What is found at a pixel of a turned, scaled crop is at that pixel's place in the image; mirroring changes nothing."""
    model = CoordinateLandmarker(Shift(), BrightestPixel(), MINE, flip_test=flip_test)
    crop = torch.zeros(1, 3, 64, 64)
    places = torch.tensor([[10, 20], [40, 22], [25, 41]])
    for channel, (x, y) in enumerate(places):
        crop[0, channel, y, x] = 1
    matrix = crop_matrix(np.array([300.0, 200.0]), 150.0, 64, angle=25.0)
    sample = FaceDataSample(metainfo={'warp_matrix': matrix, 'bbox': np.array([[240.0, 140.0, 360.0, 260.0]])})
    (found,) = model(crop, [sample], mode='predict')
    back = torch.from_numpy(matrix[:, :2]) @ found.pred_instances.keypoints[0].double().T
    assert (back.T + torch.from_numpy(matrix[:, 2]) - places).abs().max() < 1e-3
    assert found.pred_instances.bboxes.tolist() == [[240, 140, 360, 260]]
    assert found.pred_instances.scores.tolist() == [1]
    assert found.pred_instances.keypoint_scores.shape == (1, 3)


def training_samples(points: int, count: int = 4) -> list[FaceDataSample]:
    made = []
    for i in range(count):
        sample = FaceDataSample()
        generator = torch.Generator().manual_seed(i)
        sample.gt_instances = InstanceData(
            keypoints=torch.rand(1, points, 2, generator=generator) * 112, keypoints_visible=torch.ones(1, points)
        )
        made.append(sample)
    return made


def test_the_loss_is_in_pixels_and_falls() -> None:
    model = build('landmark68_pfld_cunjian_300w')
    images, made = torch.rand(4, 3, 112, 112), training_samples(68)
    made[0].gt_instances.keypoints_visible[0, 5] = 0
    made[0].gt_instances.keypoints[0, 5] = torch.nan
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    values = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = model(images, made, mode='loss')['loss_points']
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    # Wing of about a third of 112 pixels at first.
    assert 20 < values[0] < 112
    assert values[-1] < 0.8 * values[0]


def test_any_backbone_is_one_line() -> None:
    config = load_config('landmark68_pfld_300w').model
    config.backbone = {'type': 'TimmBackbone', 'name': 'mobilenetv3_small_050', 'strides': (32,)}
    config.head.pop('levels')
    model = MODELS.build(config).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 112, 112), mode='tensor')[0].shape == (1, 136)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(UserError, match='made for a map of 3 x 3, gets 2 x 2'):
        build('landmark106_mnet050_lapa_192').eval()(torch.rand(1, 3, 128, 128), mode='tensor')
    with pytest.raises(UserError, match=r'the model needs \(1, 68, 2\)'):
        build('landmark68_pfld_300w')(torch.rand(4, 3, 112, 112), training_samples(98), mode='loss')
    with pytest.raises(UserError, match='num_points is 5'):
        build('landmark68_pfld_300w', '++model.head.num_points=5')
    with pytest.raises(UserError, match=r'levels=\(4,\)'):
        build('landmark68_pfld_300w', 'model.head.levels=[4]')
    with pytest.raises(UserError, match="'68' is unknown"):
        build('landmark68_pfld_300w', "scheme='68'")
