"""Losses."""

from faceresearch.models.losses.iou import IoULoss, elementwise_iou
from faceresearch.models.losses.multibox import MultiBoxLoss
from faceresearch.models.losses.scrfd import SCRFDLoss
from faceresearch.models.losses.wing import WingLoss, wing

__all__ = ['IoULoss', 'MultiBoxLoss', 'SCRFDLoss', 'WingLoss', 'elementwise_iou', 'wing']
