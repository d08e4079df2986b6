"""Prior boxes and offsets against the closed forms of SSD and RetinaFace."""

from __future__ import annotations

import math

import pytest
import torch

from faceresearch.codecs import PriorBoxCodec


def test_priors_of_a_640_image() -> None:
    priors = PriorBoxCodec().priors((640, 640))
    assert priors.shape == (16800, 4)  # 12,800 + 3,200 + 800: reference/detection.md §1.1
    assert priors[0].tolist() == pytest.approx([4 / 640, 4 / 640, 16 / 640, 16 / 640])
    assert priors[1].tolist() == pytest.approx([4 / 640, 4 / 640, 32 / 640, 32 / 640])
    assert priors[2].tolist() == pytest.approx([12 / 640, 4 / 640, 16 / 640, 16 / 640])
    assert priors[-1].tolist() == pytest.approx([624 / 640, 624 / 640, 512 / 640, 512 / 640])


def test_priors_of_an_odd_size_equal_the_plain_loops() -> None:
    height, width = 203, 317
    expected = [
        [(j + 0.5) * stride / width, (i + 0.5) * stride / height, size / width, size / height]
        for stride, sizes in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
        for i in range(math.ceil(height / stride))
        for j in range(math.ceil(width / stride))
        for size in sizes
    ]
    torch.testing.assert_close(PriorBoxCodec().priors((height, width)), torch.tensor(expected, dtype=torch.float64))


def test_encode_equals_the_published_formulas() -> None:
    prior = torch.tensor([[0.5, 0.4, 0.2, 0.1]], dtype=torch.float64)
    box = torch.tensor([[0.45, 0.30, 0.65, 0.52]], dtype=torch.float64)
    expected = [
        (0.55 - 0.5) / (0.1 * 0.2),
        (0.41 - 0.4) / (0.1 * 0.1),
        math.log(0.20 / 0.2) / 0.2,
        math.log(0.22 / 0.1) / 0.2,
    ]
    assert PriorBoxCodec().encode_boxes(box, prior)[0].tolist() == pytest.approx(expected)
    point = torch.tensor([[[0.46, 0.43]]], dtype=torch.float64)
    assert PriorBoxCodec().encode_keypoints(point, prior)[0].tolist() == pytest.approx([-2.0, 3.0])


def test_decoding_inverts_encoding() -> None:
    generator = torch.Generator().manual_seed(0)
    codec = PriorBoxCodec()
    priors = codec.priors((160, 192)).float()
    corner = torch.rand(len(priors), 2, generator=generator)
    boxes = torch.cat([corner, corner + 0.05 + torch.rand(len(priors), 2, generator=generator)], 1)
    points = torch.rand(len(priors), 5, 2, generator=generator)
    torch.testing.assert_close(codec.decode_boxes(codec.encode_boxes(boxes, priors), priors), boxes, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        codec.decode_keypoints(codec.encode_keypoints(points, priors), priors), points, atol=1e-4, rtol=0
    )


def test_levels_must_agree() -> None:
    with pytest.raises(ValueError, match='2 strides but 3'):
        PriorBoxCodec(strides=(8, 16))
