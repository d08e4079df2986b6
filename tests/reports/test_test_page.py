"""tools/test.py --report: the page says what metrics.json says, with pictures of the worst, for every family."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from faceresearch.apis.test import judge_predictions
from faceresearch.apis.test import test as run_test
from faceresearch.evaluation.embeddings import write_arrays
from faceresearch.reports.record import read_run
from faceresearch.zoo.convert import convert_checkpoint
from tests.reports.reading import ReadPage, check_self_contained

#: Family → config, benchmark, data below the test data, overrides, headings of plots, a part of a failure's caption.
FAMILIES = {
    'detection': (
        'retinaface_mnet025_widerface',
        'widerface_val',
        'widerface',
        ['++test_dataloader.dataset.indices=[8,9,32]'],
        ['Precision and recall'],
        'faces missed',
    ),
    'landmarks': (
        'landmark68_pfld_small',
        'ytf68',
        'landmarks/ytf68',
        ['++test_dataloader.dataset.indices=4'],
        ['Cumulative error distribution'],
        'mean error',
    ),
    'parsing': (
        'bisenet_r18_faces_128',
        None,
        'celebamask_mini',
        ['++test_dataloader.dataset.indices=2'],
        ['Confusion: parsing, 2 images'],
        'mean F1',
    ),
    'attributes': (
        'fairface_r18_fairface_64',
        None,
        'fairface',
        ['++test_dataloader.dataset.indices=8'],
        ['Confusion: race', 'Confusion: gender', 'Confusion: age'],
        'race: ',
    ),
    'spoof': (
        'minifasnet_v2_liveness',
        None,
        'anti_spoof/liveness',
        [],
        ['Confusion: decisions', 'ROC', 'DET', 'Scores'],
        'probability of being real',
    ),
}


def check_page(folder: Path) -> ReadPage:
    """The page is whole, and its figures are those of metrics.json."""
    page = ReadPage(folder / 'report.html')
    check_self_contained(page)
    figures = json.loads((folder / 'metrics.json').read_text())
    assert figures
    shown = [value for _, value in page.figures]
    for key, value in figures.items():
        assert any(
            math.isclose(value, other, rel_tol=0) or (math.isnan(value) and math.isnan(other)) for other in shown
        ), key
    for key, value in page.figures:
        if key in figures:
            assert any(other == value for other in figures.values()) or math.isnan(value)
    for heading in ('Metrics', 'Plots', 'Worst failures', 'Environment', 'Config'):
        assert heading in page.shown
    return page


@pytest.fixture(scope='module')
def retinaface(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp('weights') / 'retinaface.safetensors'
    source = shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth'
    convert_checkpoint(source, 'retinaface_mnet025_widerface', target)
    return target


@pytest.mark.slow
@pytest.mark.parametrize('family', FAMILIES)
def test_page_of_a_family(family: str, test_data: Path, retinaface: Path, tmp_path: Path) -> None:
    config, benchmark, data, overrides, titles, caption = FAMILIES[family]
    checkpoint = retinaface if family == 'detection' else 'none'
    folder = tmp_path / 'report'
    run_test(
        config,
        checkpoint,
        [f'data_root={test_data / data}', '++test_dataloader.num_workers=0', *overrides],
        benchmark=benchmark,
        work_dir=tmp_path,
        out=folder / 'metrics.json',
        report=folder,
    )
    page = check_page(folder)
    for title in titles:
        assert title in page.shown
    assert caption in page.shown
    pictures = page.images()
    # Besides the plots there are pictures of samples.
    assert len(pictures) > len(titles)
    assert f'{config}.py' in read_run(folder).config
    assert (str(checkpoint) if family == 'detection' else 'random weights') in page.shown


def test_stored_embeddings_name_the_worst_pairs_without_pictures(golden_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'report'
    stored = golden_dir / 'evaluation/verification.npz'
    judge_predictions('pairs', stored, [], out=folder / 'metrics.json', report=folder)
    page = check_page(folder)
    assert 'Stored predictions were judged, and no images are at hand: there are no pictures.' in page.shown
    assert len(page.images()) == 3  # ROC, DET, scores
    # The worst pair of different people, by the file itself.
    arrays = np.load(stored)
    unit = arrays['embeddings'] / np.linalg.norm(arrays['embeddings'], axis=1, keepdims=True)
    scores = (unit[::2] * unit[1::2]).sum(1)
    worst = int(np.argmax(np.where(arrays['issame'], -2, scores)))
    assert f'different people, similarity {scores[worst]:.3f}, judged wrongly {2 * worst} {2 * worst + 1}' in page.shown
    alike = int(np.argmin(np.where(arrays['issame'], scores, 2)))
    assert f'one person, similarity {scores[alike]:.3f}' in page.shown


def test_names_of_images_are_text_not_markup(golden_dir: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(golden_dir / 'evaluation/verification.npz'))
    evil = '<script>alert(1)</script>"onload="x\x07/../&amp;'
    arrays['names'] = np.array([f'{evil}{i}' for i in range(len(arrays['embeddings']))])
    write_arrays(tmp_path / '<b>p.npz', arrays)
    folder = tmp_path / 'report'
    judge_predictions('pairs', tmp_path / '<b>p.npz', [], out=folder / 'metrics.json', report=folder)
    page = check_page(folder)
    assert '<script>alert(1)</script>"onload="x\ufffd/../&amp;' in page.shown
    assert not page.named('b')
    assert 'Stored predictions: <b>p' in page.shown


def test_published_figures_stand_beside_ours(test_data: Path, tmp_path: Path) -> None:
    """Stored detections have no model: published figures of the index's models are below, each with its protocol."""
    folder, stored = tmp_path / 'report', tmp_path / 'p.npz'
    # One image that is on disk and one that is not, both without a detection.
    names = ['13--Interview/13_Interview_Interview_2_People_Visible_13_1001', '0--Parade/0_Parade_marchingband_1_465']
    write_arrays(stored, {'names': np.array(names), 'offsets': np.zeros(3, np.int64), 'xyxy_score': np.zeros((0, 5))})
    root = f'data_root={test_data}/widerface'
    judge_predictions('widerface_val', stored, [root, 'subset=true'], out=folder / 'metrics.json', report=folder)
    page = check_page(folder)
    assert 'scrfd_10g_kps_widerface 0.9540 WIDER FACE val, long side 640, grey padding' in page.shown
    assert 'widerface: 2 of 3,226 images were judged' in page.shown
    assert page.shown.count('faces missed, 0 false detections') == 2
    # The one has a picture, beside the plot; of the other the page says why not.
    assert len(page.images()) == 2 and 'the image is not in the test set at hand' in page.shown
