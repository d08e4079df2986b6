"""Record files and image folders as data sets of identities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from faceresearch.datasets import ImageFolderFaceDataset, RecordFaceDataset
from faceresearch.datasets.parsers.face_records import write_face_records
from faceresearch.datasets.seeding import first_draws
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.errors import UserError
from faceresearch.models.data_preprocessors import FaceDataPreprocessor
from faceresearch.structures import FaceBatch, FaceDataSample

PIPELINE = [{'type': 'LoadImage'}, {'type': 'RandomFlip', 'prob': 0.5}, {'type': 'PackFaceInputs'}]


def picture(number: int, size: int = 24) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (size, size, 3), np.uint8)


def write_folders(root: Path, counts: dict[str, int]) -> Path:
    for number, (name, count) in enumerate(counts.items()):
        for i in range(count):
            (root / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / name / f'{i}.png'), picture(100 * number + i))
    return root


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Names whose order differs between locales, cases and file systems."""
    return write_folders(tmp_path / 'faces', {'b': 3, 'B': 1, 'a10': 4, 'a9': 2, 'é': 2, 'a b': 5})


def test_folders_are_numbered_by_the_bytes_of_their_names(folders: Path) -> None:
    (folders / 'empty').mkdir()
    (folders / '.hidden').mkdir()
    cv2.imwrite(str(folders / '.hidden/x.png'), picture(0))
    (folders / 'readme.txt').write_text('no folder')
    (folders / 'b/notes.txt').write_text('no image')
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    assert len(data) == 17
    assert data.folders == ['B', 'a b', 'a10', 'a9', 'b', 'é']
    assert data.num_identities == 6
    assert data.identities.tolist() == [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5]
    assert [data.get_data_info(i)['img_id'] for i in (0, 1, 5, 16)] == ['B/0', 'a b/0', 'a b/4', 'é/1']
    sample = data[16]['data_samples']
    assert sample.gt_identity.label.tolist() == [5] and sample.img_path == f'{folders}/é/1.png'
    write_folders(folders, {'zz': 1})
    names = ImageFolderFaceDataset(str(folders))
    assert len(names) == 18 and names.folders.index('zz') == 5


def test_long_tails_can_be_cut(folders: Path) -> None:
    data = ImageFolderFaceDataset(str(folders), min_images=3, max_images=4)
    assert [data.get_data_info(i)['img_id'].split('/')[0] for i in range(len(data))] == ['a b'] * 4 + ['a10'] * 4 + [
        'b'
    ] * 3
    assert data.num_identities == 3 and data.identities.tolist() == [0] * 4 + [1] * 4 + [2] * 3
    assert [data.get_data_info(i)['gt_identity'] for i in (0, 4, 8)] == [0, 1, 2]
    assert len(ImageFolderFaceDataset(str(folders), min_images=2)) == 16, 'without the folder of one image'
    chosen = ImageFolderFaceDataset(str(folders), identities=['b', 'a9'])
    assert len(chosen) == 5 and chosen.num_identities == 2 and chosen.folders == ['a9', 'b']
    with pytest.raises(UserError, match='no identity has min_images=6'):
        len(ImageFolderFaceDataset(str(folders), min_images=6))
    with pytest.raises(UserError, match='min_images=3, max_images=2'):
        ImageFolderFaceDataset(str(folders), min_images=3, max_images=2)
    with pytest.raises(UserError, match=r"no folder 'x' \(of 1 missing"):
        len(ImageFolderFaceDataset(str(folders), identities=['x']))


def test_more_identities_than_classes_is_an_error(folders: Path) -> None:
    with pytest.raises(UserError, match=r'6 identities .*more than num_classes=5; set num_classes=6'):
        len(ImageFolderFaceDataset(str(folders), num_classes=5))
    assert len(ImageFolderFaceDataset(str(folders), num_classes=7)) == 17


def test_absent_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='no such folder'):
        len(ImageFolderFaceDataset(str(tmp_path / 'none')))
    (tmp_path / 'a').mkdir()
    with pytest.raises(UserError, match='none of 1 folders holds an image'):
        len(ImageFolderFaceDataset(str(tmp_path)))
    with pytest.raises(UserError, match='no such record file'):
        len(RecordFaceDataset(str(tmp_path)))


def test_first_numbers_of_a_batch_are_those_of_its_generators() -> None:
    rng = np.random.default_rng(0)
    epochs, indices = rng.integers(0, 50, 200), rng.integers(0, 2**32, 200)
    for seed in (0, 1, 2**32 - 1, 2**40):
        expected = [np.random.default_rng([seed, e, i]).random() for e, i in zip(epochs, indices)]
        assert first_draws(seed, epochs, indices).tolist() == expected
    assert first_draws(0, epochs[:0], indices[:0]).shape == (0,)


