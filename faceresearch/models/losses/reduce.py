"""Numbers that losses are divided by, over all processes."""

from __future__ import annotations

from mmengine.dist import all_reduce
from torch import Tensor


def mean_over_processes(value: Tensor) -> Tensor:
    """Return the average of a number over all processes, at least 1, to divide a loss by."""
    value = value.detach().clone()
    all_reduce(value, 'mean')
    return value.clamp(min=1)
