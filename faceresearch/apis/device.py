"""Where a model computes."""

from __future__ import annotations

import torch

from faceresearch.errors import UserError


def choose_device(name: str | None = None) -> torch.device:
    """Return the device called ``name``, by default the GPU where there is one.

    Raises:
        UserError: there is no such device here.
    """
    if name is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f'--device {name}: not available here ({reason}); use cpu, or cuda where there is a GPU'
        ) from error
    return device
