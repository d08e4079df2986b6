"""The stand-ins must be in place before a test module imports mmcv's operators."""

from __future__ import annotations

from faceresearch import compat

compat.install()
