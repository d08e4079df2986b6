"""Sample transforms: dict → dict, drawing randomness from ``results['rng']`` only."""

from faceresearch.transforms.aligned_face import AlignFace
from faceresearch.transforms.attributes import (
    CropFaceScales,
    FlipAttributes,
    FourierTarget,
    RandomResizedCrop,
    RandomRotate,
)
from faceresearch.transforms.crop_face import CropFace
from faceresearch.transforms.formatting import PackFaceInputs
from faceresearch.transforms.geometric import PadToSquare, RandomFlip, RandomInterpolationResize, RandomSquareCrop
from faceresearch.transforms.loading import LoadImage
from faceresearch.transforms.masks import LoadFaceMask, RandomCrop, RandomScale, RandomSimilarity
from faceresearch.transforms.mosaic import Mosaic, RandomAffine
from faceresearch.transforms.photometric import ColorDistortion, RandomHSV
from faceresearch.transforms.recognition import RandomColorJitter, RandomCropOnBlack, RandomErasing, RandomLowResolution
from faceresearch.transforms.resize import ResizeForTest
from faceresearch.transforms.sanitize import SanitizeBoxes
from faceresearch.transforms.windows import CentreCrop, CropAroundPoints, CropFacePart

__all__ = [
    'AlignFace',
    'CentreCrop',
    'ColorDistortion',
    'CropAroundPoints',
    'CropFace',
    'CropFacePart',
    'CropFaceScales',
    'FlipAttributes',
    'FourierTarget',
    'LoadFaceMask',
    'LoadImage',
    'Mosaic',
    'PackFaceInputs',
    'PadToSquare',
    'RandomAffine',
    'RandomColorJitter',
    'RandomCrop',
    'RandomCropOnBlack',
    'RandomErasing',
    'RandomFlip',
    'RandomHSV',
    'RandomInterpolationResize',
    'RandomLowResolution',
    'RandomResizedCrop',
    'RandomRotate',
    'RandomScale',
    'RandomSimilarity',
    'RandomSquareCrop',
    'ResizeForTest',
    'SanitizeBoxes',
]
