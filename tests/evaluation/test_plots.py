"""Curves as data: what a plot keeps, what lies over what."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.evaluation.plots import COLOURS, CurvePlot, Line, draw_curves, overlay, plot_from_json, plot_to_json


def roc(label: str, points: int = 3) -> CurvePlot:
    x = np.linspace(0.001, 1, points)
    return CurvePlot('$pairs', 'FAR', 'TAR', [Line(label, x, np.sqrt(x))], xscale='log', xlim=(0.001, 1), ylim=(0, 1))


def colour(name: str) -> tuple[int, ...]:
    return tuple(int(name[i : i + 2], 16) for i in (5, 3, 1))  # BGR


def test_a_plot_survives_json() -> None:
    again = plot_from_json(json.loads(json.dumps(plot_to_json(roc('a')))))
    assert (again.title, again.xlabel, again.xscale, again.xlim) == ('$pairs', 'FAR', 'log', (0.001, 1))
    assert again.lines[0].label == 'a'
    assert np.allclose(again.lines[0].x, [0.001, 0.5005, 1])


def test_long_curves_are_thinned_without_moving_them() -> None:
    kept = plot_to_json(roc('a', 100_000))['lines'][0]
    assert 500 < len(kept['x']) <= 3000
    assert kept['x'][0] == 0.001 and kept['x'][-1] == 1
    # Every kept point is one of the curve.
    assert np.allclose(kept['y'], np.sqrt(kept['x']))


def test_curves_of_two_runs_lie_over_each_other_in_two_colours(tmp_path: Path) -> None:
    joined = overlay(roc('lfw'), roc('lfw'))
    assert [line.label for line in joined.lines] == ['A: lfw', 'B: lfw']
    lower = CurvePlot(
        '', 'FAR', 'TAR', [Line('lfw', [0.001, 1], [0.2, 0.3])], xscale='log', xlim=(1e-4, 1), ylim=(0.1, 1)
    )
    joined = overlay(roc('lfw'), lower, ('ours', 'theirs'))
    assert (joined.xlim, joined.ylim) == ((1e-4, 1), (0, 1))
    draw_curves(joined, tmp_path / 'both.png')
    image = cv2.imread(str(tmp_path / 'both.png'))
    for name in COLOURS[:2]:
        assert (image == colour(name)).all(2).sum() > 100
    with pytest.raises(ValueError, match='different axes'):
        overlay(roc('a'), CurvePlot('', 'recall', 'precision', []))


def test_what_cannot_be_placed_on_an_axis_is_left_out(tmp_path: Path) -> None:
    plot = CurvePlot('', 'x', 'y', [Line('a', [0, 0.1, np.nan, 1], [0, 0.2, 0.3, 1])], xscale='normal', yscale='normal')
    draw_curves(plot, tmp_path / 'plot.png')
    assert cv2.imread(str(tmp_path / 'plot.png')) is not None
