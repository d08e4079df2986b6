"""Readers and writers of the public annotation forms of face detection.

They depend on numpy and scipy only, take no file on trust, and give lists of :class:`FaceAnnotations`.
"""

from faceresearch.datasets.parsers.annotations import FaceAnnotations, Problems
from faceresearch.datasets.parsers.wider import FORMATS, detect_format, read_annotations

__all__ = ['FORMATS', 'FaceAnnotations', 'Problems', 'detect_format', 'read_annotations']
