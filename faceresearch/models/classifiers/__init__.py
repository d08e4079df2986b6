"""Attributes of a face: one model with named heads for classes, numbers, angles and rotations."""

from faceresearch.models.classifiers.attention import AttentionDiversity
from faceresearch.models.classifiers.attribute_model import AttributeModel
from faceresearch.models.classifiers.fourier import FourierBranch
from faceresearch.models.classifiers.fusion import FusedAttributes
from faceresearch.models.classifiers.heads import (
    AttributeHead,
    BinnedHead,
    ClassHead,
    MultiLabelHead,
    RegressionHead,
    RotationHead,
)

__all__ = [
    'AttentionDiversity',
    'AttributeHead',
    'AttributeModel',
    'BinnedHead',
    'ClassHead',
    'FourierBranch',
    'FusedAttributes',
    'MultiLabelHead',
    'RegressionHead',
    'RotationHead',
]
