"""Verification sets: .bin files read without unpickling, lists of pairs, CFP, RFW, IJB and TinyFace images."""

from __future__ import annotations

import os
import pickle
import struct

import cv2
import numpy as np
import pytest

from faceresearch.datasets import CFPDataset, IJBDataset, PairBinDataset, PairTxtDataset, RFWDataset, TinyFaceDataset
from faceresearch.datasets.parsers.pair_bin import read_pair_bin
from faceresearch.datasets.parsers.pairs import read_pair_lines
from faceresearch.errors import UserError
from faceresearch.transforms import AlignFace, LoadImage, PackFaceInputs
from faceresearch.transforms.alignment import face_template

PIPELINE = (LoadImage(), AlignFace(112), PackFaceInputs())


def jpeg(seed: int, size: int = 112) -> bytes:
    image = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    return cv2.imencode('.jpg', image)[1].tobytes()


def test_real_bin_file(test_data):
    images, issame = read_pair_bin(test_data / 'recognition/small_lfw.bin')
    # Counts of the file by pickletools: 20 arrays, 10 truth values, all true.
    assert (len(images), issame) == (20, [True] * 10)
    assert all(image[:2] == b'\xff\xd8' for image in images)
    data = PairBinDataset('small_lfw.bin', str(test_data / 'recognition'), pipeline=PIPELINE)
    sample = data[0]
    assert sample['inputs'].shape == (3, 112, 112)
    assert data.metainfo['pairs'].shape == (10, 2)
    assert len(data) == len(set(images))


@pytest.mark.parametrize('protocol', range(2, 6))
@pytest.mark.parametrize('arrays', [False, True])
def test_any_protocol_and_both_forms_of_images_are_read(tmp_path, protocol, arrays):
    images = [jpeg(seed) for seed in range(4)]
    stored = [np.frombuffer(image, np.uint8) for image in images] if arrays else images
    for content in ((stored, [True, False]), [stored, [np.True_, np.False_]]):
        (tmp_path / 'x.bin').write_bytes(pickle.dumps(content, protocol))
        if arrays and protocol == 5:  # numpy writes arrays in another way there, which no published file has
            with pytest.raises(UserError, match='refused at byte'):
                read_pair_bin(tmp_path / 'x.bin')
        else:
            assert read_pair_bin(tmp_path / 'x.bin') == (images, [True, False])


class Evil:
    def __reduce__(self):
        return os.system, ('echo pwned > pwned.txt',)


HOSTILE = {
    'a call of the system': pickle.dumps(([Evil()] * 2, [True])),
    'eval': b'cbuiltins\neval\n(S"1"\ntR.',
    'a module of its own': b'\x80\x02cevil\nthing\n.',
    'an object': b'\x80\x02c__main__\nA\n)\x81}b.',
    'an array of objects': b'\x80\x02cnumpy\ndtype\n(X\x02\x00\x00\x00O8K\x00K\x01tR.',
    'an array larger than its bytes': (
        b'\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R'
        b'(K\x01\x8a\x05\x00\x00\x00\x00\x10\x85cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R\x89C\x02abtb.'
    ),
    'bytes that are not there': b'\x80\x04\x8e' + struct.pack('<Q', 2**62) + b'abc.',
    'a memo of two thousand million': b'\x80\x02]r\xff\xff\xff\x7f.',
    'a list that is not there': b'\x80\x02K\x01a.',
    'a mark that is not there': b'\x80\x02e.',
    'an unknown memo': b'\x80\x02h\x07.',
    'a list in itself': b'\x80\x02]q\x00h\x00a.',
    'no end': b'\x80\x02](',
    'nothing': b'',
    'no pickle': b'\xff\xd8\xff\xe0 an image',
    'persistent objects': b'\x80\x02K\x01Q.',
    'pairs and images that do not match': pickle.dumps(([b'a', b'b', b'c'], [True])),
    'numbers for images': pickle.dumps(([1, 2], [True])),
    'words for truth': pickle.dumps(([b'a', b'b'], ['yes'])),
}


