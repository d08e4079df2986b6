"""Numbers that losses are divided by, over all processes."""

from __future__ import annotations

from mmengine.dist import all_reduce
from torch import Tensor


def mean_over_processes(value: Tensor, at_least: float = 1.0) -> Tensor:
    """Return the average of a number over all processes, to divide a loss by.

    Args:
        value: this process's, a scalar.
        at_least: a smaller average becomes this.
    """
    value = value.detach().clone()
    all_reduce(value, 'mean')
    return value.clamp(min=at_least)
