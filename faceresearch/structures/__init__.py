"""The one sample type every model reads and writes, and a batch of it in one piece."""

from faceresearch.structures.face_batch import FaceBatch
from faceresearch.structures.face_data_sample import FaceDataSample, instance_data

__all__ = ['FaceBatch', 'FaceDataSample', 'instance_data']
