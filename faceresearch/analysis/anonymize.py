"""Make faces unrecognisable: in images, and through the frames of a video."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeVar, get_args

import cv2
import numpy as np

from faceresearch.errors import UserError

#: How a face is hidden; see :func:`anonymize`.
Kind = Literal['pixelate', 'gaussian', 'ellipse', 'black']
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Parts of an image with a shorter side than this, in pixels, cannot be coarsened: they are blackened.
_SMALL = 4
_Item = TypeVar('_Item')


def anonymize(
    image: np.ndarray, boxes: np.ndarray, kind: Kind = 'pixelate', grow: float = 0.15, cells: int = 6
) -> np.ndarray:
    """Return a copy of an image with its faces hidden.

    Each region is first reduced to at most ``cells`` x ``cells`` mean colours, and what is shown is made of these alone:
    nothing else of the face is left for anyone who tries to undo a blur. Recognisers can be trained on coarse faces, though:
    only ``black`` leaves nothing.

    - ``pixelate``: the mean colours as tiles;
    - ``gaussian``: the tiles, smoothed;
    - ``ellipse``: the same within the ellipse that the region holds, blended at its rim: what is around the face stays;
    - ``black``: a black box.

    Args:
        image: (H, W, 3) uint8, or grey (H, W).
        boxes: (N, 4) xyxy in pixels; may reach beyond the image.
        kind: how.
        grow: boxes grow by this share of their size on every side: foreheads, ears and chins identify, too.
        cells: tiles along the longer side of a face; each has two pixels at least.

    Raises:
        UserError: a box is not finite (nothing is left unhidden in silence), or an argument has no meaning.
    """
    if kind not in KINDS or not grow >= 0 or cells < 1:
        raise UserError(
            f'anonymize: kind={kind!r} is one of {", ".join(KINDS)}; grow={grow} not negative, cells={cells} at least 1'
        )
    boxes = np.asarray(boxes, np.float64)
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise UserError(f'anonymize: boxes of shape {boxes.shape} are not (N, 4) finite numbers')
    hidden = image.copy()
    size = boxes[:, 2:] - boxes[:, :2]
    for box in np.concatenate([boxes[:, :2] - grow * size, boxes[:, 2:] + grow * size], 1):
        _hide(hidden, box, kind, cells)
    return hidden


def _hide(image: np.ndarray, box: np.ndarray, kind: Kind, cells: int) -> None:
    """Hide the part of an image that a box covers, in place."""
    height, width = image.shape[:2]
    x1, y1 = (math.floor(max(0.0, value)) for value in box[:2])
    x2, y2 = math.ceil(min(float(width), box[2])), math.ceil(min(float(height), box[3]))
    if x2 <= x1 or y2 <= y1:
        return
    part = image[y1:y2, x1:x2]
    if kind == 'black' or min(part.shape[:2]) < _SMALL:
        part[...] = 0
        return
    side = max(2.0, max(box[2:] - box[:2]) / cells)
    tiles = _tiles(part, side)
    if kind == 'pixelate':
        part[...] = cv2.resize(tiles, part.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT).reshape(part.shape)
        return
    smooth = cv2.resize(tiles, part.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(part.shape)
    smooth = cv2.GaussianBlur(smooth, (0, 0), side / 2, borderType=cv2.BORDER_REPLICATE).reshape(part.shape)
    if kind == 'gaussian':
        part[...] = smooth
        return
    share = _ellipse(box, (y1, y2), (x1, x2))
    share = share if part.ndim == 2 else share[..., None]
    part[...] = np.round(share * smooth + (1 - share) * part).astype(part.dtype)


def _tiles(part: np.ndarray, side: float) -> np.ndarray:
    """Return the mean colours of tiles of about ``side`` pixels: at least two pixels each way, at least one tile."""
    rows, columns = (max(1, min(round(length / side), length // 2)) for length in part.shape[:2])
    return cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)


def _ellipse(box: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Return how much of each pixel is hidden, 0…1: all within the ellipse of a box, less over a rim outside of it."""
    y, x = np.ogrid[rows[0] : rows[1], columns[0] : columns[1]]
    centre, half = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 0.5)
    distance = np.sqrt(((x + 0.5 - centre[0]) / half[0]) ** 2 + ((y + 0.5 - centre[1]) / half[1]) ** 2)
    return np.clip((1.15 - distance) / 0.15, 0, 1)


def fill_gaps(
    frames: Iterable[tuple[_Item, Mapping[int, np.ndarray], np.ndarray]], reach: int
) -> Iterator[tuple[_Item, np.ndarray]]:
    """Yield each frame with the boxes that must be hidden in it: also of faces that the detector missed for a moment.

    A track that is absent from a frame gets a box there if it is seen within ``reach`` frames before or after: on the line
    between the two, or where it was seen last or will be seen first. A face that is found late, or flickers, would otherwise
    be shown in single frames. ``2 * reach + 1`` frames are held in memory.

    Args:
        frames: of each frame anything, its tracks' boxes (4,) by number, and the boxes (N, 4) that belong to no track.
        reach: frames; 0 fills nothing.
    """
    window: deque[tuple[_Item, Mapping[int, np.ndarray], np.ndarray]] = deque()
    source, centre = iter(frames), 0
    ended = False
    while True:
        while not ended and len(window) <= centre + reach:
            try:
                window.append(next(source))
            except StopIteration:
                ended = True
        if centre >= len(window):
            return
        item, _, loose = window[centre]
        held = [box for number in _numbers(window) if (box := _at(number, window, centre, reach)) is not None]
        yield item, np.concatenate([np.reshape(loose, (-1, 4)), *(np.reshape(box, (1, 4)) for box in held)])
        if centre == reach:
            window.popleft()
        else:
            centre += 1


def _numbers(window: Iterable[tuple[object, Mapping[int, np.ndarray], np.ndarray]]) -> list[int]:
    return sorted({number for _, tracks, _ in window for number in tracks})


def _at(
    number: int, window: deque[tuple[_Item, Mapping[int, np.ndarray], np.ndarray]], centre: int, reach: int
) -> np.ndarray | None:
    """Return where a track is in the frame ``centre`` of a window."""
    seen = [(n, tracks[number]) for n, (_, tracks, _) in enumerate(window) if number in tracks]
    before = [(n, box) for n, box in seen if centre - reach <= n <= centre]
    after = [(n, box) for n, box in seen if centre <= n <= centre + reach]
    if not before or not after:
        return before[-1][1] if before else after[0][1] if after else None
    (first, start), (last, end) = before[-1], after[0]
    weight = 0.0 if last == first else (centre - first) / (last - first)
    return (1 - weight) * np.asarray(start, np.float64) + weight * np.asarray(end, np.float64)
