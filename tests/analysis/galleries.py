"""Galleries of small coloured images, and a maker of embeddings that needs no network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceresearch.analysis.face import Face
from faceresearch.analysis.gallery import Gallery

ABOUT: dict[str, Any] = {'recogniser': 'colours', 'weights': 'none'}
SIDE = 24


def picture(*colours: tuple[int, int, int]) -> np.ndarray:
    """An image with a square of each colour: to :class:`Colours`, a face each. Black is no face."""
    return np.concatenate([np.full((SIDE, SIDE, 3), colour, np.uint8) for colour in colours], 1)


def write(path: Path, *colours: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture(*colours))


class Colours:
    """Embeds each square of an image by its colour, and counts the images it was shown.

    Args:
        pause: seconds for each image.
        sign: −1 is another recogniser: all of its embeddings point elsewhere.
    """

    def __init__(self, pause: float = 0.0, sign: int = 1) -> None:
        self.pause, self.sign, self.shown = pause, sign, 0

    def __call__(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        found = []
        for image in images:
            time.sleep(self.pause)
            self.shown += 1
            faces = []
            for x in range(0, image.shape[1], SIDE):
                colour = image[SIDE // 2, x + SIDE // 2].astype(np.float32)
                if colour.any():
                    box = np.array([x, 0, x + SIDE, SIDE], np.float32)
                    faces.append(Face(box, 0.75, embedding=(colour - 100) * self.sign))
            found.append(faces)
        return found


def embedding(*colour: int) -> np.ndarray:
    return np.array(colour, np.float32) - 100


def keep(folder: Path, store: Path, pause: float, answer: Path) -> None:
    """Bring a gallery up to date, in a process of its own, and write how many images were embedded."""
    maker = Colours(pause)
    Gallery(folder, maker, ABOUT, store, batch_size=2).update()
    answer.write_text(str(maker.shown))
