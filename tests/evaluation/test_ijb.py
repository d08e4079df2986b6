"""IJB 1:1 and 1:N and TinyFace: golden figures, the protocol as written, searches by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceresearch.datasets.parsers.ijb import read_enrolment, read_images, read_pairs, read_points
from faceresearch.errors import UserError
from faceresearch.evaluation import IJBMetric, TinyFaceMetric
from faceresearch.evaluation.identification import rank_rates, search, tpir_at_fpir
from faceresearch.evaluation.ijb_protocol import index_templates, pool_templates, score_pairs
from tests.evaluation.test_roc import sklearn_curve

OPTIONS = {
    'flip_norm_det': {},
    'noflip_nonorm_nodet': {'use_flip': False, 'use_norm_score': False, 'use_detector_score': False},
}


@pytest.mark.parametrize('name', list(OPTIONS))
def test_figures_and_scores_are_those_of_eval_ijbc(golden_dir, name):
    folder = golden_dir / 'evaluation/ijb_mini'
    expected = json.loads((folder / 'ijbmini_expected.json').read_text())[name]
    metric = IJBMetric(str(folder), 'ijbmini', **OPTIONS[name])
    pairs = metric.read_file(folder / 'ijbmini_features.npz')
    assert np.abs(pairs.scores[:2000] - np.load(folder / f'ijbmini_{name}_scores.npy')).max() < 1e-6
    figures = metric.evaluate_file(folder / 'ijbmini_features.npz')
    for far, tar in expected['tar_at_far'].items():
        power = round(np.log10(float(far)))
        assert figures[f'ijbc/tar@far=1e{power}'] == tar
    assert figures['ijbc/auc'] == pytest.approx(expected['auc'], abs=1e-12)


def naive_templates(features, templates, media, scores=None, use_flip=True, keep_norm=True):
    half = features.shape[1] // 2
    used = features[:, :half] + features[:, half:] if use_flip else features[:, :half]
    used = used.astype(np.float64)
    if not keep_norm:
        used = used / np.linalg.norm(used, axis=1, keepdims=True)
    if scores is not None:
        used = used * scores[:, None]
    rows = []
    for template in np.unique(templates):
        own = templates == template
        parts = [used[own & (media == medium)].mean(0) for medium in np.unique(media[own])]
        rows.append(np.sum(parts, axis=0))
    rows = np.array(rows)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize('use_flip', [True, False])
@pytest.mark.parametrize('keep_norm', [True, False])
@pytest.mark.parametrize('weighted', [True, False])
def test_pooling_of_scattered_images_is_the_protocols(use_flip, keep_norm, weighted):
    """More images than a piece, templates in no order, media whose numbers occur in several templates."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((5000, 16)).astype(np.float32)
    templates, media = rng.choice([7, 100, 3, 2000, 41], 5000) * 3, rng.integers(-5, 300, 5000)
    scores = rng.uniform(0.1, 1, 5000).astype(np.float32) if weighted else None
    found = pool_templates(features, index_templates(templates, media), scores, use_flip, keep_norm)
    assert np.abs(found - naive_templates(features, templates, media, scores, use_flip, keep_norm)).max() < 1e-6


def test_images_that_are_missing_count_neither_in_media_nor_in_templates():
    rng = np.random.default_rng(1)
    features = rng.standard_normal((60, 8)).astype(np.float32)
    templates, media = rng.integers(5, size=60), rng.integers(4, size=60)
    there = rng.random(60) < 0.7
    found = pool_templates(features, index_templates(templates, media), present=there)
    expected = naive_templates(features[there], templates[there], media[there])
    assert np.abs(found[np.unique(templates[there])] - expected).max() < 1e-6


@pytest.mark.parametrize('count', [0, 1, 50, 30000])
def test_pairs_in_blocks_equal_pairs_one_by_one(count):
    """Both ways of computing a block: filled densely (30,000 pairs in few blocks) and thinly."""
    rng = np.random.default_rng(2)
    templates = rng.standard_normal((700, 12))
    first, second = rng.integers(40, 340, count), rng.integers(700, size=count)
    expected = np.array([templates[i] @ templates[j] for i, j in zip(first, second)])
    assert np.allclose(score_pairs(templates, first, second), expected, rtol=0, atol=1e-12)


def test_search_by_hand():
    # Gallery along the axes; people 1, 2, 3, and a second image of 1.
    gallery, people = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0]]), np.array([1, 2, 3, 1])
    probes = np.array([[0.9, 0.1, 0.2], [0.8, 0.6, 0], [0, 0.5, 0.4], [0.1, 0.2, 0.95], [0.3, 0.2, 0.1]])
    result = search(gallery, people, probes, np.array([1, 2, 3, 9, 8]))
    assert result.mated.tolist() == [True, True, True, False, False]
    # Probe of 1 first; of 2 behind both images of 1 (0.8, 0.96); of 3 (0.4) behind 0.5 of 2 and 0.4 of 1, a tie.
    assert result.rank.tolist() == [1, 3, 3, 0, 0]
    assert rank_rates(result, (1, 2, 3)) == pytest.approx([1 / 3, 1 / 3, 1.0])
    assert result.other[3:].tolist() == pytest.approx([0.95, 0.34])
    # FPIR 0.5 lets one of two strangers in: above 0.34 the first probe (0.9) is found. FPIR 0: above 0.95 nobody is.
    assert tpir_at_fpir(result, (0.01, 0.5, 1.0)) == pytest.approx([0.0, 1 / 3, 1 / 3])


