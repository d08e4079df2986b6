"""``mmcv._ext`` without a compiler: the operators that faces need, from torchvision and plain torch.

mmcv's Python side (``mmcv/ops/*.py``) calls these by name, with output buffers to be filled in place. Supplied:
``nms``, ``softnms``, ``roi_align_forward/backward``, ``sigmoid_focal_loss_forward/backward``, each on every device. Any other
operator can be looked up, because mmcv asks for all of them at import time, and raises when it is called.

Upstream: open-mmlab/mmcv#3303 (no wheels for current torch). May go when mmcv publishes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from faceresearch.compat.mmcv_focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from faceresearch.compat.mmcv_nms import nms, softnms
from faceresearch.compat.mmcv_roi_align import roi_align_backward, roi_align_forward
from faceresearch.errors import UserError

__all__ = [
    'nms',
    'roi_align_backward',
    'roi_align_forward',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softnms',
]


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith('_'):
        raise AttributeError(name)

    def missing(*args: object, **kwargs: object) -> NoReturn:
        raise UserError(
            f'mmcv operator {name!r} needs compiled code, and the installed mmcv has none: take a model without it, or '
            f'build mmcv where a compiler is (pip install --no-build-isolation --no-binary mmcv mmcv==2.1.0)'
        )

    missing.__name__ = name
    return missing
