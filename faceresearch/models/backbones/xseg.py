"""The network of XSeg: a U-net of filter response norm, with a dense layer in the middle that sees the whole face."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS

#: Side of the input: the dense layers take a map of fixed size.
INPUT_SIZE = 256
#: Of each stage of the encoder: multiple of the base channels, convolutions, taps of the blur before halving.
_ENCODER = ((1, 2, 4), (2, 2, 3), (4, 2, 2), (8, 3, 2), (8, 3, 2), (8, 3, 2))
#: Of each stage of the decoder, from coarse to fine: multiples after enlarging and after the convolutions, convolutions.
_DECODER = ((4, 8, 3), (4, 8, 3), (4, 8, 3), (4, 4, 2), (2, 2, 2), (1, 1, 2))
_BINOMIAL = {2: (1.0, 1.0), 3: (1.0, 2.0, 1.0), 4: (1.0, 3.0, 3.0, 1.0)}


class FilterResponseNorm(nn.Module):
    """Filter response normalisation and thresholded linear unit (Singh and Krishnan, CVPR 2020, arXiv:1911.09737).

    ν² is the mean of x² over an image's map; the result is max(γ x / √(ν² + |ε|) + β, τ), with γ, β, τ per channel and one ε.

    Args:
        channels: of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = nn.Parameter(torch.tensor([1e-6]))
        self.tau = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        # Squares of half precision have too few digits for a mean over a whole map.
        power = x.float().square() if x.dtype.itemsize < 4 else x.square()
        scale = self.weight[:, None, None] * torch.rsqrt(power.mean((2, 3), keepdim=True) + self.eps.abs())
        # max(y, τ) = relu(y − τ) + τ, whose gradient takes a quarter of the time.
        above = torch.addcmul((self.bias - self.tau)[:, None, None].to(x.dtype), x, scale.to(x.dtype))
        return F.relu(above) + self.tau[:, None, None].to(x.dtype)


class BlurPool(nn.Module):
    """Halve a map after a binomial blur (Zhang, ICML 2019, arXiv:1904.11486).

    Args:
        taps: 2, 3 or 4; the zeros around the map are ⌊(taps − 1) / 2⌋ before and ⌈(taps − 1) / 2⌉ after.
    """

    kernel: Tensor

    def __init__(self, taps: int) -> None:
        super().__init__()
        line = torch.tensor(_BINOMIAL[taps])
        square = line[:, None] * line
        self.register_buffer('kernel', (square / square.sum())[None, None], persistent=False)
        before, after = (taps - 1) // 2, taps // 2
        self.padding = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H / 2, W / 2)."""
        kernel = self.kernel.to(x.dtype).expand(x.shape[1], -1, -1, -1)
        return F.conv2d(F.pad(x, self.padding), kernel, stride=2, groups=x.shape[1])


class _Unit(nn.Sequential):
    """A 3 × 3 convolution, normalised."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 3, padding=1), FilterResponseNorm(out_channels))


class _Enlarge(nn.Module):
    """A transposed 3 × 3 convolution of stride 2, normalised; TensorFlow's 'same': the last row and column are cut off."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2)
        self.norm = FilterResponseNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)[:, :, :-1, :-1])


def _units(in_channels: int, out_channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Unit(in_channels if i == 0 else out_channels, out_channels) for i in range(count)))


@MODELS.register_module()
class XSegNet(BaseModule):
    """Encoder and decoder of DeepFaceLab's XSeg, for images of 256 × 256.

    Six stages halve the map to 4 × 4, two dense layers mix all of it, six stages enlarge it again and take in the encoder's
    maps from before each halving. From shapes and papers; the original's code is GPL and was not used.

    Args:
        channels: of the finest maps; the coarsest have eight times as many.
        bottleneck: numbers between the two dense layers.

    Raises:
        UserError: a count is not positive.
    """

    def __init__(self, channels: int = 32, bottleneck: int = 512) -> None:
        super().__init__()
        if channels < 1 or bottleneck < 1:
            raise UserError(f'XSegNet: channels={channels}, bottleneck={bottleneck}: both are at least 1')
        self.encoder, self.pools = nn.ModuleList(), nn.ModuleList()
        before = 3
        for multiple, count, taps in _ENCODER:
            self.encoder.append(_units(before, channels * multiple, count))
            self.pools.append(BlurPool(taps))
            before = channels * multiple
        self.coarse = (before, INPUT_SIZE // 2 ** len(_ENCODER), INPUT_SIZE // 2 ** len(_ENCODER))
        size = self.coarse[0] * self.coarse[1] * self.coarse[2]
        self.dense = nn.Sequential(nn.Linear(size, bottleneck), nn.Linear(bottleneck, size))
        self.enlarge, self.decoder = nn.ModuleList(), nn.ModuleList()
        for (enlarged, after, count), (skipped, _, _) in zip(_DECODER, _ENCODER[::-1], strict=True):
            self.enlarge.append(_Enlarge(before, channels * enlarged))
            self.decoder.append(_units(channels * (enlarged + skipped), channels * after, count))
            before = channels * after
        self.out_channels = (before,)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map images (N, 3, 256, 256) to features (N, channels, 256, 256).

        Raises:
            UserError: the images have another size.
        """
        if tuple(x.shape[-2:]) != (INPUT_SIZE, INPUT_SIZE):
            raise UserError(f'XSegNet: takes images of {INPUT_SIZE} x {INPUT_SIZE}, not {x.shape[-1]} x {x.shape[-2]}')
        skips = []
        for stage, pool in zip(self.encoder, self.pools, strict=True):
            x = stage(x)
            skips.append(x)
            x = pool(x)
        x = self.dense(x.flatten(1)).unflatten(1, self.coarse)
        for enlarge, stage, skip in zip(self.enlarge, self.decoder, skips[::-1], strict=True):
            x = stage(torch.cat([enlarge(x), skip], 1))
        return (x,)
