"""The model of named heads: masks of missing labels, losses by hand, and what is predicted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.classifiers import AttributeModel, BinnedHead, ClassHead, MultiLabelHead
from faceresearch.structures import FaceDataSample


class Mean(nn.Module):
    """A feature map of the image itself."""

    out_channels = (3,)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x,)


def model(**heads: dict[str, Any]) -> AttributeModel:
    torch.manual_seed(0)
    return AttributeModel(Mean(), heads)


def samples(*labels: dict[str, Any]) -> list[FaceDataSample]:
    return [
        FaceDataSample(gt_attributes=BaseDataElement(**{name: torch.as_tensor(v) for name, v in row.items()}))
        for row in labels
    ]


def test_missing_labels_are_masked_head_by_head() -> None:
    net = model(
        gender={'type': 'ClassHead', 'labels': 'fairface/gender', 'loss_weight': 2.0},
        age={'type': 'RegressionHead', 'loss': 'l1', 'scale': 10.0, 'offset': 30.0},
    )
    images = torch.randn(3, 3, 4, 4)
    rows = samples({'gender': 1, 'age': float('nan')}, {'gender': -1, 'age': 40.0}, {'age': 20.0})
    losses = net(images, rows, mode='loss')
    gender, age = net(images, mode='tensor')
    assert losses['loss_gender'].item() == pytest.approx(2 * F.cross_entropy(gender[:1], torch.tensor([1])).item())
    expected = (age[1, 0] - 1).abs() / 2 + (age[2, 0] + 1).abs() / 2
    assert losses['loss_age'].item() == pytest.approx(expected.item())


def test_a_batch_without_any_label_of_a_head_trains_the_others() -> None:
    net = model(gender={'type': 'ClassHead', 'labels': 'fairface/gender'}, age={'type': 'RegressionHead'})
    losses = net(torch.randn(2, 3, 4, 4), samples({'age': 3.0}, {'age': 4.0}), mode='loss')
    assert losses['loss_gender'].item() == 0 and losses['loss_age'].item() > 0
    torch.stack(list(losses.values())).sum().backward()
    assert net.heads['gender'].fc.weight.grad.abs().sum() == 0


def test_predictions_are_fields_with_the_names_of_the_heads() -> None:
    net = model(
        emotion={'type': 'ClassHead', 'labels': ['sad', 'happy', 'angry']},
        yaw={'type': 'BinnedHead'},
        pose={'type': 'RotationHead'},
    )
    assert net.output_names == ('emotion', 'yaw', 'pose')
    found = net(torch.randn(2, 3, 4, 4), mode='predict')[1].pred_attributes
    assert found.emotion_scores.sum().item() == pytest.approx(1)
    assert int(found.emotion) == int(found.emotion_scores.argmax())
    assert found.yaw.shape == () and found.pose.shape == (3, 3) and found.pose_angles.shape == (3,)
    assert torch.allclose(found.pose @ found.pose.T, torch.eye(3), atol=1e-5)


def test_expectation_over_bins() -> None:
    head = BinnedHead(4, bins=90)
    for number in (0, 17, 89):
        logits = torch.full((1, 90), -1e4)
        logits[0, number] = 1e4
        assert head.decode(logits)[''].item() == number * 4 - 180
    assert BinnedHead(4, bins=90, centre=True).decode(logits)[''].item() == 89 * 4 - 178
    with pytest.raises(UserError, match='outside the bins'):
        head.loss(torch.zeros(1, 90), torch.tensor([180.0]))


def test_label_beyond_the_classes() -> None:
    with pytest.raises(UserError, match='there are 2 classes'):
        ClassHead(3, 'fairface/gender').loss(torch.zeros(1, 2), torch.tensor([2]))


def test_votes_and_several_properties_at_once() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5]])
    votes = torch.tensor([[0.5, 0.5, 0.0]])
    expected = -(votes * logits.log_softmax(1)).sum()
    found = ClassHead(3, ['a', 'b', 'c']).loss(logits, votes)['']
    assert found.item() == pytest.approx(expected.item())
    known = torch.tensor([[1, 0, -1]])
    expected = -(logits[0, 0].sigmoid().log() + (1 - logits[0, 1].sigmoid()).log()) / 2
    assert MultiLabelHead(3, ['a', 'b', 'c']).loss(logits, known)[''].item() == pytest.approx(expected.item())
