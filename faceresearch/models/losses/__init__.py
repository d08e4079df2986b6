"""Losses."""

from faceresearch.models.losses.multibox import MultiBoxLoss

__all__ = ['MultiBoxLoss']
