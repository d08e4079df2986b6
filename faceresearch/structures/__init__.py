"""The one sample type every model reads and writes."""

from faceresearch.structures.face_data_sample import FaceDataSample

__all__ = ['FaceDataSample']
