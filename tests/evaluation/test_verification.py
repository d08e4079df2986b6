"""Verification over folds: golden accuracies, ties, groups, stored embeddings, exclusions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from faceresearch.errors import UserError
from faceresearch.evaluation import DumpEmbeddings, VerificationMetric
from faceresearch.evaluation.verification import compare_pairs, contiguous_folds, fold_accuracies
from faceresearch.structures import FaceDataSample


def interleaved(count):
    return np.arange(2 * count).reshape(-1, 2)


def test_accuracy_of_each_fold_is_insightfaces(golden_dir):
    with np.load(golden_dir / 'evaluation/verification.npz') as content:
        embeddings, issame = content['embeddings'], content['issame']
    expected = json.loads((golden_dir / 'evaluation/verification_expected.json').read_text())
    pairs = compare_pairs(embeddings, interleaved(len(issame)), issame, contiguous_folds(len(issame)))
    accuracies, _ = fold_accuracies(pairs.distances, pairs.issame, pairs.folds)
    assert accuracies.tolist() == expected['fold_accuracy']
    figures = VerificationMetric(prefix='lfw').evaluate_file(golden_dir / 'evaluation/verification.npz')
    assert figures['lfw/accuracy'] == expected['accuracy_mean']
    assert figures['lfw/accuracy_std'] == expected['accuracy_std']


def test_folds_are_those_of_kfold_without_shuffling():
    # scikit-learn: the first n % folds folds have one more.
    assert contiguous_folds(11, 4).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    with pytest.raises(UserError, match='num_folds=10 and 9 pairs'):
        contiguous_folds(9, 10)


def test_first_of_equally_good_thresholds_is_taken_and_equal_distance_is_not_below():
    # Between genuine 0.5 and impostor 1.0 all thresholds 0.51 … 1.00 are right on the other fold.
    distances, issame = np.array([0.5, 1.0, 0.505, 1.0]), np.array([True, False, True, False])
    accuracies, thresholds = fold_accuracies(distances, issame, np.array([0, 0, 1, 1]))
    assert thresholds.tolist() == pytest.approx([0.51, 0.51])
    assert accuracies.tolist() == [1.0, 1.0]
    # 0.52 is no lower than itself: the second fold's genuine pair is missed by the first fold's threshold.
    accuracies, _ = fold_accuracies(np.array([0.5, 1.0, 0.52, 1.0]), issame, np.array([0, 0, 1, 1]))
    assert accuracies.tolist() == [1.0, 0.5]


def test_vectorised_folds_equal_the_loop():
    rng = np.random.default_rng(0)
    distances, issame = rng.uniform(0, 4, 503), rng.random(503) < 0.5
    folds = contiguous_folds(503, 10)
    expected = []
    for fold in range(10):
        train, test = folds != fold, folds == fold
        rates = [((distances[train] < t) == issame[train]).mean() for t in np.arange(0, 4, 0.01)]
        limit = np.arange(0, 4, 0.01)[int(np.argmax(rates))]
        expected.append(((distances[test] < limit) == issame[test]).mean())
    assert fold_accuracies(distances, issame, folds)[0].tolist() == expected


def store(path, **arrays):
    np.savez(path, **arrays)
    return path


def separable(pairs, size=16, seed=0):
    """Embeddings of pairs that are told apart without fault: genuine ones equal, impostors opposite."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((pairs, size)).astype(np.float32)
    issame = np.arange(pairs) % 2 == 0
    second = np.where(issame[:, None], first * 3, -first)
    return np.stack([first, second], 1).reshape(-1, size), issame


def test_depths(tmp_path):
    embeddings, issame = separable(40)
    path = store(tmp_path / 'p.npz', embeddings=embeddings, issame=issame)
    quick = VerificationMetric(depth='quick', prefix='lfw').evaluate_file(path)
    assert quick == {'lfw/accuracy': 1.0, 'lfw/accuracy_std': 0.0, 'lfw/auc': 1.0, 'lfw/tar@far=1e-3': 1.0}
    base = VerificationMetric(depth='base', prefix='lfw').evaluate_file(path)
    added = {'lfw/tar@far=1e-3_low': 1.0, 'lfw/tar@far=1e-3_high': 1.0, 'lfw/impostors@far=1e-3': 0}
    assert base == {**quick, **added}
    full = VerificationMetric(depth='full', prefix='lfw', plots_dir=str(tmp_path / 'plots'))
    assert full.evaluate_file(path) == base
    assert sorted(p.name for p in (tmp_path / 'plots').iterdir()) == ['det.png', 'roc.png', 'scores.png']
    with pytest.raises(UserError, match='deep'):
        VerificationMetric(depth='deep')