def as_list(batch: dict[str, Any]) -> list[tuple[torch.Tensor, FaceDataSample]]:
    return list(zip(batch['inputs'], batch['data_samples'], strict=True))


def same(batch: dict[str, Any], singles: list[dict[str, Any]]) -> None:
    pairs = as_list(batch)
    assert len(pairs) == len(singles)
    for (image, sample), single in zip(pairs, singles):
        assert torch.equal(image, single['inputs'])
        assert sample.metainfo == single['data_samples'].metainfo
        assert sample.gt_identity.label.tolist() == single['data_samples'].gt_identity.label.tolist()


@pytest.mark.parametrize('workers', [0, 2])
def test_a_batch_in_one_piece_is_what_its_samples_are_one_by_one(folders: Path, workers: int) -> None:
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    config = {
        'type': 'ImageFolderFaceDataset',
        '_scope_': 'faceresearch',
        'data_root': str(folders),
        'pipeline': PIPELINE,
    }
    loader = build_dataloader({'batch_size': 5, 'num_workers': workers, 'dataset': {**config, 'seed': 0}}, seed=0)
    flips = []
    for epoch in (0, 1):
        loader.sampler.set_epoch(epoch)
        order = list(loader.sampler)
        for number, batch in enumerate(loader):
            assert isinstance(batch['data_samples'], FaceBatch)
            same(batch, [data[i] for i in order[5 * number : 5 * number + 5]])
            flips += [bool(sample.get('flip', False)) for sample in batch['data_samples']]
    assert 5 < sum(flips) < 29


def test_a_broken_image_gives_way_to_the_next_in_a_batch_too(folders: Path) -> None:
    (folders / 'a9/0.png').write_bytes(b'no image')
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    make_batch = data.__getitems__
    assert make_batch is not None
    batch = make_batch([9, 10, 27])
    same(batch, [data[i] for i in (9, 10, 27)])
    assert [sample.img_id for sample in batch['data_samples']] == ['a10/3', 'a9/1', 'a9/1']
    (first, second) = batch['data_samples'].metainfo_column('replaced')
    assert 'a9/0.png' in first[0] and first == second
    tested = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE, test_mode=True)
    assert tested.__getitems__ is None and tested[10]['data_samples'].img_broken
    assert tested[10]['data_samples'].gt_identity.label.tolist() == [3]


def test_images_of_several_sizes_and_foreign_transforms_come_one_by_one(folders: Path) -> None:
    cv2.imwrite(str(folders / 'b/0.png'), picture(3, 30))
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    batch = data.__getitems__([12, 13])  # type: ignore[misc]
    assert isinstance(batch, list) and [s['inputs'].shape[1] for s in batch] == [30, 24]
    assert ImageFolderFaceDataset(str(folders), pipeline=[*PIPELINE[:2], dict]).__getitems__ is None


def test_a_batch_is_normalised_as_its_images_are(folders: Path) -> None:
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    preprocessor = FaceDataPreprocessor(mean=(127.5, 120.0, 110.0), std=(127.5, 128.0, 60.0), bgr_to_rgb=True)
    batch = data.__getitems__(list(range(6)))  # type: ignore[misc]
    one = preprocessor(batch)
    many = preprocessor({'inputs': list(batch['inputs']), 'data_samples': list(batch['data_samples'])})
    assert torch.equal(one['inputs'], many['inputs']) and one['inputs'].is_contiguous()
    assert isinstance(one['data_samples'], FaceBatch) and len(one['data_samples']) == 6
    for sample in one['data_samples']:
        sample.pred_embedding = torch.zeros(2)
    assert all('pred_embedding' in sample for sample in one['data_samples'])


def test_records_are_the_images_they_were_made_from(folders: Path, tmp_path: Path) -> None:
    source = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE)
    images = [(int(i), Path(source.get_data_info(n)['img_path']).read_bytes()) for n, i in enumerate(source.identities)]
    write_face_records(tmp_path / 'train.rec', images)
    data = RecordFaceDataset(str(tmp_path), num_classes=6, pipeline=PIPELINE)
    assert len(data) == 17 and data.num_identities == 6
    assert data.identities.tolist() == source.identities.tolist()
    for index in (0, 5, 16, 17 + 3):
        a, b = data[index], source[index]
        assert torch.equal(a['inputs'], b['inputs'])
        assert a['data_samples'].img_id == str(index % 17 + 1)
        assert 'img_bytes' not in a['data_samples']
    config = {'type': 'RecordFaceDataset', '_scope_': 'faceresearch', 'data_root': str(tmp_path), 'pipeline': PIPELINE}
    loader = build_dataloader({'batch_size': 4, 'num_workers': 2, 'dataset': {**config, 'seed': 0}}, seed=7)
    order = list(loader.sampler)
    for number, batch in enumerate(loader):
        same(batch, [data[i] for i in order[4 * number : 4 * number + 4]])


