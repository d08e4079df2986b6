"""Data sets."""

from faceresearch.datasets.coco_face import CocoFaceDataset
from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = ['CocoFaceDataset', 'SynthFacesDataset', 'WiderFaceDataset']
