"""Distances from points on a grid."""

from __future__ import annotations

import pytest
import torch

from faceresearch.codecs import DistanceCodec


def test_points_of_two_anchors_at_the_corner_of_a_cell() -> None:
    points = DistanceCodec(strides=(8, 16), per_cell=2, centre=0).points((16, 20))
    # 2 x 3 cells of 8 px (the last column is cut), 1 x 2 of 16; both anchors of a cell follow each other.
    assert points.tolist()[:4] == [[0, 0, 8], [0, 0, 8], [8, 0, 8], [8, 0, 8]]
    assert points.tolist()[-3:] == [[0, 0, 16], [16, 0, 16], [16, 0, 16]]
    assert len(points) == 16 == sum(DistanceCodec(strides=(8, 16), per_cell=2, centre=0).counts((16, 20)))


def test_scrfd_form() -> None:
    codec = DistanceCodec(centre=0)
    point = torch.tensor([24.0, 40.0, 8.0])
    assert codec.decode_boxes(torch.tensor([1.0, 2.0, 3.0, 0.5]), point).tolist() == [16, 24, 48, 44]
    assert codec.decode_keypoints(torch.tensor([1.0, -2.0]), point).tolist() == [[32, 24]]


def test_yolov8_form() -> None:
    # Reference: key point = (2 raw + cell index) stride.
    codec = DistanceCodec(centre=0.5, keypoint_scale=2.0, keypoint_shift=0.5)
    point = codec.points((64, 64))[8 + 3]  # row 1, column 3, stride 8
    assert point.tolist() == [28, 12, 8]
    assert codec.decode_keypoints(torch.tensor([0.25, -1.0], dtype=torch.float64), point).tolist() == [[28, -8]]


@pytest.mark.parametrize(('scale', 'shift'), [(1.0, 0.0), (2.0, 0.5)])
def test_round_trip(scale: float, shift: float) -> None:
    codec = DistanceCodec(keypoint_scale=scale, keypoint_shift=shift)
    points = codec.points((96, 160))
    generator = torch.Generator().manual_seed(0)
    boxes = torch.rand(len(points), 4, generator=generator, dtype=torch.float64) * 100
    keypoints = torch.rand(len(points), 5, 2, generator=generator, dtype=torch.float64) * 100
    torch.testing.assert_close(codec.decode_boxes(codec.encode_boxes(boxes, points), points), boxes)
    torch.testing.assert_close(codec.decode_keypoints(codec.encode_keypoints(keypoints, points), points), keypoints)
