"""Codecs: encoding of targets and decoding of outputs, one object for both."""

from faceresearch.codecs.anchor_grid import AnchorGridCodec
from faceresearch.codecs.coordinates import CoordinateCodec
from faceresearch.codecs.distance import DistanceCodec
from faceresearch.codecs.prior_box import PriorBoxCodec

__all__ = ['AnchorGridCodec', 'CoordinateCodec', 'DistanceCodec', 'PriorBoxCodec']