def test_groups_are_judged_apart(tmp_path):
    embeddings, issame = separable(40)
    embeddings[40:80:4] *= -1  # of the second group's genuine pairs each is made an impostor's
    groups = np.repeat(['asian', 'indian'], 20)
    path = store(tmp_path / 'p.npz', embeddings=embeddings, issame=issame, groups=groups)
    figures = VerificationMetric(prefix='rfw').evaluate_file(path)
    assert figures['rfw/asian/accuracy'] == 1.0
    assert figures['rfw/indian/accuracy'] == 0.5
    assert figures['rfw/accuracy'] == 0.75
    assert figures['rfw/accuracy_std'] == 0.25


def test_excluded_images_take_their_pairs_along(tmp_path):
    embeddings, issame = separable(40)
    embeddings[11] *= -1  # pair 5, an impostor pair, looks genuine
    path = store(tmp_path / 'p.npz', embeddings=embeddings, issame=issame)
    assert VerificationMetric().evaluate_file(path)['pairs/accuracy'] < 1
    (tmp_path / 'leaked.txt').write_text('# in the training set too\n11\n')
    metric = VerificationMetric(exclude=str(tmp_path / 'leaked.txt'))
    assert metric.evaluate_file(path)['pairs/accuracy'] == 1.0
    assert len(metric.read_file(path).issame) == 39


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'issame': np.ones(7, bool)}, 'issame must be one row of 20'),
        ({'issame': None}, r'issame \(pairs,\)'),
        ({'embeddings': np.zeros((39, 4), np.float32)}, 'one row of 19'),
        ({'embeddings': np.zeros(40, np.float32)}, r'numbers \(images, size\)'),
        ({'embeddings': None}, 'needs an array embeddings'),
        ({'embeddings': np.full((40, 4), np.nan, np.float32)}, 'row 0 is not finite'),
        ({'groups': np.arange(20)}, 'groups must be one row'),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, changes, message):
    embeddings, issame = separable(20)
    arrays = {'embeddings': embeddings, 'issame': issame, **changes}
    path = store(tmp_path / 'p.npz', **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(UserError, match=message):
        VerificationMetric().evaluate_file(path)


def samples(names, embeddings, broken=()):
    found = []
    for name, embedding in zip(names, embeddings):
        sample = FaceDataSample(metainfo={'img_id': name, 'img_broken': name in broken})
        sample.pred_embedding = torch.from_numpy(embedding)
        found.append(sample)
    return found


def run(metric, meta, names, embeddings, broken=()):
    metric.dataset_meta = meta
    for start in range(0, len(names), 7):
        metric.process({}, samples(names[start : start + 7], embeddings[start : start + 7], broken))
    return metric.evaluate(len(names))


def test_a_model_and_its_dumped_embeddings_have_the_same_figures(tmp_path):
    rng = np.random.default_rng(5)
    embeddings, issame = separable(40)
    embeddings = embeddings + rng.normal(0, 1.5, embeddings.shape).astype(np.float32)
    names = [f'person/{number}' for number in range(80)]
    shuffled = rng.permutation(80)  # batches may come in any order
    meta = {'img_ids': names, 'pairs': interleaved(40), 'issame': issame}
    order = [names[i] for i in shuffled]
    metric = VerificationMetric(prefix='lfw', depth='base')
    live = run(metric, meta, [*order, order[0]], np.concatenate([embeddings[shuffled], embeddings[shuffled[:1]]]))
    run(DumpEmbeddings(str(tmp_path / 'p.npz')), meta, order, embeddings[shuffled])
    assert VerificationMetric(prefix='lfw', depth='base').evaluate_file(tmp_path / 'p.npz') == live
    assert 0.6 < live['lfw/accuracy'] < 1


def test_pairs_of_unreadable_images_do_not_count_and_are_reported(capsys):
    embeddings, issame = separable(40)
    names = [str(number) for number in range(80)]
    meta = {'img_ids': names, 'pairs': interleaved(40), 'issame': issame}
    figures = run(VerificationMetric(prefix='lfw'), meta, names, embeddings, broken={'4', '5', '20'})
    assert (figures['lfw/images'], figures['lfw/images_expected']) == (77, 80)
    assert figures['lfw/accuracy'] == 1.0


def test_a_model_without_embeddings_and_a_set_without_pairs_are_user_errors():
    metric = VerificationMetric()
    with pytest.raises(UserError, match='predicts no embedding'):
        metric.process({}, [FaceDataSample(metainfo={'img_id': 'a'})])
    with pytest.raises(UserError, match='not one of face recognition'):
        run(VerificationMetric(), {}, ['a'], np.ones((1, 4), np.float32))
    with pytest.raises(UserError, match='not finite'):
        meta = {'img_ids': ['a', 'b'], 'pairs': [[0, 1]], 'issame': [True]}
        run(VerificationMetric(), meta, ['a', 'b'], np.full((2, 4), np.nan, np.float32))
