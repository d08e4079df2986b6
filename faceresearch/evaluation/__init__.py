"""Evaluation protocols: plain numpy functions under thin metric classes."""

from faceresearch.evaluation.attribute_files import DumpAttributes
from faceresearch.evaluation.attributes import AttributeMetric
from faceresearch.evaluation.coco_map import FaceCocoMetric
from faceresearch.evaluation.embeddings import DumpEmbeddings
from faceresearch.evaluation.foreign import ForeignMetric
from faceresearch.evaluation.gaze import GazeMetric
from faceresearch.evaluation.head_pose import HeadPoseMetric
from faceresearch.evaluation.ijb import IJBMetric
from faceresearch.evaluation.landmark_nme import MatchedLandmarkNME
from faceresearch.evaluation.landmarks import LandmarkMetric
from faceresearch.evaluation.mask_files import DumpMasks
from faceresearch.evaluation.parsing import FaceMaskMetric, ParsingMetric
from faceresearch.evaluation.spoof import SpoofMetric
from faceresearch.evaluation.stored import DumpDetections, evaluate_predictions
from faceresearch.evaluation.tinyface import TinyFaceMetric
from faceresearch.evaluation.verification import VerificationMetric
from faceresearch.evaluation.wider_face import SynthFacesMetric, WiderFaceMetric

__all__ = [
    'AttributeMetric',
    'DumpAttributes',
    'DumpDetections',
    'DumpEmbeddings',
    'DumpMasks',
    'FaceCocoMetric',
    'FaceMaskMetric',
    'ForeignMetric',
    'GazeMetric',
    'HeadPoseMetric',
    'IJBMetric',
    'LandmarkMetric',
    'MatchedLandmarkNME',
    'ParsingMetric',
    'SpoofMetric',
    'SynthFacesMetric',
    'TinyFaceMetric',
    'VerificationMetric',
    'WiderFaceMetric',
    'evaluate_predictions',
]
