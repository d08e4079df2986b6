"""Landmark models."""

from faceresearch.models.landmarkers.coordinate import CoordinateLandmarker
from faceresearch.models.landmarkers.multi_scale import multi_scale_topdown
from faceresearch.models.landmarkers.test_time import LandmarkMultiScale

__all__ = ['CoordinateLandmarker', 'LandmarkMultiScale', 'multi_scale_topdown']
