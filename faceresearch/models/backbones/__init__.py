"""Backbones: with ``out_channels``, the channels of the feature maps they return, or ``embedding_size``."""

from faceresearch.models.backbones.ddamfn import DDAMFN
from faceresearch.models.backbones.deepface_emotion import DeepFaceEmotionNet
from faceresearch.models.backbones.deepid import DeepIDNet
from faceresearch.models.backbones.edgeface import EdgeFace
from faceresearch.models.backbones.face_mobilenet import FaceMobileNetV1, FaceMobileNetV2, FaceMobileNetV3
from faceresearch.models.backbones.face_vit import FaceViT
from faceresearch.models.backbones.foamliu_mobilefacenet import FoamliuMobileFaceNet
from faceresearch.models.backbones.inception_resnet_v1 import InceptionResNetV1
from faceresearch.models.backbones.iresnet import IResNet
from faceresearch.models.backbones.minifasnet import MiniFASNet
from faceresearch.models.backbones.mobilefacenet_insight import InsightMobileFaceNet
from faceresearch.models.backbones.mobilenet_2d106 import MobileNet2D106
from faceresearch.models.backbones.mobilenet_v1 import MobileNetV1
from faceresearch.models.backbones.mobilenet_v2 import MobileNetV2
from faceresearch.models.backbones.mobileone import MobileOne
from faceresearch.models.backbones.openface import OpenFaceNet
from faceresearch.models.backbones.pfld import PFLD, PFLDLite
from faceresearch.models.backbones.resnet import ResNet
from faceresearch.models.backbones.resnet_v1e import ResNetV1e
from faceresearch.models.backbones.scrfd_mobilenet import SCRFDMobileNet
from faceresearch.models.backbones.sphere import SphereNet
from faceresearch.models.backbones.timm import TimmBackbone
from faceresearch.models.backbones.vggface import VGGFaceNet
from faceresearch.models.backbones.xseg import XSegNet
from faceresearch.models.backbones.yolov5_face import YOLOv5FaceCSPNet, YOLOv5FaceShuffleNet
from faceresearch.models.backbones.yolov8_face import YOLOv8FaceCSPNet, YOLOv8FaceShuffleNet

__all__ = [
    'DDAMFN',
    'PFLD',
    'DeepFaceEmotionNet',
    'DeepIDNet',
    'EdgeFace',
    'FaceMobileNetV1',
    'FaceMobileNetV2',
    'FaceMobileNetV3',
    'FaceViT',
    'FoamliuMobileFaceNet',
    'IResNet',
    'InceptionResNetV1',
    'InsightMobileFaceNet',
    'MiniFASNet',
    'MobileNet2D106',
    'MobileNetV1',
    'MobileNetV2',
    'MobileOne',
    'OpenFaceNet',
    'PFLDLite',
    'ResNet',
    'ResNetV1e',
    'SCRFDMobileNet',
    'SphereNet',
    'TimmBackbone',
    'VGGFaceNet',
    'XSegNet',
    'YOLOv5FaceCSPNet',
    'YOLOv5FaceShuffleNet',
    'YOLOv8FaceCSPNet',
    'YOLOv8FaceShuffleNet',
]
