"""Heads."""

from faceresearch.models.heads.retinaface_head import RetinaFaceHead

__all__ = ['RetinaFaceHead']
