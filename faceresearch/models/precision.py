"""Full precision where half is not enough: positions, scores, and where networks end."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Return a context without autocast on the device of ``tensor``."""
    # Entered only where there is something to switch off: an exported graph need not know of it.
    kind = tensor.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()


def widened(tensor: Tensor) -> Tensor:
    """Return half-precision values as float32; others, double included, as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
