"""Evaluation protocols: plain numpy functions under thin metric classes."""

from faceresearch.evaluation.foreign import ForeignMetric
from faceresearch.evaluation.stored import DumpDetections, evaluate_predictions
from faceresearch.evaluation.wider_face import SynthFacesMetric, WiderFaceMetric

__all__ = ['DumpDetections', 'ForeignMetric', 'SynthFacesMetric', 'WiderFaceMetric', 'evaluate_predictions']
