"""Necks: feature pyramids between backbone and head, and what ends a network in an embedding."""

from faceresearch.models.necks.bisenet import BiSeNetNeck
from faceresearch.models.necks.embedding import GDC, FlattenBN
from faceresearch.models.necks.pafpn import PAFPN
from faceresearch.models.necks.retinaface_fpn import RetinaFaceFPN
from faceresearch.models.necks.yolov5_pan import YOLOv5PAN
from faceresearch.models.necks.yolov8_pan import YOLOv8FaceLitePAN, YOLOv8FacePAN

__all__ = [
    'GDC',
    'PAFPN',
    'BiSeNetNeck',
    'FlattenBN',
    'RetinaFaceFPN',
    'YOLOv5PAN',
    'YOLOv8FaceLitePAN',
    'YOLOv8FacePAN',
]
