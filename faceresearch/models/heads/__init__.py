"""Heads."""

from faceresearch.models.heads.bisenet_head import BiSeNetHead
from faceresearch.models.heads.coordinate_head import CoordinateHead
from faceresearch.models.heads.dense import DenseFaceHead
from faceresearch.models.heads.face_mask_head import FaceMaskHead
from faceresearch.models.heads.margin_head import MarginHead
from faceresearch.models.heads.retinaface_head import RetinaFaceHead
from faceresearch.models.heads.scrfd_head import SCRFDHead
from faceresearch.models.heads.yolov5_face_head import YOLOv5FaceHead
from faceresearch.models.heads.yolov8_face_head import YOLOv8FaceHead

__all__ = [
    'BiSeNetHead',
    'CoordinateHead',
    'DenseFaceHead',
    'FaceMaskHead',
    'MarginHead',
    'RetinaFaceHead',
    'SCRFDHead',
    'YOLOv5FaceHead',
    'YOLOv8FaceHead',
]
