"""What the networks that embed faces share: one size of input, and full precision where they end."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from faceresearch.errors import UserError


def require_size(images: Tensor, size: tuple[int, int], network: str) -> None:
    """Refuse images that are not of the one size (h, w) that a network with a fully connected layer takes.

    Args:
        images: (N, 3, H, W).
        size: what the network takes.
        network: its name, for the message.

    Raises:
        UserError: the images have another size.
    """
    if tuple(images.shape[2:]) != size:
        height, width = images.shape[2:]
        raise UserError(
            f'{network} takes aligned faces of {size[0]} x {size[1]} pixels, not {height} x {width}:'
            ' align them (faceresearch.transforms.alignment) or resize them first'
        )


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
