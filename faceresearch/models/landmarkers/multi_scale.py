"""The name by which configs ask for mmpose's models at several scales; mmpose is imported when one does."""

from __future__ import annotations

from typing import Any

from torch import nn

from faceresearch.registry import MODELS


@MODELS.register_module()
def MultiScaleTopdown(
    backbone: dict[str, Any],
    test_aug: Any,
    neck: dict[str, Any] | None = None,
    head: dict[str, Any] | None = None,
    train_cfg: dict[str, Any] | None = None,
    test_cfg: dict[str, Any] | None = None,
    data_preprocessor: dict[str, Any] | None = None,
    init_cfg: dict[str, Any] | None = None,
    metainfo: dict[str, Any] | None = None,
) -> nn.Module:
    """Return a :class:`~faceresearch.models.landmarkers.topdown.MultiScaleTopdownEstimator` of these arguments."""
    from faceresearch.models.landmarkers.topdown import MultiScaleTopdownEstimator

    return MultiScaleTopdownEstimator(
        backbone, test_aug, neck, head, train_cfg, test_cfg, data_preprocessor, init_cfg, metainfo
    )
