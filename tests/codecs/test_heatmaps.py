"""How exactly heatmaps of HRNet's configs say where a point is: targets and decoding are one codec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config

CONFIGS = ('hrnetv2_w18_anime28', 'hrnetv2_w18_hysts_anime28')


@pytest.fixture(autouse=True)
def scope_of_others() -> Iterator[None]:
    yield
    set_scope({'default_scope': 'faceresearch'})


def codec_of(config: str, *overrides: str) -> Any:
    cfg = load_config(config, overrides)
    set_scope(cfg)
    import mmpose.codecs  # noqa: F401  registers them
    from mmpose.registry import KEYPOINT_CODECS

    assert cfg.model.head.decoder == cfg.codec
    (target,) = [step for step in cfg.train_pipeline if step.type == 'GenerateTarget']
    assert target.encoder == cfg.codec
    return KEYPOINT_CODECS.build(cfg.codec.to_dict())


def errors(codec: Any, points: np.ndarray) -> np.ndarray:
    """Distances, by axis, between points (N, 2) in input pixels and what decoding makes of their heatmaps."""
    encoded = codec.encode(points[None].astype(np.float32))
    assert encoded['keypoint_weights'].all()
    decoded, scores = codec.decode(encoded['heatmaps'])
    assert scores.min() > 0.75  # half a pixel off the centre on both axes: exp(−0.25 / σ²) at least
    return np.abs(decoded[0] - points)


def inside(margin: float, count: int = 400) -> np.ndarray:
    return np.random.default_rng(0).uniform(margin, 256 - margin, (count, 2))


@pytest.mark.parametrize('config', CONFIGS)
def test_a_point_survives_encoding_and_decoding(config: str) -> None:
    """Further inside than the blur of decoding reaches: half a kernel and the two pixels of the curvature."""
    assert errors(codec_of(config), inside(4 * (11 // 2 + 6 + 2))).max() < 0.01


def test_wherever_a_curvature_can_be_measured_the_error_is_below_a_pixel() -> None:
    found = errors(codec_of(CONFIGS[0]), inside(4 * 3.5, 2000))
    assert found.max() < 1.0
    assert np.median(found) < 0.01


@pytest.mark.parametrize(
    ('unbiased_target', 'dark', 'largest', 'mean'),
    [(False, False, 2.0, 1.33), (False, True, 2.0, 1.33), (True, False, 1.0, 0.67)],
)
def test_what_whole_pixels_cost(unbiased_target: bool, dark: bool, largest: float, mean: float) -> None:
    """A target of four input pixels' width is at most two off; a quarter of it leaves one. Means of the larger axis."""
    encoder = codec_of(CONFIGS[0], f'codec.unbiased={unbiased_target}'.lower())
    decoder = codec_of(CONFIGS[0], f'codec.unbiased={dark}'.lower())
    points = inside(60, 4000)
    heatmaps = encoder.encode(points[None].astype(np.float32))['heatmaps']
    found = np.abs(decoder.decode(heatmaps)[0][0] - points)
    assert largest - 0.05 < found.max() <= largest + 1e-3
    np.testing.assert_allclose(found.max(axis=1).mean(), mean, atol=0.03)


def test_scores_are_peaks_and_nothing_is_found_in_empty_maps() -> None:
    codec = codec_of(CONFIGS[0])
    heatmaps = codec.encode(np.full((1, 28, 2), 128.0, np.float32))['heatmaps'] * np.linspace(0.1, 1, 28)[:, None, None]
    _, scores = codec.decode(heatmaps)
    np.testing.assert_allclose(scores[0], np.linspace(0.1, 1, 28), rtol=1e-6)
    _, scores = codec.decode(-np.ones((28, 64, 64), np.float32))
    assert (scores < 0).all()
