"""Face detectors."""

from faceresearch.models.detectors.single_stage import SingleStageDetector

__all__ = ['SingleStageDetector']
