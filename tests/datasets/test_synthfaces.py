"""SynthFaces as a data set, and on disk in WIDER FACE's layout."""

from __future__ import annotations

import itertools
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from faceresearch.datasets.parsers import read_annotations
from faceresearch.datasets.synthfaces import SynthFacesDataset, scene_name, split_scene
from faceresearch.datasets.wider_face import WiderFaceDataset
from faceresearch.errors import UserError
from faceresearch.evaluation.wider_ground_truth import load_ground_truth
from faceresearch.synth import RENDERER_VERSION, Scene
from faceresearch.synth.wider_layout import write_wider_layout

SIZE = (96, 128)
PACK = [{'type': 'LoadImage'}, {'type': 'PackFaceInputs'}]


def make(**arguments: object) -> SynthFacesDataset:
    return SynthFacesDataset(**{'num_scenes': 6, 'size': SIZE, 'pipeline': [], **arguments})  # type: ignore[arg-type]


def test_a_sample_carries_what_the_pipeline_needs():
    with DefaultScope.overwrite_default_scope('faceresearch'):
        dataset = make(pipeline=PACK, split='val')
    assert len(dataset) == 6
    sample = dataset[2]
    scene = split_scene(0, 'val', 0, 2, SIZE)
    assert sample['inputs'].shape == (3, *SIZE)
    assert np.array_equal(sample['inputs'].numpy().transpose(1, 2, 0), scene.image)
    found = sample['data_samples'].gt_instances
    assert np.array_equal(found.bboxes.numpy(), scene.bboxes)
    assert np.array_equal(found.keypoints.numpy(), scene.keypoints)
    assert np.array_equal(found.difficulty.numpy(), scene.difficulty)
    assert sample['data_samples'].img_id == scene_name('val', 2)


def test_train_and_val_share_neither_scenes_nor_people():
    scenes = {split: [split_scene(0, split, 0, index, SIZE) for index in range(8)] for split in ('train', 'val')}
    images = {split: {scene.image.tobytes() for scene in some} for split, some in scenes.items()}
    people = {split: set(np.concatenate([scene.identities for scene in some])) for split, some in scenes.items()}
    assert not images['train'] & images['val']
    assert len(people['train']) > 5
    assert len(people['val']) > 5
    assert max(people['train']) < 900_000 <= min(people['val'])


def test_scenes_stay_unless_told_otherwise():
    fixed, fresh = make(), make(scene_epochs=1)
    assert np.array_equal(fixed[1]['img'], fixed[6 + 1]['img'])
    assert np.array_equal(fixed[1]['img'], fresh[1]['img'])
    assert not np.array_equal(fresh[1]['img'], fresh[6 + 1]['img'])
    assert np.array_equal(fresh[6 + 1]['img'], make(scene_epochs=1)[6 + 1]['img'])


@pytest.mark.parametrize('cache_mib', [0, 16])
def test_scenes_take_turns_to_give_way_to_new_ones(cache_mib: float):
    dataset = make(scene_epochs=3, cache_mib=cache_mib)
    epochs = [[dataset[6 * epoch + index]['img'].tobytes() for index in range(6)] for epoch in range(7)]
    changed = [[one != other for one, other in zip(*pair, strict=True)] for pair in itertools.pairwise(epochs)]
    # A third of them in each epoch, each in every third; and none comes back.
    assert [sum(some) for some in changed] == [2] * 6
    assert changed[:3] == changed[3:]
    assert np.sum(changed[:3], 0).tolist() == [1] * 6
    assert len({image for epoch in epochs for image in epoch}) == 6 + 6 * 2
    # As a resumed training starts: in a later epoch.
    assert make(scene_epochs=3, cache_mib=cache_mib)[6 * 5 + 2]['img'].tobytes() == epochs[5][2]


