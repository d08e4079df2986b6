"""Landmark models."""

from faceresearch.models.landmarkers.coordinate import CoordinateLandmarker

__all__ = ['CoordinateLandmarker']
