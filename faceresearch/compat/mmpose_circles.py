"""mmpose's OpenCV visualizer draws points again.

mmpose 1.3.2 hands a radius over as an array of one number and calls ``int`` on it, which numpy 2.4 no longer allows
(mmpose/visualization/local_visualizer.py, opencv_backend_visualizer.py; no upstream issue). May go when mmpose passes a
number.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np


def patch(module: ModuleType) -> None:
    """Let ``draw_circles`` of mmpose.visualization.opencv_backend_visualizer take a radius in an array."""
    original = module.OpencvBackendVisualizer.draw_circles

    @functools.wraps(original)
    def draw_circles(self: Any, center: Any, radius: Any, *args: Any, **kwargs: Any) -> Any:
        if self.backend == 'opencv':
            radius = np.asarray(radius).reshape(-1)[0]
        return original(self, center, radius, *args, **kwargs)

    module.OpencvBackendVisualizer.draw_circles = draw_circles
