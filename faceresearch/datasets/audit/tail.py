"""How many images the identities of a set have: few have many, many have few."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.fileio import atomic_path

#: First number of images of each row of the table.
BINS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)


def tail_statistics(identities: np.ndarray) -> dict[str, Any]:
    """Count images by identity.

    Args:
        identities: (N,) of each image; negative: unknown.

    Returns:
        ``images``, ``identities``, ``unknown``, ``min``, ``median``, ``mean``, ``max`` images of an identity, ``gini`` (0:
        all alike), ``head``: fraction of the images that the largest 1, 10 and 50 % of the identities have, and ``table``:
        (from, to, identities, images) rows.
    """
    known = identities[identities >= 0]
    counts = np.bincount(known) if len(known) else np.zeros(0, np.int64)
    counts = np.sort(counts[counts > 0])
    result: dict[str, Any] = {
        'images': len(identities),
        'identities': len(counts),
        'unknown': int((identities < 0).sum()),
    }
    if not len(counts):
        return result
    total, number = int(counts.sum()), len(counts)
    rank = np.arange(1, number + 1)
    result.update(
        min=int(counts[0]),
        median=float(np.median(counts)),
        mean=total / number,
        max=int(counts[-1]),
        gini=float((2 * rank - number - 1) @ counts / (number * total)),
        head={
            f'{percent}%': float(counts[-max(1, round(number * percent / 100)) :].sum() / total)
            for percent in (1, 10, 50)
        },
    )
    edges = [*BINS, np.iinfo(np.int64).max]
    table = []
    for low, high in itertools.pairwise(edges):
        inside = counts[(counts >= low) & (counts < high)]
        if len(inside):
            table.append((int(low), int(min(high - 1, counts[-1])), len(inside), int(inside.sum())))
    result['table'] = table
    return result


def format_tail(statistics: dict[str, Any]) -> str:
    """Return the statistics as text."""
    lines = [f'{statistics["images"]:,} images of {statistics["identities"]:,} identities']
    if statistics['unknown']:
        lines[0] += f', {statistics["unknown"]:,} of unknown identity'
    if 'table' not in statistics:
        return lines[0]
    lines.append(
        'images of an identity: {min} to {max}, median {median:g}, mean {mean:.1f}, Gini {gini:.2f}'.format(
            **statistics
        )
    )
    shares = ', '.join(f'{percent} have {share:.1%}' for percent, share in statistics['head'].items())
    lines += [
        f'of all images, the largest {shares}',
        '',
        f'{"images":>12} {"identities":>12} {"share":>7} {"of images":>10}',
    ]
    for low, high, identities, images in statistics['table']:
        span = str(low) if low == high else f'{low} to {high}'
        share, of_images = identities / statistics['identities'], images / statistics['images']
        lines.append(f'{span:>12} {identities:>12,} {share:>7.1%} {of_images:>10.1%}')
    return '\n'.join(lines)


def draw_tail(identities: np.ndarray, path: str | Path, title: str) -> None:
    """Draw images per identity, from the largest identity to the smallest, and how many identities have how many.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = np.bincount(identities[identities >= 0])
    counts = np.sort(counts[counts > 0])[::-1]
    figure = Figure(figsize=(9.6, 4.0), dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.plot(np.arange(1, len(counts) + 1), counts, color='#0072B2', linewidth=2.0)
    left.fill_between(np.arange(1, len(counts) + 1), counts, color='#0072B2', alpha=0.15, linewidth=0)
    left.set(xscale='log', yscale='log', xlabel='identity, by number of images', ylabel='images', title='long tail')
    top = max(2.0, float(counts[0]))
    right.hist(counts, bins=np.geomspace(0.9, top * 1.1, 32).tolist(), color='#E69F00')
    right.set(xscale='log', xlabel='images of an identity', ylabel='identities', title='histogram')
    for axes in (left, right):
        axes.grid(color='0.9', linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ('top', 'right'):
            axes.spines[side].set_visible(False)
    figure.suptitle(title)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')
