"""Face detectors."""

from faceresearch.models.detectors.single_stage import SingleStageDetector
from faceresearch.models.detectors.test_time import MultiScaleFlip

__all__ = ['MultiScaleFlip', 'SingleStageDetector']
