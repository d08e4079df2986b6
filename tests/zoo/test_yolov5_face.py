"""YOLOv5-Face's published state dict and parameter counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint

CONFIG = 'yolov5_face_n_0_5_widerface'


@pytest.fixture
def published(shared_dir: Path) -> Path:
    return shared_dir / 'weights/yolov5_face/yolov5n-0.5_state_dict.pth'


def test_the_published_state_dict_becomes_a_whole_model(published: Path, tmp_path: Path) -> None:
    conversion = convert_checkpoint(published, CONFIG, tmp_path / 'out.safetensors')
    assert len(conversion.report.mapped) == 499 and list(conversion.report.dropped) == ['model.21.anchor_grid']
    assert conversion.parameters == 447_456
    state, _ = read_checkpoint(tmp_path / 'out.safetensors')
    original = torch.load(published, map_location='cpu', weights_only=True)
    torch.testing.assert_close(state['head.convs.2.bias'], original['model.21.m.2.bias'].float(), rtol=0, atol=0)
    # Anchors belong to the weights, in cells.
    torch.testing.assert_close(state['head.anchors'] * torch.tensor([8, 16, 32]).view(3, 1, 1), _pixels(original))


def _pixels(original: dict[str, torch.Tensor]) -> torch.Tensor:
    return original['model.21.anchor_grid'].float().view(3, 3, 2)


def test_another_width_is_refused_whole(published: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='right config'):
        convert_checkpoint(published, 'yolov5_face_n_widerface', tmp_path / 'out.safetensors')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('size', 'millions', 'digits'),
    [
        ('n_0_5', 0.447456, 6),
        ('n', 1.725744, 6),
        ('s', 7.074640, 6),
        ('m', 21.063024, 6),
        ('l', 46.626832, 6),
        # Published to three digits.
        ('s6', 12.386, 3),
        ('m6', 35.485, 3),
        ('l6', 76.674, 3),
    ],
)
def test_parameters_are_those_published(size: str, millions: float, digits: int) -> None:
    with torch.device('meta'):
        model = MODELS.build(load_config(f'yolov5_face_{size}_widerface').model)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, digits) == millions
