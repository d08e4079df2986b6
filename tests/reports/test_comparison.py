"""tools/compare.py on any two runs: figures, differences, plots and settings side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceresearch.apis.test import judge_predictions
from faceresearch.reports.comparison import changed_settings, compare_runs
from faceresearch.reports.record import RunRecord, read_run
from tests.reports.reading import ReadPage, check_self_contained
from tests.tools.running import error_line, run_tool


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory, golden_dir: Path) -> tuple[Path, Path]:
    """Two reports of stored embeddings, the second with noise added."""
    folder = tmp_path_factory.mktemp('runs')
    arrays = dict(np.load(golden_dir / 'evaluation/verification.npz'))
    np.savez(folder / 'clean.npz', **arrays)
    noise = np.random.default_rng(0).normal(size=arrays['embeddings'].shape)
    scale = np.linalg.norm(arrays['embeddings'], axis=1, keepdims=True) / np.sqrt(noise.shape[1])
    np.savez(folder / 'noisy.npz', **{**arrays, 'embeddings': arrays['embeddings'] + scale * noise})
    judge_predictions('pairs', folder / 'clean.npz', [], out=folder / 'a/metrics.json', report=folder / 'a')
    judge_predictions(
        'pairs', folder / 'noisy.npz', ['num_folds=5'], out=folder / 'b/metrics.json', report=folder / 'b'
    )
    return folder / 'a', folder / 'b'


def test_two_reports_side_by_side(runs: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = run_tool('compare', *runs, '-o', tmp_path / 'c.json', '--html', tmp_path / 'c.html')
    assert outcome.status == 0, outcome.err
    a, b = (json.loads((run / 'metrics.json').read_text()) for run in runs)
    difference = a['pairs/accuracy'] - b['pairs/accuracy']
    assert difference > 0.01
    assert f'+{difference:.4f}' in outcome.out
    written = json.loads((tmp_path / 'c.json').read_text())
    assert written['metrics']['pairs/accuracy'] == {
        'a': a['pairs/accuracy'],
        'b': b['pairs/accuracy'],
        'difference': difference,
    }
    assert written['settings'] == {
        'num_folds': {'a': '10', 'b': '5'},
        'test_evaluator.num_folds': {'a': '10', 'b': '5'},
    }
    page = ReadPage(tmp_path / 'c.html')
    check_self_contained(page)
    values = [value for key, value in page.figures if key == 'pairs/accuracy']
    assert values == [a['pairs/accuracy'], b['pairs/accuracy']]
    # Intervals of both.
    low = 'pairs/tar@far=1e-3_low'
    assert f'{a[low]:.4f} …' in page.shown and f'{b[low]:.4f} …' in page.shown
    # ROC and DET lie over each other, distributions of scores stand beside each other.
    assert len(page.images()) == 4
    assert 'A: Scores' in page.shown and 'B: Scores' in page.shown
    assert 'test_evaluator.num_folds 10 5' in page.shown


def test_stored_embeddings_are_compared_as_before_and_on_a_page(runs: tuple[Path, Path], tmp_path: Path) -> None:
    stored = runs[0].parent / 'clean.npz', runs[0].parent / 'noisy.npz'
    plain = run_tool('compare', *stored, '--samples', 200)
    outcome = run_tool('compare', *stored, '--samples', 200, '--html', tmp_path / 'c.html')
    assert outcome.status == 0, outcome.err
    assert 'A is better' in plain.out and plain.out == outcome.out
    page = ReadPage(tmp_path / 'c.html')
    check_self_contained(page)
    for line in plain.out.splitlines():
        assert ' '.join(line.split()) in page.shown


def test_figures_alone_can_be_compared(tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text('{"landmark/nme": 0.04, "landmark/faces": 10, "x": NaN}')
    (tmp_path / 'b.json').write_text('{"landmark/nme": 0.05, "landmark/faces": 8, "y": 1.0}')
    outcome = run_tool('compare', tmp_path / 'a.json', tmp_path / 'b.json', '--html', tmp_path / 'c.html')
    assert outcome.status == 0, outcome.err
    assert '−0.0100' in outcome.out
    page = ReadPage(tmp_path / 'c.html')
    check_self_contained(page)
    classes = [a.get('class') for a in page.named('td')]
    # Less error is better; that there are more faces says nothing.
    assert classes.count('number better') == 1 and 'number worse' not in classes


def test_errors_say_what_to_name(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    assert '--report' in error_line(run_tool('compare', tmp_path / 'no', runs[0]))
    (tmp_path / 'list.json').write_text('[1]')
    assert 'not the record of a run' in error_line(run_tool('compare', tmp_path / 'list.json', runs[0]))
    (tmp_path / 'other.json').write_text('{"gaze/mae": 3.0}')
    assert 'no figure in common' in error_line(run_tool('compare', tmp_path / 'other.json', runs[0]))
    assert 'not one of each' in error_line(run_tool('compare', tmp_path / 'a.npz', runs[0]))
    assert '--benchmark' in error_line(run_tool('compare', *runs, '--benchmark', 'lfw'))
    record = json.loads((runs[0] / 'report.json').read_text())
    record['plots'][0]['file'] = '../../secret.png'
    (tmp_path / 'report.json').write_text(json.dumps(record))
    assert 'not beside the record' in error_line(run_tool('compare', tmp_path, runs[0]))


def test_what_a_run_lacks_has_no_difference() -> None:
    a = RunRecord('a', '', '', {'lr': '1', 'work_dir': "'x'"}, {}, {'m': 1.0, 'n': 2})
    b = RunRecord('b', '', '', {'lr': '2', 'seed': '0', 'work_dir': "'y'"}, {}, {'m': 0.5, 'k': 3})
    assert [(row.key, row.difference) for row in compare_runs(a, b)] == [('m', 0.5), ('n', None), ('k', None)]
    assert changed_settings(a.settings, b.settings) == [('lr', '1', '2'), ('seed', None, '0')]


def test_a_record_reads_back_as_it_was_written(runs: tuple[Path, Path]) -> None:
    run = read_run(runs[0])
    assert run.figures == json.loads((runs[0] / 'metrics.json').read_text())
    assert run.settings['test_evaluator.type'] == "'VerificationMetric'"
    assert [entry.file for entry in run.plots] == ['roc.png', 'det.png', 'scores.png']
    assert run.plots[0].plot is not None and run.plots[2].plot is None
