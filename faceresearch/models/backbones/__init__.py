"""Backbones. Each has ``out_channels``: the channels of the feature maps it returns."""

from faceresearch.models.backbones.mobilenet_v1 import MobileNetV1
from faceresearch.models.backbones.mobilenet_v2 import MobileNetV2
from faceresearch.models.backbones.resnet import ResNet
from faceresearch.models.backbones.timm import TimmBackbone

__all__ = ['MobileNetV1', 'MobileNetV2', 'ResNet', 'TimmBackbone']
