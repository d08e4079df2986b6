"""Checkpoint converters: one module per origin, each a complete and strict map of tensor names."""

from faceresearch.zoo.converters.arcface import ARCFACE
from faceresearch.zoo.converters.base import ConversionReport, Converter, convert, find_converter
from faceresearch.zoo.converters.bisenet import BISENET
from faceresearch.zoo.converters.ddamfn import DDAMFN
from faceresearch.zoo.converters.deepface_attributes import DEEPFACE_TORCH
from faceresearch.zoo.converters.edgeface import EDGEFACE
from faceresearch.zoo.converters.facenet import FACENET_PYTORCH
from faceresearch.zoo.converters.fairface import FAIRFACE
from faceresearch.zoo.converters.foamliu import FOAMLIU
from faceresearch.zoo.converters.gaze import L2CS, YAKHYO_GAZE
from faceresearch.zoo.converters.ir import IR
from faceresearch.zoo.converters.minifasnet import MINIFASNET, YAKHYO_MINIFASNET
from faceresearch.zoo.converters.mmpose import MMPOSE
from faceresearch.zoo.converters.pfld import CUNJIAN_PFLD, PFLD_LITE, POLARISZHAO_PFLD
from faceresearch.zoo.converters.retinaface import BIUBUG6, BIUBUG6_BACKBONE, YAKHYO
from faceresearch.zoo.converters.scrfd import INSIGHTFACE_SCRFD, INSIGHTFACE_SCRFD_RESNET
from faceresearch.zoo.converters.sphereface import CLCARWIN
from faceresearch.zoo.converters.xseg import DEEPFACELAB_XSEG
from faceresearch.zoo.converters.yakhyo_recognition import YAKHYO_RECOGNITION
from faceresearch.zoo.converters.yolov5_face import YOLOV5_FACE
from faceresearch.zoo.converters.yolov8_face import YOLOV8_FACE

#: In the order they are tried.
CONVERTERS: tuple[Converter, ...] = (
    BIUBUG6,
    YAKHYO,
    BIUBUG6_BACKBONE,
    *YOLOV5_FACE,
    *YOLOV8_FACE,
    *BISENET,
    DEEPFACELAB_XSEG,
    INSIGHTFACE_SCRFD,
    INSIGHTFACE_SCRFD_RESNET,
    *YAKHYO_RECOGNITION,
    CLCARWIN,
    FACENET_PYTORCH,
    EDGEFACE,
    FOAMLIU,
    *ARCFACE,
    *IR,
    *MMPOSE,
    *MINIFASNET,
    YAKHYO_MINIFASNET,
    PFLD_LITE,
    POLARISZHAO_PFLD,
    CUNJIAN_PFLD,
    YAKHYO_GAZE,
    L2CS,
    *DEEPFACE_TORCH,
    DDAMFN,
    FAIRFACE,
)

__all__ = ['CONVERTERS', 'ConversionReport', 'Converter', 'convert', 'find_converter']