def test_embeddings_that_are_all_the_same_find_nobody():
    result = search(np.ones((5, 2)), np.arange(5), np.ones((5, 2)), np.arange(5))
    assert rank_rates(result, (1, 4, 5)) == [0.0, 0.0, 1.0]


def write_ijb(folder: Path, rng) -> tuple[np.ndarray, np.ndarray]:
    """Write a set of 30 people with a gallery template each (two galleries) and two probe templates."""
    folder.mkdir(parents=True)
    people = np.concatenate([np.arange(30), np.arange(30), np.arange(30)])
    templates = np.repeat(np.arange(90), 2)
    lines = [f'{i + 1}.jpg {t} {i}' for i, t in enumerate(templates)]
    (folder / 'toy_face_tid_mid.txt').write_text('\n'.join(lines) + '\n')
    points = [f'{i + 1}.jpg ' + ' '.join(['1.5'] * 10) + ' 0.9' for i in range(180)]
    (folder / 'toy_name_5pts_score.txt').write_text('\n'.join(points) + '\n')
    pairs = [f'{g} {p} {int(people[g] == people[p])}' for g in range(30) for p in range(30, 90)]
    (folder / 'toy_template_pair_label.txt').write_text('\n'.join(pairs) + '\n')
    for name, chosen in (('gallery_G1', range(15)), ('gallery_G2', range(15, 30)), ('probe_mixed', range(30, 90))):
        rows = [f'{t},{people[t]},x.jpg' for t in chosen for _ in range(2)]
        (folder / f'toy_1N_{name}.csv').write_text('TEMPLATE_ID,SUBJECT_ID,FILENAME\n' + '\n'.join(rows) + '\n')
    centres = rng.standard_normal((30, 32))
    features = centres[people[templates]] + 1.1 * rng.standard_normal((180, 32))
    return features.astype(np.float32), people


def test_full_depth_searches_in_both_galleries(tmp_path):
    features, people = write_ijb(tmp_path / 'ijb/meta', np.random.default_rng(3))
    np.savez(tmp_path / 'p.npz', features=features)
    plots = tmp_path / 'plots'
    metric = IJBMetric(
        str(tmp_path / 'ijb'), 'toy', halves=False, depth='full', plots_dir=str(plots), fars=(1e-2, 1e-1)
    )
    figures = metric.evaluate_file(tmp_path / 'p.npz')
    assert sorted(p.name for p in plots.iterdir()) == ['det.png', 'identification.png', 'roc.png', 'scores.png']
    unit = naive_templates(np.concatenate([features, 0 * features], 1), np.repeat(np.arange(90), 2), np.arange(180))
    expected = []
    for gallery in (range(15), range(15, 30)):
        scores = unit[30:] @ unit[list(gallery)].T
        mated = np.isin(people[30:], people[list(gallery)])
        limit = np.sort(scores[~mated].max(1))[-1 - 3]  # a tenth of 30 strangers
        right = people[list(gallery)][scores.argmax(1)] == people[30:]
        expected.append([right[mated].mean(), (right & (scores.max(1) > limit))[mated].mean()])
    assert figures['ijbc/rank-1'] == pytest.approx(np.mean(expected, 0)[0])
    assert figures['ijbc/gallery-g2/tpir@fpir=1e-1'] == pytest.approx(expected[1][1])
    assert figures['ijbc/tpir@fpir=1e-1'] == pytest.approx(np.mean(expected, 0)[1])
    assert figures['ijbc/rank-1'] <= figures['ijbc/rank-5'] <= figures['ijbc/rank-10']
    assert figures['ijbc/tar@far=1e-1_low'] <= figures['ijbc/tar@far=1e-1'] <= figures['ijbc/tar@far=1e-1_high']
    # The nearest of the points that scikit-learn's curve keeps, not simply a hundredth of the 1,740 impostor pairs.
    pairs = metric.read_file(tmp_path / 'p.npz')
    kept = np.array([point[0] for point in sklearn_curve(pairs.scores, pairs.issame)])
    distance = np.abs(kept / 1740 - 1e-2)
    assert figures['ijbc/impostors@far=1e-2'] == kept[distance == distance.min()][-1]


