"""What other programs call: build a model, run it on images, analyse faces, train, test."""

from __future__ import annotations

from typing import Any

from faceresearch.apis.model import inference, init_model

_LAZY = {
    'Face': 'faceresearch.analysis.face',
    'FaceAnalyzer': 'faceresearch.analysis.analyzer',
    'Verification': 'faceresearch.analysis.verification',
}
__all__ = ['Face', 'FaceAnalyzer', 'Verification', 'inference', 'init_model']


def __getattr__(name: str) -> Any:
    # On first use: what builds on these modules must be able to import them.
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
