"""Evaluation protocols: plain numpy functions under thin metric classes."""

from faceresearch.evaluation.coco_map import FaceCocoMetric
from faceresearch.evaluation.foreign import ForeignMetric
from faceresearch.evaluation.landmark_nme import MatchedLandmarkNME
from faceresearch.evaluation.stored import DumpDetections, evaluate_predictions
from faceresearch.evaluation.wider_face import SynthFacesMetric, WiderFaceMetric

__all__ = [
    'DumpDetections',
    'FaceCocoMetric',
    'ForeignMetric',
    'MatchedLandmarkNME',
    'SynthFacesMetric',
    'WiderFaceMetric',
    'evaluate_predictions',
]
