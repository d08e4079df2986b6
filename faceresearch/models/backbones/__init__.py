"""Backbones. Each has ``out_channels``: the channels of the feature maps it returns."""

from faceresearch.models.backbones.mobilenet_v1 import MobileNetV1
from faceresearch.models.backbones.mobilenet_v2 import MobileNetV2
from faceresearch.models.backbones.resnet import ResNet
from faceresearch.models.backbones.timm import TimmBackbone
from faceresearch.models.backbones.yolov5_face import YOLOv5FaceCSPNet, YOLOv5FaceShuffleNet

__all__ = ['MobileNetV1', 'MobileNetV2', 'ResNet', 'TimmBackbone', 'YOLOv5FaceCSPNet', 'YOLOv5FaceShuffleNet']
