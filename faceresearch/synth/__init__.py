"""SynthFaces: a procedural renderer of photographs with faces, the data set that needs no download."""

from __future__ import annotations

from .identity import Appearance, Expression, Identity, Pose, sample_identity
from .parts import Part
from .scene import RENDERER_VERSION, FaceParameters, Scene, difficulty_of, render_scene

__all__ = [
    'RENDERER_VERSION',
    'Appearance',
    'Expression',
    'FaceParameters',
    'Identity',
    'Part',
    'Pose',
    'Scene',
    'difficulty_of',
    'render_scene',
    'sample_identity',
]
