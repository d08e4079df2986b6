"""Pictures of a parser's mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.parsing_metainfo import palette_of
from faceresearch.fileio import atomic_path
from faceresearch.transforms.loading import read_image
from faceresearch.visualization import contact_sheet, write_image
from faceresearch.visualization.masks import draw_mask


def draw_confusion(confusion: np.ndarray, names: Sequence[str], path: str | Path, title: str = '') -> None:
    """Draw a confusion matrix (K, K), each row as shares of the true class's pixels, into a PNG.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = confusion.sum(1, keepdims=True)
    shares = np.divide(confusion, rows, out=np.zeros(confusion.shape), where=rows > 0)
    side = 2.5 + 0.38 * len(names)
    figure = Figure(figsize=(side, side), dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share >= 0.005:
                colour = 'white' if share > 0.6 else 'black'
                axes.text(j, i, f'{100 * share:.0f}', ha='center', va='center', fontsize=6.5, color=colour)
    axes.set_xticks(range(len(names)), labels=list(names), rotation=90)
    axes.set_yticks(range(len(names)), labels=list(names))
    axes.set(xlabel='predicted', ylabel='true', title=f'{title} (% of the true class)')
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')


def draw_worst(
    images: Sequence[tuple[str, str, np.ndarray, np.ndarray]], names: Sequence[str], path: str | Path
) -> None:
    """Draw images beside their true and predicted masks on one sheet.

    Args:
        images: (file, title, truth (H, W), prediction (H, W)); of a file that cannot be read only the masks are drawn.
        names: classes by number.
        path: the picture to write.
    """
    if not images:
        return
    palette = palette_of(names)
    cells: list[np.ndarray] = []
    titles: list[str] = []
    for file, title, truth, predicted in images:
        height, width = truth.shape
        try:
            image = cv2.resize(read_image(file), (width, height), interpolation=cv2.INTER_AREA)
        except BrokenImageError:
            image = np.full((height, width, 3), 128, np.uint8)
        cells += [image, draw_mask(image, truth, palette), draw_mask(image, predicted, palette)]
        titles += [title, 'truth', 'predicted']
    write_image(path, contact_sheet(cells, titles, columns=6, cell=(256, 256)))
