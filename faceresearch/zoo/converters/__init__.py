"""Checkpoint converters: one module per origin, each a complete and strict map of tensor names."""

from faceresearch.zoo.converters.base import ConversionReport, Converter, convert, find_converter
from faceresearch.zoo.converters.retinaface import BIUBUG6, BIUBUG6_BACKBONE, YAKHYO

#: In the order they are tried.
CONVERTERS: tuple[Converter, ...] = (BIUBUG6, YAKHYO, BIUBUG6_BACKBONE)

__all__ = ['CONVERTERS', 'ConversionReport', 'Converter', 'convert', 'find_converter']
