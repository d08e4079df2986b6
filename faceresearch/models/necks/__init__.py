"""Necks: feature pyramids between backbone and head."""

from faceresearch.models.necks.retinaface_fpn import RetinaFaceFPN
from faceresearch.models.necks.yolov5_pan import YOLOv5PAN

__all__ = ['RetinaFaceFPN', 'YOLOv5PAN']
