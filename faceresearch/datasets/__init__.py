"""Data sets."""

from faceresearch.datasets.coco_face import CocoFaceDataset
from faceresearch.datasets.folder_faces import ImageFolderFaceDataset
from faceresearch.datasets.record_faces import RecordFaceDataset
from faceresearch.datasets.shard_faces import WebFaceShards
from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = [
    'CocoFaceDataset',
    'ImageFolderFaceDataset',
    'RecordFaceDataset',
    'SynthFacesDataset',
    'WebFaceShards',
    'WiderFaceDataset',
]
