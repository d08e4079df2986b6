"""From an image of any size to a network's input, as nodes of a graph: what a test pipeline and a preprocessor do.

OpenCV's bilinear resizing of bytes works with fractions of 1/2048 and drops bits on the way; the nodes do the same with
whole numbers, so that the network sees the very pixels it sees in a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.graph import Graph

#: Fractions of a pixel are whole multiples of one part in this many.
_STEPS = 2048
#: Steps of test pipelines that do not change pixels.
_NEUTRAL = (
    'LoadImage',
    'LoadImageFromFile',
    'LoadAnnotations',
    'LoadFaceMask',
    'SanitizeBoxes',
    'GetBBoxCenterScale',
    'PackFaceInputs',
    'PackDetInputs',
    'PackPoseInputs',
)


@dataclass(frozen=True)
class Normalisation:
    """What a data preprocessor does to pixels.

    Args:
        mean: one value, or one per channel, in the network's order.
        std: likewise.
        flip: the channels' order is reversed first.
        divisor: height and width are padded to multiples of this, after normalisation.
        pad_value: with this value.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    flip: bool = False
    divisor: int = 1
    pad_value: float = 0.0

    @classmethod
    def of(cls, preprocessor: Any) -> Normalisation:
        """Read a data preprocessor of ours, of mmdet or of mmpose.

        Raises:
            UserError: it does more than normalise.
        """
        if preprocessor is None or not hasattr(preprocessor, 'mean'):
            raise UserError(
                f'--end2end: {type(preprocessor).__name__} has no mean and std that could go into the graph'
            )
        flip = getattr(preprocessor, 'bgr_to_rgb', getattr(preprocessor, '_channel_conversion', False))
        return cls(
            tuple(preprocessor.mean.flatten().tolist()),
            tuple(preprocessor.std.flatten().tolist()),
            bool(flip),
            int(getattr(preprocessor, 'pad_size_divisor', 1)),
            float(getattr(preprocessor, 'pad_value', 0.0)),
        )


@dataclass(frozen=True)
class Sizing:
    """How an image is brought to the size that a network sees.

    Args:
        rule: ``original`` leaves it; ``stretch`` to ``size``; ``short_side``: the smaller side to ``size[0]``, unless the
            larger one exceeded ``size[1]``; ``letterbox``: the larger side to ``size[0]``, padded; ``fit``: the largest size
            within ``size`` (smaller and larger side), as mmdet's ``Resize`` rounds it, padded to ``canvas`` if given.
        size: see ``rule``; (h, w) to stretch to.
        pad: grey value of the padding.
        centred: pad on all sides alike.
        rectangle: pad only to multiples of this; 0 pads to a square.
        canvas: (h, w) that ``fit`` pads to, right and below.
    """

    rule: str = 'original'
    size: tuple[int, int] = (0, 0)
    pad: float = 0.0
    centred: bool = False
    rectangle: int = 0
    canvas: tuple[int, int] | None = None


@dataclass
class Geometry:
    """Names of what is known in the graph about the image and its way to the network.

    Args:
        height, width: of the image, int64.
        scale: float32 (2,), x and y: pixels of the network's input per pixel of the image; None if they are the same.
        offset: float32 (2,), x and y: where the image begins in the network's input; None at 0.
        inner: height and width of the image in the network's input, int64.
    """

    height: str
    width: str
    scale: str | None = None
    offset: str | None = None
    inner: tuple[str, str] = field(default=('', ''))


def sizing_of(steps: Sequence[Mapping[str, Any]], fixed: tuple[int, int] | None) -> Sizing:
    """Read how a test pipeline sizes images.

    Steps that cut faces out are the caller's business: their crop is the image, and is stretched to its size.

    Args:
        steps: configs of the pipeline's steps.
        fixed: (h, w) of the one size that the network takes, if there is one.

    Raises:
        UserError: a step is not known.
    """
    from faceresearch.registry import TRANSFORMS

    sizing = Sizing('stretch', fixed) if fixed else Sizing()
    for step in steps:
        name = str(step['type']).rpartition('.')[2]
        if name in _NEUTRAL:
            continue
        if name == 'ResizeForTest':
            sizing = _of_rule(TRANSFORMS.build(dict(step)))
        elif name in ('CropFace', 'CropFaceScales', 'AlignFace'):
            size = TRANSFORMS.build(dict(step)).size
            sizing = Sizing('stretch', (size, size) if isinstance(size, int) else (size[0], size[1]))
        elif name == 'TopdownAffine':
            width, height = step['input_size']
            sizing = Sizing('stretch', (height, width))
        elif name == 'Resize' and step.get('keep_ratio'):
            sizing = Sizing('fit', (min(step['scale']), max(step['scale'])))
        elif name == 'Pad' and sizing.rule == 'fit' and step.get('size'):
            value = (step.get('pad_val') or {}).get('img', 0)
            value = value if isinstance(value, int | float) else value[0]
            width, height = step['size']
            sizing = Sizing('fit', sizing.size, float(value), canvas=(height, width))
        else:
            raise UserError(f'--end2end: no nodes for the step {name} of the test pipeline; export the raw outputs')
    return sizing


