"""Coordinates of points relative to a crop."""

from __future__ import annotations

import pytest
import torch

from faceresearch.codecs import CoordinateCodec
from faceresearch.errors import UserError


@pytest.mark.parametrize(('low', 'high'), [(0.0, 1.0), (-1.0, 1.0)])
def test_decoding_inverts_encoding(low: float, high: float) -> None:
    points = torch.rand(3, 68, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 200 - 20
    codec = CoordinateCodec(low, high)
    coordinates = codec.encode(points, (96, 128))
    assert coordinates.shape == (3, 136)
    assert (codec.decode(coordinates, (96, 128)) - points).abs().max() < 1e-12


def test_the_published_forms() -> None:
    coordinates = torch.tensor([[-1.0, 0.0, 0.25, 1.0]])
    # insightface python-package/insightface/model_zoo/landmark.py: (p + 1) · 96 in crops of 192.
    assert torch.allclose(CoordinateCodec(-1, 1).decode(coordinates, (192, 192)).flatten(), (coordinates + 1) * 96)
    # PFLD: p · 112; x and y in turn.
    assert CoordinateCodec().decode(torch.tensor([[0.5, 0.25]]), (112, 112)).tolist() == [[[56.0, 28.0]]]
    assert CoordinateCodec().encode(torch.tensor([[[10.0, 30.0]]]), (60, 40)).tolist() == [[0.25, 0.5]]


def test_a_range_without_length_is_refused() -> None:
    with pytest.raises(UserError, match='must differ'):
        CoordinateCodec(1.0, 1.0)
