"""Readers and writers of the public annotation forms of face detection.

They depend on numpy, scipy and Pillow only, take no file on trust, and give lists of :class:`FaceAnnotations`.
:mod:`~faceresearch.datasets.parsers.forms` knows all forms by name.
"""

from faceresearch.datasets.parsers.annotations import FaceAnnotations, Problems
from faceresearch.datasets.parsers.wider import FORMATS, detect_format, read_annotations

__all__ = ['FORMATS', 'FaceAnnotations', 'Problems', 'detect_format', 'read_annotations']