def test_missing_and_excluded_images_are_reported_and_do_not_count(tmp_path):
    features, _ = write_ijb(tmp_path / 'ijb', np.random.default_rng(4))
    spoilt, there = features.copy(), np.ones(180, bool)
    spoilt[[1, 61]], there[[1, 61]] = 0, False
    np.savez(tmp_path / 'p.npz', features=spoilt, present=there)
    figures = IJBMetric(str(tmp_path / 'ijb'), 'toy', halves=False, depth='quick').evaluate_file(tmp_path / 'p.npz')
    assert (figures['ijbc/images'], figures['ijbc/images_expected']) == (178, 180)
    np.savez(tmp_path / 'all.npz', features=features)
    (tmp_path / 'out.txt').write_text('2.jpg\n62.jpg\n')
    metric = IJBMetric(str(tmp_path / 'ijb'), 'toy', halves=False, depth='quick', exclude=str(tmp_path / 'out.txt'))
    excluded = metric.evaluate_file(tmp_path / 'all.npz')
    assert {key: figures[key] for key in excluded} == excluded


def test_features_that_do_not_fit_the_list_are_refused(tmp_path):
    features, _ = write_ijb(tmp_path / 'ijb', np.random.default_rng(5))
    np.savez(tmp_path / 'p.npz', features=features[:-1])
    with pytest.raises(UserError, match='179 rows of features, and 180 images'):
        IJBMetric(str(tmp_path / 'ijb'), 'toy').evaluate_file(tmp_path / 'p.npz')
    np.savez(tmp_path / 'p.npz', features=features[:, :31])
    with pytest.raises(UserError, match='size 31'):
        IJBMetric(str(tmp_path / 'ijb'), 'toy').evaluate_file(tmp_path / 'p.npz')
    with pytest.raises(UserError, match=r'ijbc_face_tid_mid\.txt does not exist'):
        IJBMetric(str(tmp_path / 'ijb'))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1 2 0\n3 4\n', r'pairs.txt:2: 2 words'),
        ('1 2 0\n3 4 2\n', r'pairs.txt:2: expected'),
        ('1 2 0\n\n-3 4 1\n', r'pairs.txt:3: expected'),
        ('1 2 0\n3 x 1\n', r'pairs.txt:2'),
        ('1 2 0 1\n2 3\n', r'pairs.txt:1: 4 words'),
        ('1 99999999999 0\n', r'pairs.txt:1: expected'),
        ('', 'holds no pair'),
    ],
)
def test_wrong_lines_of_the_pair_list_are_named(tmp_path, text, message):
    (tmp_path / 'pairs.txt').write_text(text)
    with pytest.raises(UserError, match=message):
        read_pairs(tmp_path / 'pairs.txt')


def test_pair_lists_are_read_with_any_line_end(tmp_path):
    (tmp_path / 'pairs.txt').write_bytes(b'1 2 0\r\n\r\n30 4 1')
    found = read_pairs(tmp_path / 'pairs.txt')
    assert (found.first.tolist(), found.second.tolist(), found.issame.tolist()) == ([1, 30], [2, 4], [False, True])


def test_wrong_lines_of_the_other_lists_are_named(tmp_path):
    (tmp_path / 'a.txt').write_text('1.jpg 2 3\n2.jpg two 3\n')
    with pytest.raises(UserError, match=r'a.txt:2'):
        read_images(tmp_path / 'a.txt')
    (tmp_path / 'b.txt').write_text('1.jpg 1 2 3 4 5 6 7 8 9 10 nan\n')
    with pytest.raises(UserError, match=r'b.txt:1: .*finite'):
        read_points(tmp_path / 'b.txt')
    (tmp_path / 'c.csv').write_text('T,S\n1,5\n1,6\n')
    with pytest.raises(UserError, match=r'c.csv:3: template 1 has two people'):
        read_enrolment(tmp_path / 'c.csv')


def test_a_pair_of_an_unknown_template_is_an_error(tmp_path):
    features, _ = write_ijb(tmp_path / 'ijb', np.random.default_rng(6))
    np.savez(tmp_path / 'p.npz', features=features)
    with (tmp_path / 'ijb/toy_template_pair_label.txt').open('a') as stream:
        stream.write('1 90 0\n')
    with pytest.raises(UserError, match='template 90 has no images'):
        IJBMetric(str(tmp_path / 'ijb'), 'toy', halves=False).evaluate_file(tmp_path / 'p.npz')


def test_tinyface_ranks_among_distractors(tmp_path):
    names = ['Gallery_Match/1_a.jpg', 'Gallery_Match/2_a.jpg', 'Gallery_Match/2_b.jpg', 'Gallery_Distractor/0.jpg']
    names += ['Probe/1_x.jpg', 'Probe/2_x.jpg']
    # 1 is found at once; 2 behind the distractor.
    vectors = [[1, 0, 0], [0, 1, 0], [0, 0.9, 0.5], [0, 0.6, 0.8], [0.9, 0.1, 0], [0, 0.5, 0.9]]
    np.savez(tmp_path / 'p.npz', embeddings=np.array(vectors, np.float32) * 7, names=np.array(names))
    figures = TinyFaceMetric(ranks=(1, 2)).evaluate_file(tmp_path / 'p.npz')
    assert figures == {'tinyface/rank-1': 0.5, 'tinyface/rank-2': 1.0}
    np.savez(tmp_path / 'p.npz', embeddings=np.ones((1, 3)), names=np.array(['somewhere/1_a.jpg']))
    with pytest.raises(UserError, match='is in none of'):
        TinyFaceMetric().evaluate_file(tmp_path / 'p.npz')
