"""Batches and loss terms of YOLOv5-Face's golden training runs."""

from __future__ import annotations

from torch import Tensor

# The file has the form of YOLOv8-Face's.
from tests.parity.steps_yolov8_face import batch

__all__ = ['batch', 'terms']


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original reports the weighted terms before it multiplies them by the number of images.

    With one class its class loss is 0; we have none.
    """
    names = {'box': 'loss_box', 'obj': 'loss_objectness', 'landmark': 'loss_landmark'}
    return {'cls': 0.0, **{name: losses[ours].item() / images for name, ours in names.items()}}
