"""What the networks that embed faces share: one size of input."""

from __future__ import annotations

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