def _of_rule(resize: Any) -> Sizing:
    sizes = {'short_side': (resize.short, resize.long), 'original': (0, 0)}
    return Sizing(
        resize.rule,
        sizes.get(resize.rule, (resize.size, resize.size)),
        float(resize.pad_value),
        resize.centred,
        resize.rectangle,
    )


def add_pixels(
    g: Graph, image: str, sizing: Sizing, normalisation: Normalisation, channels: int
) -> tuple[str, Geometry]:
    """Add the nodes from images (N, H, W, channels) uint8 to normalised ones (N, channels, h, w) float32.

    Returns:
        The name of the network's input, and the geometry.
    """
    height, width = g.size(image, 1), g.size(image, 2)
    geometry = Geometry(height, width, inner=(height, width))
    if sizing.rule == 'original':
        pixels = g.cast(g('Transpose', image, perm=[0, 3, 1, 2]), np.float32)
    else:
        new, factor = _target(g, sizing, height, width)
        pixels = resize(g, image, (height, width), new, factor)
        geometry.inner = new
        geometry.scale = _pair(g, *factor[::-1])
        pixels, geometry.offset = _padded(g, pixels, sizing, new)
    return normalise(g, pixels, normalisation, channels), geometry


def normalise(g: Graph, pixels: str, normalisation: Normalisation, channels: int) -> str:
    """Add colour order, mean, standard deviation and padding to a multiple."""
    if normalisation.flip:
        pixels = g('Gather', pixels, np.arange(channels - 1, -1, -1), axis=1)
    for op, values, neutral in (('Sub', normalisation.mean, 0.0), ('Div', normalisation.std, 1.0)):
        # One number where all channels have the same: the nodes are faster.
        numbers = values[:1] if len(set(values)) == 1 else values
        if set(numbers) != {neutral}:
            pixels = g(op, pixels, np.array(numbers, np.float32).reshape(-1, 1, 1))
    if normalisation.divisor > 1:
        divisor = np.int64(normalisation.divisor)
        rests = [g('Mod', g('Neg', g.size(pixels, axis)), divisor) for axis in (2, 3)]
        pixels = _pad(g, pixels, ('', '', *rests), normalisation.pad_value)
    return pixels


def resize(g: Graph, image: str, old: tuple[str, str], new: tuple[str, str], factor: tuple[str, str]) -> str:
    """Add bilinear resizing as ``cv2.resize`` does it to uint8, bit for bit.

    Source: behaviour of OpenCV's INTER_LINEAR for 8 bits: weights in 1/2048, four bits of the sum of a row are dropped, then
    sixteen of each row's share, and the last two are rounded; compared with OpenCV 5 in tests.

    Args:
        g: graph.
        image: (N, H, W, C) uint8.
        old: height and width, int64.
        new: height and width, int64.
        factor: new pixels per old one in y and x, float64.

    Returns:
        (N, C, h, w) float32, whole numbers.
    """
    rows = _neighbours(g, old[0], new[0], factor[0], inside_only=False)
    columns = _neighbours(g, old[1], new[1], factor[1], inside_only=True)
    # Whole lines are gathered: the gathered axis comes before those that are left as they are.
    turned = g('Transpose', image, perm=[0, 2, 3, 1])
    shares = [
        g(
            'Mul',
            g.cast(g('Gather', turned, index, axis=1), np.float32),
            g('Unsqueeze', g('Mul', weight, 1 / 16), [1, 2]),
        )
        for index, weight in columns
    ]
    line = g('Transpose', g.cast(g('Floor', g('Add', *shares)), np.int32), perm=[0, 2, 3, 1])
    parts = [
        g(
            'Div',
            g('Mul', g('Gather', line, index, axis=2), g('Unsqueeze', g.cast(weight, np.int32), [1])),
            np.int32(65536),
        )
        for index, weight in rows
    ]
    # Non-negative throughout, so that integer division rounds down.
    return g.cast(g('Div', g('Add', g('Add', *parts), np.int32(2)), np.int32(4)), np.float32)


