"""YOLOv5-Face's boxes and points at anchors on a grid."""

from __future__ import annotations

import pytest
import torch

from faceresearch.codecs import AnchorGridCodec

LOCATION = torch.tensor([3.0, 5, 8, 10, 20])  # column 3, row 5, stride 8, anchor 10 × 20


def test_zero_outputs_are_the_anchor_in_the_middle_of_its_cell() -> None:
    codec = AnchorGridCodec()
    torch.testing.assert_close(codec.decode_boxes(torch.zeros(4), LOCATION), torch.tensor([28.0, 44, 10, 20]))
    # Points start from the cell's upper left corner.
    points = codec.decode_keypoints(torch.zeros(4), LOCATION)
    torch.testing.assert_close(points, torch.tensor([[24.0, 40], [24, 40]]))


def test_one_output_is_one_anchor_for_points() -> None:
    points = AnchorGridCodec().decode_keypoints(torch.tensor([1.0, -0.5]), LOCATION)
    torch.testing.assert_close(points, torch.tensor([[34.0, 30.0]]))


def test_boxes_reach_half_a_cell_beyond_and_four_anchors() -> None:
    codec = AnchorGridCodec()
    most = codec.decode_boxes(torch.full((4,), 40.0), LOCATION)
    torch.testing.assert_close(most, torch.tensor([(3 + 1.5) * 8, (5 + 1.5) * 8, 4 * 10, 4 * 20]))
    least = codec.decode_boxes(torch.full((4,), -40.0), LOCATION)
    torch.testing.assert_close(least, torch.tensor([(3 - 0.5) * 8, (5 - 0.5) * 8, 0, 0]), atol=1e-6, rtol=0)


def test_round_trip() -> None:
    codec = AnchorGridCodec()
    anchors = torch.tensor(codec.anchors[1], dtype=torch.float64)
    locations = codec.locations(4, 6, 16, anchors)
    raw = torch.randn(*locations.shape[:3], 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    boxes, points = codec.decode_boxes(raw[..., :4], locations), codec.decode_keypoints(raw[..., 4:], locations)
    torch.testing.assert_close(codec.encode_boxes(boxes, locations), raw[..., :4])
    torch.testing.assert_close(codec.encode_keypoints(points, locations), raw[..., 4:])


def test_locations_are_ordered_by_anchor_row_column() -> None:
    codec = AnchorGridCodec()
    locations = codec.locations(2, 3, 32, torch.tensor([[7.0, 8], [9, 10], [11, 12]])).flatten(0, 2)
    assert len(locations) == 18
    assert locations[4].tolist() == [1, 1, 32, 7, 8]
    assert locations[6].tolist() == [0, 0, 32, 9, 10]


def test_levels_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match='2 strides'):
        AnchorGridCodec(strides=(8, 16))
