"""tools/dataset_stats.py: what it counts, what it finds in common, what it doubts."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.datasets.audit.noise import label_noise
from faceresearch.datasets.audit.overlap import near_pairs, plain_name
from faceresearch.datasets.audit.sources import perceptual_hash
from faceresearch.datasets.audit.tail import tail_statistics
from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.datasets.parsers.face_records import write_face_records
from tests.tools.running import error_line, run_tool


def scene(number: int) -> np.ndarray:
    """A picture with structure, unlike any other."""
    rng = np.random.default_rng(number)
    return cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (96, 96), interpolation=cv2.INTER_CUBIC)


def write(path: Path, image: np.ndarray, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])


@pytest.fixture
def train(tmp_path: Path) -> Path:
    root = tmp_path / 'train'
    for identity, count in (('Ada_Lovelace', 6), ('Bob', 3), ('Carl', 1)):
        for i in range(count):
            write(root / identity / f'{i}.jpg', scene(10 * len(identity) + i))
    return root


def test_counts_sizes_and_broken_images(train: Path, tmp_path: Path) -> None:
    write(train / 'Carl/large.jpg', cv2.resize(scene(1), (128, 120)))
    (train / 'Bob/broken.jpg').write_bytes(b'nothing')
    (train / 'Bob/again.jpg').write_bytes((train / 'Bob/0.jpg').read_bytes())
    outcome = run_tool('dataset_stats', train, '-o', tmp_path / 'out')
    assert outcome.status == 0, outcome
    stats = json.loads((tmp_path / 'out/stats.json').read_text())
    assert (stats['images'], stats['identities'], stats['min'], stats['median'], stats['max']) == (13, 3, 2, 5, 6)
    assert stats['table'] == [[2, 2, 1, 2], [5, 6, 2, 11]]
    assert stats['sizes'][0] == {'height': 96, 'width': 96, 'images': 11}
    assert {'height': 120, 'width': 128, 'images': 1} in stats['sizes']
    assert stats['repeated'] == 1 and stats['broken'] == 1 and 'Bob/broken' in stats['broken_images'][0]
    assert 'images that cannot be read: 1' in outcome.out and '5 to 6' in outcome.out
    picture = cv2.imread(str(tmp_path / 'out/long_tail.png'))
    assert picture.shape[1] > picture.shape[0] > 300


def test_a_long_tail_in_figures() -> None:
    counts = [100, 10, 5, 1, 1, 1, 1, 1, 1, 1]
    stats = tail_statistics(np.repeat(np.arange(10), counts))
    assert stats['head'] == pytest.approx({'1%': 100 / 122, '10%': 100 / 122, '50%': 117 / 122})
    pairs = sum(abs(a - b) for a in counts for b in counts)
    assert stats['gini'] == pytest.approx(pairs / (2 * 10 * 10 * 12.2)), 'half the relative mean difference'
    assert tail_statistics(np.array([2, 2, 5, 5, -1]))['gini'] == 0


def test_audit_finds_the_same_files_nearly_the_same_pixels_and_the_same_people(train: Path, tmp_path: Path) -> None:
    test = tmp_path / 'test'
    write(test / 'Dora/new.jpg', scene(900))
    write(test / 'Dora/recoded.jpg', cv2.imread(str(train / 'Bob/1.jpg')), quality=60)
    write(
        test / 'Dora/half.jpg', cv2.resize(cv2.imread(str(train / 'Bob/2.jpg')), (48, 48), interpolation=cv2.INTER_AREA)
    )
    (test / 'Emil').mkdir()
    (test / 'Emil/copy.jpg').write_bytes((train / 'Carl/0.jpg').read_bytes())
    write(test / 'Emil/other.jpg', scene(901))
    write(test / 'ada lovelace/a.jpg', scene(902))
    (test / 'Emil/broken.jpg').write_bytes(b'')
    outcome = run_tool('dataset_stats', '--audit', train, test, '-o', tmp_path / 'out', '--jobs', 2)
    assert outcome.status == 0, outcome
    audit = json.loads((tmp_path / 'out/audit.json').read_text())
    assert (audit['exact_duplicates'], audit['near_duplicates']) == (1, 2)
    assert (audit['shared_identities'], audit['test_identities'], audit['unreadable']) == (1, 3, [0, 1])
    assert (tmp_path / 'out/clean.txt').read_text().split('\n') == ['Dora/new', 'Emil/broken', 'Emil/other', '']
    excluded = {'Dora/half', 'Dora/recoded', 'Emil/copy', 'ada lovelace/a'}
    assert read_excluded(tmp_path / 'out/exclude.txt') == excluded
    rows = [line.split('\t') for line in (tmp_path / 'out/duplicates.txt').read_text().splitlines()[1:]]
    assert {(row[0], row[1]) for row in rows} == {
        ('Dora/half', 'Bob/2'),
        ('Dora/recoded', 'Bob/1'),
        ('Emil/copy', 'Carl/0'),
    }
    assert [row[2] for row in rows if row[0] == 'Emil/copy'] == ['same file']
    assert '1 of 3 (33.33%)' in outcome.out


def test_audit_of_records_by_lists_of_names(train: Path, tmp_path: Path) -> None:
    images = [(0, (train / f'Ada_Lovelace/{i}.jpg').read_bytes()) for i in range(6)]
    write_face_records(tmp_path / 'set/train.rec', images)
    (tmp_path / 'known.txt').write_text('# of the training set\nAda_Lovelace\nZoe\n')
    write(tmp_path / 'test/1.jpg', scene(77))
    write(tmp_path / 'test/2.jpg', scene(78))
    command = ('dataset_stats', '--audit', tmp_path / 'set', tmp_path / 'test', '-o', tmp_path / 'out')
    assert 'shared identities: not known' in run_tool(*command).out
    (tmp_path / 'people.txt').write_text('1 Ada Lovelace\n2 Dora\n')
    names = ('--train-names', tmp_path / 'known.txt', '--test-names', tmp_path / 'people.txt')
    assert '1 of 2 (50.00%)' in run_tool(*command, *names).out
    assert (tmp_path / 'out/exclude.txt').read_text() == '1\n'
    (tmp_path / 'people.txt').write_text('3 Dora\n')
    assert "'3 Dora' is not" in error_line(run_tool(*command, *names))


def test_names_are_compared_without_case_and_signs() -> None:
    assert plain_name('José_García-López') == plain_name('jose\u0301 garci\u0301a  lo\u0301pez')
    assert plain_name('Ann_Lee') != plain_name('Anne_Lee')


def test_no_pair_of_near_hashes_is_missed() -> None:
    rng = np.random.default_rng(0)
    many = rng.integers(0, 256, (300, 32), np.uint8)
    few = many[rng.integers(0, 300, 60)].copy()
    for row, flips in zip(few, rng.integers(0, 40, 60)):
        bits = np.unpackbits(row)
        bits[rng.choice(256, flips, replace=False)] ^= 1
        row[:] = np.packbits(bits)
    table = np.unpackbits(many[:, None] ^ few[None], axis=2).sum(2)
    for limit in (0, 1, 2, 3, 16, 30):
        i, k, distance = near_pairs(many, few, limit)
        expected = np.argwhere(table <= limit)
        assert sorted(zip(i.tolist(), k.tolist())) == [tuple(pair) for pair in expected.tolist()]
        assert (table[i, k] == distance).all()
    assert len(near_pairs(many, few, 16)[0]) > 15


def test_the_hash_knows_an_image_in_other_forms_and_tells_people_apart(test_data: Path) -> None:
    files = [test_data / f'cfp/Data/Images/{i:03d}/frontal/0{k}.jpg' for i in range(1, 31) for k in (1, 2)]
    images = [cv2.imread(str(file)) for file in files]
    hashes = np.unpackbits(np.stack([perceptual_hash(image) for image in images]), axis=1).astype(int)
    table = np.abs(hashes[:, None] - hashes[None]).sum(2) + 999 * np.eye(len(files), dtype=int)
    assert np.median(table.min(1)) > 60
    for image, own in zip(images[:20], hashes):
        recoded = cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for other in (recoded, half):
            assert np.abs(np.unpackbits(perceptual_hash(other)).astype(int) - own).sum() <= 16


def noisy_classes() -> tuple[np.ndarray, np.ndarray]:
    """Ten classes of eight around orthogonal centres; 9 is the same person as 8; image 3 belongs to class 5."""
    rng = np.random.default_rng(0)
    centres = np.eye(32)[:10]
    centres[9] = centres[8]
    identities = np.repeat(np.arange(10), 8)
    vectors = centres[identities] + 0.08 * rng.normal(size=(80, 32))
    vectors[3] = centres[5] + 0.08 * rng.normal(size=32)
    vectors[17] = rng.normal(size=32) * (np.arange(32) > 12)
    return vectors * rng.uniform(5, 30, (80, 1)), identities


def test_flipped_labels_strangers_and_split_classes_are_found() -> None:
    report = label_noise(*noisy_classes())
    assert {i for i, _ in report.far} == {3, 17}
    first = {row[0]: row for row in report.misplaced}
    assert first[3][1:3] == (0, 5) and first[3][4] > 0.8
    assert [(a, b) for a, b, _ in report.merge] == [(8, 9)]
    clean = [i for i in first if i < 64 and i not in (3, 17)]
    assert clean == []


def test_noise_from_a_file_of_embeddings(tmp_path: Path) -> None:
    embeddings, identities = noisy_classes()
    for number, identity in enumerate(identities):
        write(tmp_path / 'set' / f'p{identity}' / f'{number}.jpg', np.zeros((8, 8, 3), np.uint8))
    names = [f'p{identity}/{number}' for number, identity in enumerate(identities)]
    order = np.random.default_rng(1).permutation(80)
    np.savez(tmp_path / 'e.npz', names=np.array(names)[order], embeddings=embeddings[order].astype(np.float32))
    command = ('dataset_stats', tmp_path / 'set', '--no-decode', '-o', tmp_path / 'out', '--embeddings')
    outcome = run_tool(*command, tmp_path / 'e.npz')
    assert outcome.status == 0, outcome
    noise = json.loads((tmp_path / 'out/stats.json').read_text())['noise']
    assert noise['far'] == 2 and noise['merge'] == 1 and noise['images'] == 80
    assert (tmp_path / 'out/merge.txt').read_text().splitlines()[1].startswith('p8\tp9\t')
    assert {line.split('\t')[0] for line in (tmp_path / 'out/far.txt').read_text().splitlines()[1:]} == {
        'p0/3',
        'p2/17',
    }
    np.savez(tmp_path / 'e.npz', names=np.array(['x']), embeddings=np.ones((1, 4), np.float32))
    assert 'names no image of' in error_line(run_tool(*command, tmp_path / 'e.npz'))
    np.savez(tmp_path / 'e.npz', names=np.array([None]), embeddings=np.ones((1, 4)))
    assert 'cannot be read as npz' in error_line(run_tool(*command, tmp_path / 'e.npz'))


def test_user_errors_are_one_line(tmp_path: Path) -> None:
    assert 'give either DATA' in run_tool('dataset_stats').err
    assert 'no such file' in error_line(run_tool('dataset_stats', tmp_path / 'none'))
    assert 'holds no image' in error_line(run_tool('dataset_stats', tmp_path))
    (tmp_path / 'train.rec').write_bytes(b'\x0a\x23\xd7\xce' + b'\xff' * 60)
    assert 'train.rec: byte 0: ' in error_line(run_tool('dataset_stats', tmp_path))
