"""Codecs: one object encodes targets for training and decodes outputs for inference."""

from faceresearch.codecs.prior_box import PriorBoxCodec

__all__ = ['PriorBoxCodec']
