"""Backbones. Each has ``out_channels``: the channels of the feature maps it returns."""

from faceresearch.models.backbones.mobilenet_v1 import MobileNetV1
from faceresearch.models.backbones.mobilenet_v2 import MobileNetV2
from faceresearch.models.backbones.resnet import ResNet
from faceresearch.models.backbones.resnet_v1e import ResNetV1e
from faceresearch.models.backbones.scrfd_mobilenet import SCRFDMobileNet
from faceresearch.models.backbones.timm import TimmBackbone
from faceresearch.models.backbones.yolov5_face import YOLOv5FaceCSPNet, YOLOv5FaceShuffleNet
from faceresearch.models.backbones.yolov8_face import YOLOv8FaceCSPNet, YOLOv8FaceShuffleNet

__all__ = [
    'MobileNetV1',
    'MobileNetV2',
    'ResNet',
    'ResNetV1e',
    'SCRFDMobileNet',
    'TimmBackbone',
    'YOLOv5FaceCSPNet',
    'YOLOv5FaceShuffleNet',
    'YOLOv8FaceCSPNet',
    'YOLOv8FaceShuffleNet',
]
