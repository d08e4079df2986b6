"""Face parsing: a class for every pixel of a face."""

from faceresearch.models.parsers.face_parser import FaceParser
from faceresearch.models.parsers.test_time import ParsingMultiScaleFlip

__all__ = ['FaceParser', 'ParsingMultiScaleFlip']
