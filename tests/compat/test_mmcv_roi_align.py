"""RoIAlign through mmcv's own layer, against sampling pixel by pixel and against differences of its outputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmcv.ops import RoIAlign, roi_align

ROIS = torch.tensor(
    [[0, 2.0, 3.0, 17.5, 12.0], [1, 0.0, 0.0, 30.0, 30.0], [0, 5.2, 5.1, 6.0, 5.9], [1, 20.0, 3.0, 23.0, 29.0]]
)


def sample(plane: np.ndarray, y: float, x: float) -> float:
    """Bilinear value; zero more than a pixel outside, the border's value within that pixel."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = plane[top, left] * (1 - dx) + plane[top, right] * dx
    lower = plane[bottom, left] * (1 - dx) + plane[bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def align_by_hand(maps, rois, size: int, scale: float, ratio: int, mode: str, aligned: bool) -> np.ndarray:
    """He et al., ICCV 2017, section 3: regular samples in each bin, then their mean or maximum."""
    maps, rois = maps.numpy(), rois.numpy().astype(np.float64)
    output = np.zeros((len(rois), maps.shape[1], size, size))
    for index, (image, *box) in enumerate(rois):
        x1, y1, x2, y2 = np.array(box) * scale - (0.5 if aligned else 0.0)
        width, height = (x2 - x1, y2 - y1) if aligned else (max(x2 - x1, 1.0), max(y2 - y1, 1.0))
        columns = ratio or math.ceil(width / size)
        rows = ratio or math.ceil(height / size)
        for channel, row, column in np.ndindex(maps.shape[1], size, size):
            values = [
                sample(
                    maps[int(image), channel],
                    y1 + (row + (i + 0.5) / rows) * height / size,
                    x1 + (column + (j + 0.5) / columns) * width / size,
                )
                for i in range(rows)
                for j in range(columns)
            ]
            output[index, channel, row, column] = max(values) if mode == 'max' else sum(values) / len(values)
    return output


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('scale', [1.0, 0.25])
def test_the_values_are_those_of_the_definition(aligned: bool, ratio: int, mode: str, scale: float) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 2, int(32 * scale), int(32 * scale))
    layer = RoIAlign(3, scale, sampling_ratio=ratio, pool_mode=mode, aligned=aligned)
    expected = align_by_hand(maps, ROIS, 3, scale, ratio, mode, aligned)
    np.testing.assert_allclose(layer(maps, ROIS).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_the_gradient_is_that_of_the_output(aligned: bool, ratio: int, mode: str) -> None:
    torch.manual_seed(1)
    maps = torch.randn(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    rois = ROIS.double()

    def pool(x: torch.Tensor) -> torch.Tensor:
        return roi_align(x, rois, 2, 0.25, ratio, mode, aligned)

    assert torch.autograd.gradcheck(pool, (maps,), eps=1e-6, atol=1e-6)


def test_a_region_of_two_pixels_by_hand() -> None:
    # Region (0, 0, 1, 1) of [[1, 2], [3, 4]], aligned: samples at -0.375 ... 0.375, those below 0 on the border.
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    output = roi_align(maps, torch.tensor([[0.0, 0, 0, 1, 1]]), 2, 1.0, 2, 'avg', True)
    torch.testing.assert_close(output, torch.tensor([[[[1.0, 1.25], [1.5, 1.75]]]]))
    output.sum().backward()
    # Each axis gives weight 1 + 3/4 to its first pixel and 1/4 to its second.
    torch.testing.assert_close(maps.grad, torch.tensor([[[[3.0625, 0.4375], [0.4375, 0.0625]]]]))


def test_no_regions() -> None:
    maps = torch.randn(1, 2, 8, 8, requires_grad=True)
    for mode in ('avg', 'max'):
        output = roi_align(maps, torch.zeros(0, 5), 7, 1.0, 0, mode, True)
        assert output.shape == (0, 2, 7, 7)
        output.sum().backward()
    assert maps.grad is not None
    assert not maps.grad.any()
