"""faceresearch: train, test and export face models from inheritable Python configs."""

from __future__ import annotations

from typing import Any

__version__ = '0.1.0'

_LAZY = {'init_model': 'faceresearch.apis', 'inference': 'faceresearch.apis', 'FaceAnalyzer': 'faceresearch.apis'}
__all__ = ['__version__', *_LAZY]


def __getattr__(name: str) -> Any:
    # Resolved on first use: importing the package must not import torch.
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