def test_the_memory_cache_changes_nothing_and_survives_transforms_in_place():
    plain, cached = make(), make(cache_mib=16)
    for index in range(3):
        first = cached[index]
        first['img'][:] = 0
        first['gt_bboxes'] *= 0
    for index in range(3):
        again, expected = cached[index], plain[index]
        assert np.array_equal(again['img'], expected['img'])
        assert np.array_equal(again['gt_bboxes'], expected['gt_bboxes'])


def test_the_memory_cache_keeps_to_its_bound():
    dataset = make(cache_mib=0.05, scene_epochs=2)
    for index in range(6 * 5):
        dataset[index]
        assert 0 < sum(len(data) for _, data, _ in dataset._cache.values()) <= 0.05 * 2**20


@pytest.mark.parametrize(
    'arguments',
    [
        {'split': 'test'},
        {'num_scenes': 0},
        {'size': (8, 8)},
        {'split': 'val', 'scene_epochs': 1},
        {'scene_epochs': 0},
        {'renderer_version': '0'},
    ],
)
def test_arguments_without_meaning_are_one_clear_line(arguments: dict[str, object]):
    with pytest.raises(UserError, match='SynthFacesDataset') as caught:
        make(**arguments)
    assert '\n' not in str(caught.value)


def test_the_renderer_version_of_a_config_is_checked():
    assert make(renderer_version=RENDERER_VERSION).num_scenes == 6


@pytest.fixture(scope='module')
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('synthfaces')
    assert write_wider_layout(root, 'val', 10, SIZE) > 0
    return root


@lru_cache(maxsize=1)
def scenes() -> list[tuple[str, Scene]]:
    return [(scene_name('val', index), split_scene(0, 'val', 0, index, SIZE)) for index in range(10)]


def test_labels_on_disk_read_back_as_the_same_boxes_and_points(on_disk: Path):
    for file, form in (('wider_face_split/wider_face_val_bbx_gt.txt', 'official'), ('val/label.txt', 'retinaface')):
        annotations, problems = read_annotations(on_disk / file, None)
        assert problems.summary() is None
        assert [item.name for item in annotations] == [f'{name}.jpg' for name, _ in scenes()]
        for item, (_, scene) in zip(annotations, scenes()):
            assert np.array_equal(item.bboxes, scene.bboxes), form
            if form == 'retinaface':
                labelled = scene.keypoints_visible.any(1)
                assert np.array_equal(item.keypoints[labelled], scene.keypoints[labelled])
                assert np.array_equal(item.visible.any(1), labelled)


def test_the_evaluator_reads_the_ground_truth(on_disk: Path):
    truth = load_ground_truth(on_disk / 'ground_truth')
    assert list(truth.names) == [name for name, _ in scenes()]
    for index, (_, scene) in enumerate(scenes()):
        rows = slice(truth.offsets[index], truth.offsets[index + 1])
        assert np.array_equal(truth.boxes[rows], scene.bboxes)
        assert np.array_equal(truth.kept[rows], scene.difficulty)


def test_the_wider_face_data_set_loads_the_folder(on_disk: Path):
    with DefaultScope.overwrite_default_scope('faceresearch'):
        dataset = WiderFaceDataset(
            str(on_disk), 'val/label.txt', 'WIDER_val/images', pipeline=PACK, test_mode=True, filter_empty=False
        )
    assert len(dataset) == 10
    assert dataset[0]['inputs'].shape == (3, *SIZE)


def test_the_tool_writes_the_layout(tmp_path: Path, repo_root: Path):
    command = [sys.executable, 'tools/make_synthfaces.py', str(tmp_path / 'out'), '--scenes', '2', '--size', '64', '64']
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert RENDERER_VERSION in done.stdout
    assert len(list((tmp_path / 'out' / 'WIDER_val' / 'images' / '0--SynthFaces').glob('*.jpg'))) == 2


def test_the_writer_refuses_what_has_no_meaning(tmp_path: Path):
    with pytest.raises(UserError, match='jobs=0'):
        write_wider_layout(tmp_path / 'out', 'val', 2, (64, 64), jobs=0)
    assert not (tmp_path / 'out').exists()