@pytest.mark.parametrize('what', list(HOSTILE))
def test_hostile_files_are_refused_and_run_nothing(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.bin').write_bytes(HOSTILE[what])
    with pytest.raises(UserError, match=r'x\.bin: '):
        read_pair_bin(tmp_path / 'x.bin')
    assert [p.name for p in tmp_path.iterdir()] == ['x.bin']


def test_the_place_of_a_refusal_is_named(tmp_path):
    (tmp_path / 'x.bin').write_bytes(b'\x80\x02]cevil\nthing\n.')
    with pytest.raises(UserError, match=r'refused at byte 3: it asks for evil\.thing'):
        read_pair_bin(tmp_path / 'x.bin')


def test_every_truncation_of_a_file_is_a_user_error(tmp_path):
    whole = pickle.dumps(([b'abc', np.frombuffer(b'de', np.uint8)], [True]), 4)
    for length in range(len(whole)):
        (tmp_path / 'x.bin').write_bytes(whole[:length])
        with pytest.raises(UserError):
            read_pair_bin(tmp_path / 'x.bin')


def test_repeated_images_are_embedded_once_and_exclusion_knows_all_their_numbers(tmp_path):
    a, b, c = jpeg(0), jpeg(1), jpeg(2)
    (tmp_path / 'x.bin').write_bytes(pickle.dumps(([a, b, a, c, b, c], [True, False, True])))
    data = PairBinDataset('x.bin', str(tmp_path), pipeline=PIPELINE)
    assert data.metainfo['img_ids'] == ['0', '1', '3']
    assert data.metainfo['pairs'].tolist() == [[0, 1], [0, 2], [1, 2]]
    (tmp_path / 'out.txt').write_text('2\n')  # another number of the first image
    rest = PairBinDataset('x.bin', str(tmp_path), exclude=str(tmp_path / 'out.txt'))
    assert (rest.metainfo['img_ids'], rest.metainfo['issame'].tolist()) == (['1', '3'], [True])


def test_files_that_are_judged_together_are_groups_and_absent_ones_are_left_out(tmp_path):
    for name, images, issame in (('lfw', [0, 1, 0, 2], [True, False]), ('agedb_30', [0, 3], [True])):
        (tmp_path / f'{name}.bin').write_bytes(pickle.dumps(([jpeg(i) for i in images], issame)))
    data = PairBinDataset(['lfw.bin', 'cfp_fp.bin', 'agedb_30.bin'], str(tmp_path), pipeline=PIPELINE)
    assert data.metainfo['groups'].tolist() == ['lfw', 'lfw', 'agedb_30']
    assert data.metainfo['img_ids'] == ['lfw/0', 'lfw/1', 'lfw/3', 'agedb_30/0', 'agedb_30/1']
    assert data.metainfo['pairs'].tolist() == [[0, 1], [0, 2], [3, 4]]
    # The same picture in two files is an image of each; the last one is only in the second.
    assert (data[0]['inputs'] == data[3]['inputs']).all() and not (data[4]['inputs'] == data[3]['inputs']).all()
    with pytest.raises(UserError, match=r'none of .*a\.bin, .*b\.bin exists.*val_cfg=null'):
        PairBinDataset(['a.bin', 'b.bin'], str(tmp_path))


def test_a_broken_image_of_a_bin_is_flagged(tmp_path):
    (tmp_path / 'x.bin').write_bytes(pickle.dumps(([jpeg(0), b'no image'], [True])))
    data = PairBinDataset('x.bin', str(tmp_path), pipeline=PIPELINE)
    assert data[1]['data_samples'].img_broken
    assert data[1]['inputs'].shape == (3, 112, 112)


def test_official_lfw_list(test_data):
    lines, problems = read_pair_lines(test_data / 'recognition/lfw_pairs.txt')
    assert (len(lines.issame), sum(lines.issame), problems.summary()) == (6000, 3000, None)
    assert np.bincount(lines.folds).tolist() == [600] * 10
    assert lines.first[0] == 'Abel_Pacheco/Abel_Pacheco_0001'
    assert lines.second[0] == 'Abel_Pacheco/Abel_Pacheco_0004'


def write_images(folder, names):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg(number))


def test_wrong_lines_are_reported_by_number(tmp_path):
    (tmp_path / 'p.txt').write_text('A 1 2\nA one 2\n1 x/a.jpg x/b.png\n0 ../up.jpg x/b.jpg\nA\t1\tB C\t2\n')
    lines, problems = read_pair_lines(tmp_path / 'p.txt')
    assert lines.first == ['A/A_0001', 'x/a.jpg', 'A/A_0001']
    assert lines.second == ['A/A_0002', 'x/b.png', 'B C/B C_0002']
    assert lines.issame == [True, True, False]
    assert '2 × malformed line' in problems.summary()
    assert 'p.txt:2' in problems.summary()
    assert 'p.txt:4' in problems.summary()
    (tmp_path / 'p.txt').write_text('nothing of use here\n')
    with pytest.raises(UserError, match='holds no pair'):
        read_pair_lines(tmp_path / 'p.txt')


