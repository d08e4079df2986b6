"""Short texts on images, placed where they hide the least."""

from __future__ import annotations

import cv2
import numpy as np

_FONT = cv2.FONT_HERSHEY_SIMPLEX
#: Smallest height of capital letters, in pixels, at which the font can be read.
MIN_TEXT_HEIGHT = 7


class LabelPlacer:
    """Finds room for labels: inside the image, not over another label, over as little of other faces as possible.

    Args:
        image_size: (h, w) in pixels.
        boxes: (N, 4) xyxy, all faces that are drawn.
    """

    def __init__(self, image_size: tuple[int, int], boxes: np.ndarray) -> None:
        self.image_size = image_size
        self.boxes = boxes
        self.placed = np.zeros((0, 4))

    def place(self, box: np.ndarray, width: int, height: int) -> tuple[int, int] | None:
        """Return the top left corner for a label of ``width`` × ``height`` pixels on ``box``, or None without room."""
        image_height, image_width = self.image_size
        if width > image_width or height > image_height:
            return None
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        # A label longer than its face is wide may hang over to the right of it.
        candidates = [(x1, y1 - height), (x2 - width, y1 - height), (x1, y2), (x2 - width, y2)]
        candidates += [(x2, y1), (x1 - width, y1), (x1, y1)]
        best, lowest = None, np.inf
        for rank, (x, y) in enumerate(candidates):
            x = min(max(x, 0), image_width - width)
            y = min(max(y, 0), image_height - height)
            label = np.array([x, y, x + width, y + height], np.float64)
            if _overlaps(label, self.placed).any():
                continue
            cost = _overlaps(label, self.boxes).sum() / (width * height) + 0.02 * rank
            if cost < lowest:
                best, lowest = (x, y), cost
        # Where it would hide about two whole labels' worth of faces it does more harm than good.
        if best is None or lowest > 2.0:
            return None
        self.placed = np.vstack([self.placed, [*best, best[0] + width, best[1] + height]])
        return best


def text_height(image_size: tuple[int, int], side: float) -> int:
    """Return the height of capital letters, in pixels, for a face of ``side`` pixels in an image (h, w)."""
    short = min(image_size)
    smallest = max(MIN_TEXT_HEIGHT, short / 90)
    return round(float(np.clip(0.11 * side, smallest, max(smallest, short / 45))))


def draw_label(
    canvas: np.ndarray, placer: LabelPlacer, text: str, box: np.ndarray, height: int, color: tuple[int, int, int]
) -> bool:
    """Write ``text`` in letters of ``height`` pixels beside ``box``, in place; return False where there is no room."""
    scale, thickness = _font(height)
    (width, capital), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    margin = max(1, round(height / 4))
    corner = placer.place(box, width + 2 * margin, capital + 2 * margin)
    if corner is None:
        return False
    x, y = corner
    cv2.rectangle(canvas, (x, y), (x + width + 2 * margin - 1, y + capital + 2 * margin - 1), color, -1)
    write(canvas, text, (x + margin, y + margin + capital), height, (0, 0, 0) if _is_light(color) else (255, 255, 255))
    return True


def write(
    canvas: np.ndarray, text: str, origin: tuple[int, int], height: int, color: tuple[int, int, int] = (235, 235, 235)
) -> None:
    """Write ``text`` with its baseline's left end at ``origin`` (x, y), in capitals of ``height`` pixels, in place."""
    scale, thickness = _font(height)
    cv2.putText(canvas, text, origin, _FONT, scale, color, thickness, cv2.LINE_AA)


def shorten(text: str, height: int, width: int) -> str:
    """Cut the middle out of ``text`` until it is at most ``width`` pixels long in capitals of ``height`` pixels."""
    scale, thickness = _font(height)
    kept = text
    length = len(text)
    while length > 1 and cv2.getTextSize(kept, _FONT, scale, thickness)[0][0] > width:
        length -= 1
        tail = length * 2 // 3
        kept = f'{text[: length - tail]}..{text[len(text) - tail :]}'
    return kept


def _font(height: int) -> tuple[float, int]:
    # The font's capitals are measured, not assumed: OpenCV 5 draws another typeface than OpenCV 4 under the same name.
    reference = cv2.getTextSize('0', _FONT, 1.0, 1)[0][1]
    return height / reference, max(1, round(height / 11))


def _is_light(color: tuple[int, int, int]) -> bool:
    blue, green, red = color
    return 0.114 * blue + 0.587 * green + 0.299 * red > 120


def _overlaps(label: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the areas (N,) that ``label`` (4,) shares with ``others`` (N, 4), all xyxy."""
    width = np.minimum(label[2], others[:, 2]) - np.maximum(label[0], others[:, 0])
    height = np.minimum(label[3], others[:, 3]) - np.maximum(label[1], others[:, 1])
    return width.clip(0) * height.clip(0)
