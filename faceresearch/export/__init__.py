"""Export to ONNX: tracing, metadata, and the comparison with torch."""

from faceresearch.export.metadata import read_contract, read_metadata

__all__ = ['read_contract', 'read_metadata']