def test_pairs_of_missing_and_excluded_images_are_left_out(tmp_path):
    write_images(tmp_path / 'images', ['A/A_0001.jpg', 'A/A_0002.png', 'B/B_0001.jpg'])
    (tmp_path / 'pairs.txt').write_text('A 1 2\nA 1 B 1\nB 1 2\n')
    data = PairTxtDataset('pairs.txt', 'images', str(tmp_path), pipeline=PIPELINE)
    assert data.metainfo['img_ids'] == ['A/A_0001', 'A/A_0002', 'B/B_0001']
    assert data.metainfo['issame'].tolist() == [True, False]
    assert (data.metainfo['images_expected'], data.metainfo['pairs_expected']) == (4, 3)
    (tmp_path / 'out.txt').write_text('B/B_0001\n')
    rest = PairTxtDataset('pairs.txt', 'images', str(tmp_path), exclude=str(tmp_path / 'out.txt'))
    assert (rest.metainfo['images_expected'], rest.metainfo['pairs_expected'], len(rest)) == (2, 1, 2)


@pytest.mark.parametrize('protocol', ['FF', 'FP'])
def test_complete_splits_of_cfp_are_used(test_data, protocol):
    data = CFPDataset(str(test_data / 'cfp'), protocol=protocol, pipeline=PIPELINE)
    meta = data.metainfo
    assert np.unique(meta['folds'], return_counts=True)[1].tolist() == [700] * 4
    assert meta['folds'].max() == 4
    assert meta['issame'].sum() == 1400
    for (a, b), same in zip(meta['pairs'][::50], meta['issame'][::50]):
        first, second = meta['img_ids'][a].split('/'), meta['img_ids'][b].split('/')
        assert (first[0] == second[0]) == same
        assert (first[1], second[1]) == ('frontal', {'FF': 'frontal', 'FP': 'profile'}[protocol])
    assert data[0]['inputs'].shape == (3, 112, 112)


def test_rfw_has_groups(tmp_path):
    for group in ('African', 'Indian'):
        write_images(tmp_path / 'data' / group, [f'm.{i}/m.{i}_000{k}.jpg' for i in (1, 2) for k in (1, 2)])
        (tmp_path / 'txts' / group).mkdir(parents=True)
        (tmp_path / 'txts' / group / f'{group}_pairs.txt').write_text('m.1\t1\t2\nm.1\t1\tm.2\t2\n')
    data = RFWDataset(str(tmp_path), groups=('African', 'Indian'), pipeline=PIPELINE)
    assert data.metainfo['groups'].tolist() == ['african', 'african', 'indian', 'indian']
    assert data.metainfo['img_ids'][0] == 'African/m.1/m.1_0001'
    assert len(data) == 6


def test_ijb_images_are_aligned_by_their_points(tmp_path):
    image = np.zeros((200, 220, 3), np.uint8)
    points = face_template(112) * 1.4 + (20, 11)
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), 4, (255, 255, 255), -1)
    (tmp_path / 'loose_crop').mkdir()
    cv2.imwrite(str(tmp_path / 'loose_crop/2.png'), image)
    row = ' '.join(f'{value:.3f}' for value in points.reshape(-1))
    (tmp_path / 'toy_name_5pts_score.txt').write_text(f'1.png {row} 0.9\n2.png {row} 0.8\n')
    data = IJBDataset(str(tmp_path), 'toy', pipeline=PIPELINE)
    assert (len(data), data.metainfo['img_ids']) == (1, ['1.png', '2.png'])
    crop = data[0]['inputs'].numpy()[0]
    for x, y in face_template(112):
        assert crop[round(y), round(x)] > 200
    assert crop.mean() < 30


def test_tinyface_folders(tmp_path):
    names = ['Gallery_Match/1_a.jpg', 'Gallery_Distractor/7.jpg', 'Probe/1_b.jpg']
    write_images(tmp_path / 'Testing_Set', names)
    data = TinyFaceDataset(str(tmp_path), pipeline=PIPELINE)
    assert sorted(data.metainfo['img_ids']) == sorted(names)
    with pytest.raises(UserError, match='qmul-tinyface'):
        TinyFaceDataset(str(tmp_path / 'absent'))


def test_crops_of_another_size_move_from_template_to_template():
    marked = np.zeros((112, 112, 3), np.uint8)
    x, y = face_template(112)[2].round().astype(int)
    marked[y - 1 : y + 2, x - 1 : x + 2] = 255
    moved = AlignFace((112, 96)).transform({'img': marked})['img']
    assert moved.shape == (112, 96, 3)
    assert moved[y, x - 8].min() > 200  # the narrow template lacks eight pixels on the left
    assert AlignFace((160, 160)).transform({'img': marked})['img'].shape == (160, 160, 3)
