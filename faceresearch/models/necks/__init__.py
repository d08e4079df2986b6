"""Necks: feature pyramids between backbone and head."""

from faceresearch.models.necks.retinaface_fpn import RetinaFaceFPN

__all__ = ['RetinaFaceFPN']