def _neighbours(g: Graph, old: str, new: str, factor: str, inside_only: bool) -> list[tuple[str, str]]:
    """Return for both neighbours of each new pixel the index (int64) and the weight (float32, in 1/2048).

    Beyond the border both are the last pixel; across (``inside_only``) the first of them then has all the weight, and in
    OpenCV's vertical pass they share it.
    """
    number = g('Range', np.float64(0), g.cast(new, np.float64), np.float64(1))
    place = g('Sub', g('Mul', g('Add', number, np.float64(0.5)), g('Div', np.float64(1), factor)), np.float64(0.5))
    place = g.cast(place, np.float32)
    first = g('Floor', place)
    fraction = g('Sub', place, first)
    last = g.cast(g('Sub', old, np.int64(1)), np.float32)
    if inside_only:
        inside = g('And', g('GreaterOrEqual', first, 0.0), g('Less', first, last))
        fraction = g('Where', inside, fraction, 0.0)
    pairs = []
    for shift, share in ((0.0, g('Sub', 1.0, fraction)), (1.0, fraction)):
        index = g.cast(g('Min', g('Max', g('Add', first, shift), 0.0), last), np.int64)
        pairs.append((index, g('Round', g('Mul', share, float(_STEPS)))))
    return pairs


def _target(g: Graph, sizing: Sizing, height: str, width: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the new height and width, int64, and new pixels per old one in y and x, float64."""
    sides = g.cast(height, np.float64), g.cast(width, np.float64)
    if sizing.rule == 'stretch':
        new = tuple(g.constant(np.int64(side)) for side in sizing.size)
    else:
        scale = _scale(g, sizing, *sides)
        if sizing.rule == 'fit':
            grown = [g('Floor', g('Add', g('Mul', side, scale), np.float64(0.5))) for side in sides]
        else:
            grown = [g('Round', g('Mul', side, scale)) for side in sides]
        new = tuple(g('Max', g.cast(side, np.int64), np.int64(1)) for side in grown)
        if sizing.rule == 'short_side':
            # As cv2.resize with factors: they, not the rounded size, say where pixels are taken from.
            return (new[0], new[1]), (scale, scale)
    factor = tuple(g('Div', g.cast(after, np.float64), before) for after, before in zip(new, sides))
    return (new[0], new[1]), (factor[0], factor[1])


def _scale(g: Graph, sizing: Sizing, height: str, width: str) -> str:
    small, large = g('Min', height, width), g('Max', height, width)
    to_small, to_large = (np.float64(side) for side in sizing.size)
    if sizing.rule == 'letterbox':
        return g('Div', to_small, large)
    by_small, by_large = g('Div', to_small, small), g('Div', to_large, large)
    if sizing.rule == 'fit':
        return g('Min', by_small, by_large)
    too_large = g('Greater', g('Round', g('Mul', by_small, large)), to_large)
    return g('Where', too_large, by_large, by_small)


def _padded(g: Graph, pixels: str, sizing: Sizing, new: tuple[str, str]) -> tuple[str, str | None]:
    """Pad resized pixels; return them and where the image begins, x and y float32 (2,), or None at 0."""
    if sizing.rule == 'letterbox':
        rests = [g('Sub', np.int64(sizing.size[0]), side) for side in new]
        if sizing.rectangle:
            rests = [g('Mod', rest, np.int64(sizing.rectangle)) for rest in rests]
    elif sizing.canvas:
        rests = [g('Max', g('Sub', np.int64(whole), side), np.int64(0)) for whole, side in zip(sizing.canvas, new)]
    else:
        return pixels, None
    before = ['', '']
    offset = None
    if sizing.centred:
        # Of an odd padding the smaller half comes first.
        before = [g('Div', rest, np.int64(2)) for rest in rests]
        rests = [g('Sub', rest, first) for rest, first in zip(rests, before)]
        offset = _pair(g, before[1], before[0])
    return _pad(g, pixels, (*before, *rests), sizing.pad), offset


def _pad(g: Graph, pixels: str, sides: Sequence[str], value: float) -> str:
    """Pad (N, C, h, w) above, left, below and right; an empty name is no padding."""
    zero = np.array([0])
    above, left, below, right = (g('Unsqueeze', side, [0]) if side else zero for side in sides)
    pads = g('Concat', [0, 0], above, left, [0, 0], below, right, axis=0)
    return g('Pad', pixels, pads, float(value), mode='constant')


def _pair(g: Graph, x: str, y: str) -> str:
    return g.cast(g('Concat', g('Unsqueeze', x, [0]), g('Unsqueeze', y, [0]), axis=0), np.float32)


def preprocessor_of(model: nn.Module) -> Normalisation:
    """Return what a model's data preprocessor does."""
    return Normalisation.of(getattr(model, 'data_preprocessor', None))
