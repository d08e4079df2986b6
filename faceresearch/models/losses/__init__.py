"""Losses."""

from faceresearch.models.losses.adaface import AdaFace
from faceresearch.models.losses.arcface import ArcFace, CombinedMargin
from faceresearch.models.losses.cosface import CosFace
from faceresearch.models.losses.curricularface import CurricularFace
from faceresearch.models.losses.dfl import DistributionFocalLoss
from faceresearch.models.losses.elasticface import ElasticFace
from faceresearch.models.losses.iou import IoULoss, elementwise_iou
from faceresearch.models.losses.keypoint import OKSKeypointLoss
from faceresearch.models.losses.magface import MagFace
from faceresearch.models.losses.margin import Margin
from faceresearch.models.losses.multibox import MultiBoxLoss
from faceresearch.models.losses.ohem import OHEMCrossEntropy
from faceresearch.models.losses.points import AdaptiveWingLoss, SmoothL1PointLoss, SoftWingLoss, soft_wing
from faceresearch.models.losses.scrfd import SCRFDLoss
from faceresearch.models.losses.softmax import NormFace, PlainSoftmax
from faceresearch.models.losses.sphereface import SphereFace, SphereFaceR
from faceresearch.models.losses.wing import WingLoss, wing
from faceresearch.models.losses.yolov8_face import YOLOv8FaceLoss

__all__ = [
    'AdaFace',
    'AdaptiveWingLoss',
    'ArcFace',
    'CombinedMargin',
    'CosFace',
    'CurricularFace',
    'DistributionFocalLoss',
    'ElasticFace',
    'IoULoss',
    'MagFace',
    'Margin',
    'MultiBoxLoss',
    'NormFace',
    'OHEMCrossEntropy',
    'OKSKeypointLoss',
    'PlainSoftmax',
    'SCRFDLoss',
    'SmoothL1PointLoss',
    'SoftWingLoss',
    'SphereFace',
    'SphereFaceR',
    'WingLoss',
    'YOLOv8FaceLoss',
    'elementwise_iou',
    'soft_wing',
    'wing',
]
