"""Heads."""

from faceresearch.models.heads.dense import DenseFaceHead
from faceresearch.models.heads.retinaface_head import RetinaFaceHead

__all__ = ['DenseFaceHead', 'RetinaFaceHead']
