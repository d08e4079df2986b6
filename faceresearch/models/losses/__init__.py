"""Losses."""

from faceresearch.models.losses.dfl import DistributionFocalLoss
from faceresearch.models.losses.iou import IoULoss, elementwise_iou
from faceresearch.models.losses.keypoint import OKSKeypointLoss
from faceresearch.models.losses.multibox import MultiBoxLoss
from faceresearch.models.losses.scrfd import SCRFDLoss
from faceresearch.models.losses.wing import WingLoss, wing
from faceresearch.models.losses.yolov8_face import YOLOv8FaceLoss

__all__ = [
    'DistributionFocalLoss',
    'IoULoss',
    'MultiBoxLoss',
    'OKSKeypointLoss',
    'SCRFDLoss',
    'WingLoss',
    'YOLOv8FaceLoss',
    'elementwise_iou',
    'wing',
]
