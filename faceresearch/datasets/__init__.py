"""Data sets."""

from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = ['SynthFacesDataset', 'WiderFaceDataset']
