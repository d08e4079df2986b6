"""Landmarks in crops of several scales: where the mean lies, against crops that are cut from the image one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.compat.pipelines import build_for_inference
from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.export.forms import form_of
from faceresearch.models.landmarkers import LandmarkMultiScale
from faceresearch.registry import MODELS, TRANSFORMS
from faceresearch.transforms.crop_face import invert_affine, warp_points

SCALES = (0.8, 1.0, 1.25)
BOX = np.array([[70.0, 60.0, 190.0, 200.0]], np.float32)


@pytest.fixture(autouse=True)
def scope_of_others() -> Iterator[None]:
    yield
    set_scope({'default_scope': 'faceresearch'})


@pytest.fixture(scope='module')
def photo() -> np.ndarray:
    """A smooth picture: resampling it once or twice makes little difference."""
    rng = np.random.default_rng(0)
    return cv2.GaussianBlur(cv2.resize(rng.integers(0, 256, (12, 12, 3), np.uint8), (280, 270)), (0, 0), 5)


def blobs(points: np.ndarray, side: int) -> torch.Tensor:
    """One image with a channel for each of K points (K, 2): a Gaussian of 3 pixels around it."""
    x = np.arange(side)
    maps = [np.exp(-((x - px) ** 2 + (x[:, None] - py) ** 2) / 18) for px, py in points]
    return torch.from_numpy(np.stack(maps)[None]).float()


def centroids(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weights = images / images.sum((2, 3), keepdim=True)
    y, x = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    return torch.stack([(weights.sum(2) * x).sum(2), (weights.sum(3) * y).sum(2)], -1), images.amax((2, 3))


@pytest.mark.parametrize('scale', [0.7, 1.0, 1.3])
@pytest.mark.parametrize('side', [96, 97])
def test_a_blob_is_found_where_it_is_at_every_scale(scale: float, side: int) -> None:
    places = np.array([[47.0, 50.0], [42.3, 54.8], [53.1, 44.4]])
    found, scores = LandmarkMultiScale(64, (scale,)).mean_points(blobs(places, side), centroids)
    np.testing.assert_allclose(found[0], places, atol=0.02)
    assert (scores > 0.9).all()


def test_scale_one_is_the_middle_untouched() -> None:
    images = torch.rand(2, 3, 80, 90)
    found = LandmarkMultiScale((50, 40)).crop(images, 1.0)
    assert torch.equal(found, images[..., 20:60, 20:70])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match=r'scale 1\.2 of 64 x 64 pixels needs more than the 70 x 70'):
        LandmarkMultiScale(64, (1.2,)).crop(torch.rand(1, 3, 70, 70), 1.2)
    for arguments in ({'size': 0}, {'size': 64, 'scales': ()}, {'size': 64, 'scales': (0.0,)}):
        with pytest.raises(UserError, match='LandmarkMultiScale'):
            LandmarkMultiScale(**arguments)


def test_coordinates_equal_the_mean_of_crops_cut_one_by_one(photo: np.ndarray) -> None:
    cfg = load_config('landmark68_pfld_300w_multiscale', ['shown=144', f'model.test_aug.scales={list(SCALES)}'])
    torch.manual_seed(0)
    model: Any = MODELS.build(cfg.model).eval()
    steps = build_for_inference(cfg.test_pipeline)
    with torch.no_grad():
        (seen,) = model.test_step(packed(steps, photo))
    points = []
    for scale in SCALES:
        crop = TRANSFORMS.build({'type': 'CropFace', 'size': 112, 'padding': 1.25 * scale})
        results = crop({'img': photo, 'bbox': BOX})
        images = torch.from_numpy(results['img'].transpose(2, 0, 1).astype(np.float32)[None] / 255)
        with torch.no_grad():
            (found,), (mirrored,) = model(images, mode='tensor'), model(images.flip(3), mode='tensor')
        straight = found.reshape(68, 2).numpy() * 112
        other = mirrored.reshape(68, 2).numpy()[list(model.scheme.flip_indices)] * 112
        other[:, 0] = 111 - other[:, 0]
        points.append(warp_points((straight + other) / 2, invert_affine(results['warp_matrix'])))
    spread = np.abs(points[0] - points[2]).max()
    difference = np.abs(seen.pred_instances.keypoints[0].numpy() - np.mean(points, 0)).max()
    assert difference < 0.05 < 1 < spread


@pytest.mark.parametrize('flip', [False, True])
def test_mmposes_models_equal_the_mean_of_crops_cut_one_by_one(photo: np.ndarray, flip: bool) -> None:
    head = {'type': 'RegressionHead', 'in_channels': 32, 'num_joints': 4, 'loss': {'type': 'SmoothL1Loss'}}
    neck = {'type': 'GlobalAveragePooling'}
    cfg = {
        'backbone': {'type': 'ResNet', 'depth': 18, 'base_channels': 4, 'stem_channels': 4},
        'neck': neck,
        'head': {**head, 'decoder': {'type': 'RegressionLabel', 'input_size': (64, 64)}},
        'data_preprocessor': {'type': 'PoseDataPreprocessor', 'mean': [120.0] * 3, 'std': [60.0] * 3},
        'test_cfg': {'flip_test': flip},
    }
    set_scope({'default_scope': 'mmpose'})
    torch.manual_seed(0)
    several = {'type': 'faceresearch.LandmarkMultiScale', 'size': 64, 'scales': SCALES}
    model: Any = MODELS.build({'type': 'faceresearch.MultiScaleTopdown', 'test_aug': several, **cfg}).eval()
    plain: Any = MODELS.build({'type': 'TopdownPoseEstimator', **cfg}).eval()
    plain.load_state_dict(model.state_dict())

    def seen(by: Any, side: int, padding: float) -> np.ndarray:
        steps = [
            {'type': 'GetBBoxCenterScale', 'padding': padding},
            {'type': 'TopdownAffine', 'input_size': (side, side)},
            {'type': 'PackPoseInputs'},
        ]
        results = packed(build_for_inference(steps, {'flip_indices': [1, 0, 2, 3]}), photo)
        with torch.no_grad():
            (sample,) = by.test_step(results)
        return sample.pred_instances.keypoints[0]

    one_by_one = [seen(plain, 64, 1.25 * scale) for scale in SCALES]
    found = seen(model, 80, 1.25 * 80 / 64)
    assert np.abs(one_by_one[0] - one_by_one[2]).max() > 1
    np.testing.assert_allclose(found, np.mean(one_by_one, 0), atol=0.05)


def test_heatmaps_are_decoded_at_every_scale() -> None:
    """A 'network' of one 1 x 1 convolution over every fourth pixel: its heatmaps are the blobs of the image."""
    set_scope({'default_scope': 'mmpose'})
    cfg = load_config('hrnetv2_w18_wflw_multiscale', ['codec.unbiased=true', f'model.test_aug.scales={list(SCALES)}'])
    decoder = {**cfg.codec, 'input_size': (128, 128), 'heatmap_size': (32, 32)}
    head = {'type': 'HeatmapHead', 'in_channels': 3, 'out_channels': 3, 'deconv_out_channels': None, 'decoder': decoder}
    aug = {**cfg.model.test_aug, 'size': 128}
    model: Any = MODELS.build(
        {'type': cfg.model.type, 'backbone': {'type': 'ResNet', 'depth': 18}, 'head': head, 'test_aug': aug}
    )
    model.extract_feat = lambda images: (images[..., ::4, ::4],)
    torch.nn.init.eye_(model.head.final_layer.weight.data[..., 0, 0])
    torch.nn.init.zeros_(model.head.final_layer.bias)
    places = np.array([[80.0, 84.0], [64.5, 101.25], [110.0, 70.75]])
    x = np.arange(160)
    maps = [np.exp(-((x - px) ** 2 + (x[:, None] - py) ** 2) / 128) for px, py in places]
    sample = scaled_sample((160, 160))
    with torch.no_grad():
        (found,) = model.predict(torch.from_numpy(np.stack(maps)[None]).float(), [sample])
    # The crop of 160 pixels is the image itself.
    np.testing.assert_allclose(found.pred_instances.keypoints[0], places, atol=0.15)
    assert (found.pred_instances.keypoint_scores > 0.9).all()
    # It is exported like its parent: crops of one scale to heatmaps.
    assert form_of(model).output_names == ('heatmaps',)


def scaled_sample(size: tuple[int, int]) -> Any:
    from mmpose.structures import PoseDataSample

    facts = {'input_center': np.array(size) / 2, 'input_scale': np.array(size, float), 'input_size': size}
    sample = PoseDataSample(metainfo=facts)
    sample.gt_instances = InstanceData(bboxes=np.array([[0.0, 0.0, *size]]), bbox_scores=np.ones(1))
    return sample


def packed(steps: list[Any], photo: np.ndarray) -> dict[str, Any]:
    """Run a test pipeline without its loading on the picture; a batch of one."""
    results: Any = {'img': photo.copy(), 'img_path': 'x.png', 'bbox': BOX.copy(), 'bbox_score': np.ones(1, np.float32)}
    results.update(ori_shape=photo.shape[:2], img_shape=photo.shape[:2], id=0, img_id=0)
    for step in steps:
        if not type(step).__name__.startswith('Load'):
            results = step(results)
    return {'inputs': [results['inputs']], 'data_samples': [results['data_samples']]}