@pytest.mark.parametrize('pipeline', [PIPELINE, [PIPELINE[0], PIPELINE[-1]]])
def test_records_in_one_piece_are_those_one_by_one(pipeline: list[dict[str, Any]], tmp_path: Path) -> None:
    """The quick way of the plain pipelines, with broken images among the others."""
    images = [cv2.imencode('.jpg', picture(number))[1].tobytes() for number in range(20)]
    images[5], images[9] = b'junk', images[9][:-40]
    write_face_records(tmp_path / 'train.rec', [(number // 4, data) for number, data in enumerate(images)])
    data = RecordFaceDataset(str(tmp_path), pipeline=pipeline, seed=3)
    indices = [0, 3, 5, 25, 49, 7, 60, 12, *range(20, 40)]
    batch = data.__getitems__(indices)  # type: ignore[misc]
    assert isinstance(batch['data_samples'], FaceBatch)
    same(batch, [data[index] for index in indices])
    assert any(sample.get('flip') for sample in batch['data_samples']) == (len(pipeline) == 3)


def test_an_undecodable_record_is_an_image_that_cannot_be_read(folders: Path, tmp_path: Path) -> None:
    good = cv2.imencode('.jpg', picture(1))[1].tobytes()
    write_face_records(tmp_path / 'train.rec', [(0, good), (0, b'junk'), (1, good[:-40]), (1, good)])
    data = RecordFaceDataset(str(tmp_path), pipeline=PIPELINE)
    sample = data[1]['data_samples']
    assert sample.img_id == '4' and len(sample.replaced) == 2 and 'train.rec#2' in sample.replaced[0]
    broken = RecordFaceDataset(str(tmp_path), pipeline=PIPELINE, test_mode=True)[2]
    assert broken['data_samples'].img_broken and broken['inputs'].shape == (3, 32, 32)


def test_golden_records_decode(golden_dir: Path) -> None:
    data = RecordFaceDataset(str(golden_dir / 'evaluation/recordio'), num_classes=8, pipeline=PIPELINE)
    assert (len(data), data.num_identities) == (31, 8)
    assert data[12]['inputs'].shape == (3, 112, 112)
    assert data[12]['data_samples'].gt_identity.label.tolist() == [3], 'the first of two labels'
    shuffled = RecordFaceDataset(str(golden_dir / 'evaluation/recordio'), 'plain.rec', pipeline=PIPELINE)
    assert len(shuffled) == 6 and shuffled[5]['data_samples'].gt_identity.label.tolist() == [2]


def test_cfp_identities(test_data: Path) -> None:
    root = str(test_data / 'cfp/Data/Images')
    data = ImageFolderFaceDataset(root, pipeline=PIPELINE)
    assert len(data) == 2800 and data.num_identities == 200
    assert np.bincount(data.identities).tolist() == [14] * 200
    assert data.get_data_info(14)['img_id'] == '002/frontal/01'
    frontal = ImageFolderFaceDataset(root, subdirs=['frontal'], identities=[f'{i:03d}' for i in range(161, 201)])
    assert len(frontal) == 400 and frontal.num_identities == 40
    assert {frontal.get_data_info(i)['img_id'].split('/')[1] for i in range(400)} == {'frontal'}
    assert data[3]['inputs'].dtype == torch.uint8


def test_batches_that_are_kept_are_not_written_over(folders: Path) -> None:
    """Workers fill the same memory again, but only when nobody looks at it any more."""
    data = ImageFolderFaceDataset(str(folders), pipeline=PIPELINE, max_images=4)
    config = {'type': 'ImageFolderFaceDataset', '_scope_': 'faceresearch', 'data_root': str(folders), 'max_images': 4}
    loader = build_dataloader(
        {'batch_size': 2, 'num_workers': 2, 'drop_last': True, 'dataset': {**config, 'pipeline': PIPELINE, 'seed': 0}},
        0,
    )
    kept, views, order = [], [], []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        order += list(loader.sampler)[:16]
        for batch in loader:
            kept.append(batch)
            views.append(batch['inputs'][1])
    assert len(kept) == 24
    for number, batch in enumerate(kept):
        same(batch, [data[i] for i in order[2 * number : 2 * number + 2]])
    del kept, batch
    assert all(torch.equal(view, data[order[2 * n + 1]]['inputs']) for n, view in enumerate(views)), (
        'one image of it is enough'
    )
    pool = loader.dataset._pool
    if pool is not None:
        views.clear()
        assert not pool.busy.any(), 'all places are free again'
