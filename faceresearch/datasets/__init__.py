"""Data sets."""

from faceresearch.datasets.coco_face import CocoFaceDataset
from faceresearch.datasets.folder_faces import ImageFolderFaceDataset
from faceresearch.datasets.pairs import CFPDataset, PairBinDataset, PairTxtDataset, RFWDataset
from faceresearch.datasets.parsing import CelebAMaskHQDataset, LaPaDataset, ParsingDataset
from faceresearch.datasets.record_faces import RecordFaceDataset
from faceresearch.datasets.shard_faces import WebFaceShards
from faceresearch.datasets.synth_identities import SynthIdentityDataset, SynthPairsDataset
from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.datasets.templates import IJBDataset, TinyFaceDataset
from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = [
    'CFPDataset',
    'CelebAMaskHQDataset',
    'CocoFaceDataset',
    'IJBDataset',
    'ImageFolderFaceDataset',
    'LaPaDataset',
    'PairBinDataset',
    'PairTxtDataset',
    'ParsingDataset',
    'RFWDataset',
    'RecordFaceDataset',
    'SynthFacesDataset',
    'SynthIdentityDataset',
    'SynthPairsDataset',
    'TinyFaceDataset',
    'WebFaceShards',
    'WiderFaceDataset',
]
