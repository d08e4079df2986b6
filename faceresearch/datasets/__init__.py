"""Data sets."""

from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = ['WiderFaceDataset']
