"""Data sets."""

from faceresearch.datasets.attribute_tables import (
    AffectNetDataset,
    CelebAAttributesDataset,
    FairFaceDataset,
    ListedEmotionDataset,
    UTKFaceDataset,
)
from faceresearch.datasets.class_folders import ClassFolderDataset
from faceresearch.datasets.coco_face import CocoFaceDataset
from faceresearch.datasets.fer_sets import FER2013Dataset, FERPlusDataset
from faceresearch.datasets.folder_faces import ImageFolderFaceDataset
from faceresearch.datasets.gaze_sets import Gaze360Dataset, MPIIFaceGazeDataset
from faceresearch.datasets.head_pose_sets import BiwiDataset, PoseMatDataset
from faceresearch.datasets.landmark_mat import AFLWDataset, COFWDataset
from faceresearch.datasets.landmark_sets import (
    CocoLandmarkDataset,
    DlibXmlDataset,
    IBUG300WDataset,
    PointFilesDataset,
    PointsCsvDataset,
    WFLWDataset,
)
from faceresearch.datasets.landmarks import JoinedLandmarks
from faceresearch.datasets.pairs import CFPDataset, PairBinDataset, PairTxtDataset, RFWDataset
from faceresearch.datasets.parsing import CelebAMaskHQDataset, LaPaDataset, ParsingDataset
from faceresearch.datasets.record_faces import RecordFaceDataset
from faceresearch.datasets.shard_faces import WebFaceShards
from faceresearch.datasets.spoof_sets import CelebASpoofDataset
from faceresearch.datasets.spoof_videos import OuluNpuDataset, SiWDataset, SpoofListDataset
from faceresearch.datasets.synth_attributes import SynthAttributeDataset, SynthSpoofDataset
from faceresearch.datasets.synth_headshots import SynthLandmarkDataset, SynthParsingDataset
from faceresearch.datasets.synth_identities import SynthIdentityDataset, SynthPairsDataset
from faceresearch.datasets.synthfaces import SynthFacesDataset
from faceresearch.datasets.templates import IJBDataset, TinyFaceDataset
from faceresearch.datasets.wider_face import WiderFaceDataset

__all__ = [
    'AFLWDataset',
    'AffectNetDataset',
    'BiwiDataset',
    'CFPDataset',
    'COFWDataset',
    'CelebAAttributesDataset',
    'CelebAMaskHQDataset',
    'CelebASpoofDataset',
    'ClassFolderDataset',
    'CocoFaceDataset',
    'CocoLandmarkDataset',
    'DlibXmlDataset',
    'FER2013Dataset',
    'FERPlusDataset',
    'FairFaceDataset',
    'Gaze360Dataset',
    'IBUG300WDataset',
    'IJBDataset',
    'ImageFolderFaceDataset',
    'JoinedLandmarks',
    'LaPaDataset',
    'ListedEmotionDataset',
    'MPIIFaceGazeDataset',
    'OuluNpuDataset',
    'PairBinDataset',
    'PairTxtDataset',
    'ParsingDataset',
    'PointFilesDataset',
    'PointsCsvDataset',
    'PoseMatDataset',
    'RFWDataset',
    'RecordFaceDataset',
    'SiWDataset',
    'SpoofListDataset',
    'SynthAttributeDataset',
    'SynthFacesDataset',
    'SynthIdentityDataset',
    'SynthLandmarkDataset',
    'SynthPairsDataset',
    'SynthParsingDataset',
    'SynthSpoofDataset',
    'TinyFaceDataset',
    'UTKFaceDataset',
    'WFLWDataset',
    'WebFaceShards',
    'WiderFaceDataset',
]
