"""Networks, losses and data preprocessors."""

from faceresearch.models import (
    backbones,
    classifiers,
    detectors,
    heads,
    landmarkers,
    losses,
    necks,
    parsers,
    recognizers,
)
from faceresearch.models.averaging import ExpMomentumEMA
from faceresearch.models.data_preprocessors import FaceDataPreprocessor

__all__ = [
    'ExpMomentumEMA',
    'FaceDataPreprocessor',
    'backbones',
    'classifiers',
    'detectors',
    'heads',
    'landmarkers',
    'losses',
    'necks',
    'parsers',
    'recognizers',
]
