"""Landmark models."""

from faceresearch.models.landmarkers.coordinate import CoordinateLandmarker
from faceresearch.models.landmarkers.multi_scale import MultiScaleTopdown
from faceresearch.models.landmarkers.test_time import LandmarkMultiScale

__all__ = ['CoordinateLandmarker', 'LandmarkMultiScale', 'MultiScaleTopdown']
