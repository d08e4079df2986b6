"""SynthFaces identities: who is in an image, what a cache may change (nothing), and pairs as a protocol needs them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from faceresearch.datasets import ImageFolderFaceDataset, PairTxtDataset, SynthIdentityDataset, SynthPairsDataset
from faceresearch.datasets.synth_identities import draw_pairs, split_portrait
from faceresearch.errors import UserError
from faceresearch.synth.identity_layout import write_identity_layout
from faceresearch.synth.portrait import PORTRAIT_VERSION

PACK = [{'type': 'LoadImage'}, {'type': 'PackFaceInputs'}]


def make(**arguments: object) -> SynthIdentityDataset:
    return SynthIdentityDataset(**{'num_identities': 3, 'images_per_identity': 2, **arguments})  # type: ignore[arg-type]


def test_a_sample_carries_what_training_needs() -> None:
    with DefaultScope.overwrite_default_scope('faceresearch'):
        dataset = make(pipeline=PACK, test_mode=True)
    assert len(dataset) == 6 and dataset.num_identities == 3
    sample = dataset[3]
    assert sample['inputs'].shape == (3, 112, 112)
    np.testing.assert_array_equal(sample['inputs'].numpy().transpose(1, 2, 0), split_portrait(0, 'train', 1, 1))
    assert sample['data_samples'].gt_identity.label.tolist() == [1]
    assert sample['data_samples'].img_id == 'synth_train_000001/0001'


def test_an_image_does_not_depend_on_how_many_there_are() -> None:
    few, many = make(), make(num_identities=5, images_per_identity=4)
    np.testing.assert_array_equal(few[2 + 1]['img'], many[4 + 1]['img'])
    images = {many[k]['img'].tobytes() for k in range(20)}
    assert len(images) == 20
    assert not np.array_equal(few[0]['img'], make(seed=1)[0]['img'])


def test_a_cache_changes_nothing_and_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, cached = make(), make(cache_dir=str(tmp_path), jobs=1)
    for index in range(6):
        np.testing.assert_array_equal(cached[index]['img'], plain[index]['img'])
    files = list(tmp_path.iterdir())
    assert len(files) == 1 and PORTRAIT_VERSION in files[0].name
    copy = pickle.loads(pickle.dumps(cached))
    np.testing.assert_array_equal(copy[5]['img'], plain[5]['img'])
    assert len(pickle.dumps(cached)) < 100_000  # not the images
    cached[0]['img'][:] = 0  # a sample is the caller's own
    np.testing.assert_array_equal(cached[0]['img'], plain[0]['img'])

    monkeypatch.setattr('faceresearch.datasets.synth_identities.render_portrait', None)
    again = make(cache_dir=str(tmp_path))
    np.testing.assert_array_equal(again[4]['img'], cached[4]['img'])


def test_several_processes_render_the_same(tmp_path: Path) -> None:
    cached = make(cache_dir=str(tmp_path), jobs=2)
    for index in (0, 5):
        np.testing.assert_array_equal(cached[index]['img'], make()[index]['img'])


def test_a_damaged_cache_is_named(tmp_path: Path) -> None:
    make(cache_dir=str(tmp_path), jobs=1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match='delete it'):
        make(cache_dir=str(tmp_path))


@pytest.mark.parametrize(
    'wrong',
    [
        {'split': 'test'},
        {'num_identities': 0},
        {'images_per_identity': 0},
        {'num_identities': 1_000_001},
        {'size': 100},
        {'jobs': 0},
        {'portrait_version': '0'},
    ],
)
def test_senseless_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        make(**wrong)


def test_pairs_are_balanced_different_and_of_the_people_they_say() -> None:
    pairs, issame = draw_pairs(2000, 200, 5)
    assert pairs.shape == (2000, 2) and pairs.dtype == np.int64 and issame.dtype == bool
    assert issame.sum() == 1000
    assert len({tuple(pair) for pair in pairs.tolist()}) == 2000
    assert (pairs[:, 0] != pairs[:, 1]).all() and pairs.min() >= 0 and pairs.max() < 1000
    np.testing.assert_array_equal(pairs[:, 0] // 5 == pairs[:, 1] // 5, issame)
    # Ten folds of consecutive pairs, half of each the same person, share nobody.
    people = [set((fold // 5).ravel().tolist()) for fold in np.split(pairs, 10)]
    assert all(not people[a] & people[b] for a in range(10) for b in range(a))
    assert [int(fold.sum()) for fold in np.split(issame, 10)] == [100] * 10
    assert not np.array_equal(draw_pairs(2000, 200, 5, 1)[0], pairs)


def test_the_set_of_pairs_tells_the_metric_its_images() -> None:
    dataset = SynthPairsDataset(num_pairs=40, num_identities=20, images_per_identity=3)
    assert len(dataset) == 60 and dataset.test_mode
    meta = dataset.metainfo
    assert len(meta['img_ids']) == 60 and meta['pairs'].shape == (40, 2) and meta['issame'].shape == (40,)
    assert [dataset[k]['img_id'] for k in (0, 31, 59)] == [meta['img_ids'][k] for k in (0, 31, 59)]
    for pair, same in zip(meta['pairs'][:6], meta['issame'][:6]):
        first, second = (dataset[int(k)]['gt_identity'] for k in pair)
        assert (first == second) == same


def test_validation_shows_other_people_than_training() -> None:
    from faceresearch.datasets.synth_identities import FIRST_PERSON, MAX_IDENTITIES
    from faceresearch.synth.scene import NUM_IDENTITIES

    starts = sorted(FIRST_PERSON.values())
    assert starts[0] >= NUM_IDENTITIES and starts[1] - starts[0] >= MAX_IDENTITIES
    assert not np.array_equal(split_portrait(0, 'train', 0, 0), split_portrait(0, 'val', 0, 0))


@pytest.mark.parametrize(
    ('pairs', 'people', 'images'), [(18, 20, 5), (41, 20, 5), (6002, 200, 5), (40, 19, 5), (2000, 20, 2), (200, 20, 1)]
)
def test_pairs_that_cannot_be_drawn_are_refused(pairs: int, people: int, images: int) -> None:
    with pytest.raises(UserError, match='SynthFaces pairs'):
        SynthPairsDataset(num_pairs=pairs, num_identities=people, images_per_identity=images)


def test_folders_on_disk_are_read_as_published_sets_are(tmp_path: Path) -> None:
    with DefaultScope.overwrite_default_scope('faceresearch'):
        assert write_identity_layout(tmp_path, 'train', 2, 2) == 4
        folder = ImageFolderFaceDataset(data_root=str(tmp_path / 'train'), pipeline=[{'type': 'LoadImage'}])
        assert len(folder) == 4 and folder.num_identities == 2 and folder[3]['gt_identity'] == 1
        difference = folder[3]['img'].astype(int) - split_portrait(0, 'train', 1, 1)
        assert np.abs(difference).mean() < 8

        assert write_identity_layout(tmp_path, 'val', 20, 2, num_pairs=20) == 40
        listed = PairTxtDataset('pairs.txt', 'val', str(tmp_path))
        ours = SynthPairsDataset(num_pairs=20, num_identities=20, images_per_identity=2)
        np.testing.assert_array_equal(listed.metainfo['issame'], ours.metainfo['issame'])
        names = np.array(listed.metainfo['img_ids'])[listed.metainfo['pairs']]
        np.testing.assert_array_equal(names, np.array(ours.metainfo['img_ids'])[ours.metainfo['pairs']])
