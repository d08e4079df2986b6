"""RecordIO without mxnet: what mxnet wrote is read, what we write is the same bytes, damage is named with its place."""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from faceresearch.datasets.parsers import face_records
from faceresearch.datasets.parsers.face_records import open_face_records, read_property, write_face_records
from faceresearch.datasets.parsers.recordio import (
    MAGIC,
    RecordHeader,
    RecordReader,
    RecordWriter,
    encode_record,
    pack_record,
    read_idx,
    unpack_record,
)
from faceresearch.errors import UserError

WORD = struct.pack('<I', MAGIC)


@pytest.fixture
def recordio(golden_dir: Path) -> Path:
    return golden_dir / 'evaluation/recordio'


def parts(data: bytes) -> list[tuple[int, int]]:
    """Kind and length of each part in a file, by the format's text."""
    found, at = [], 0
    while at < len(data):
        magic, word = struct.unpack_from('<II', data, at)
        assert magic == MAGIC
        found.append((word >> 29, word & 0x1FFFFFFF))
        at += 8 + -(-found[-1][1] // 4) * 4
    return found


def test_every_record_of_mxnet_is_read(recordio: Path) -> None:
    expected = json.loads((recordio / 'expected.json').read_text())
    reader = RecordReader(recordio / 'train.rec')
    keys, offsets = read_idx(recordio / 'train.idx')
    assert keys.tolist() == [record['key'] for record in expected['records']]
    for record, offset in zip(expected['records'], offsets.tolist()):
        header, image = unpack_record(reader.read_at(offset), 'here')
        assert header.flag == record['flag']
        assert np.allclose(header.label, record['label'], atol=0)
        assert len(image) == record['size']
        if image:
            assert hashlib.sha256(image).hexdigest() == record['sha256']
    assert {kind for kind, _ in parts((recordio / 'train.rec').read_bytes())} == {0, 1, 2, 3}, 'one record is split'


@pytest.mark.parametrize('name', ['train', 'plain'])
def test_what_is_written_is_what_mxnet_writes(recordio: Path, tmp_path: Path, name: str) -> None:
    reader = RecordReader(recordio / f'{name}.rec')
    with RecordWriter(tmp_path / f'{name}.rec') as writer:
        for key, offset in np.stack(read_idx(recordio / f'{name}.idx'), 1).tolist():
            header, image = unpack_record(reader.read_at(offset), 'here')
            writer.write(key, pack_record(header, image))
    for suffix in ('.rec', '.idx'):
        assert (tmp_path / f'{name}{suffix}').read_bytes() == (recordio / f'{name}{suffix}').read_bytes()


def test_a_face_set_is_written_as_mxnet_wrote_it(recordio: Path, tmp_path: Path) -> None:
    """The golden file has vector labels too; without them the two differ in nothing."""
    source = open_face_records(recordio / 'train.rec')
    images = [source.read(i) for i in range(len(source.keys))]
    assert write_face_records(tmp_path / 'train.rec', images) == (31, 8)
    assert (tmp_path / 'property').read_bytes() == (recordio / 'property').read_bytes()
    again = open_face_records(tmp_path / 'train.rec')
    assert [again.read(i) for i in range(31)] == images
    keys, offsets = read_idx(tmp_path / 'train.idx')
    ours = RecordReader(tmp_path / 'train.rec')
    theirs, places = RecordReader(recordio / 'train.rec'), read_idx(recordio / 'train.idx')[1]
    vector = range(13, 18)
    assert len(keys) == 40
    for key in set(range(40)) - set(vector):
        assert ours.read_at(offsets[key])[:4] == theirs.read_at(places[key])[:4]
        a, b = (unpack_record(r.read_at(int(o[key])), '') for r, o in ((ours, offsets), (theirs, places)))
        assert a[0].label == b[0].label and a[1] == b[1], key


@pytest.mark.parametrize(
    'payload',
    [
        b'',
        b'a',
        WORD,
        WORD * 3,
        b'abc' + WORD,
        b'abcd' + WORD + b'x',
        WORD + b'1234' + WORD,
        bytes(8) + WORD[:3],
        b'z' * 999,
    ],
)
def test_round_trip_of_awkward_bytes(tmp_path: Path, payload: bytes) -> None:
    assert len(encode_record(payload)) % 4 == 0
    with RecordWriter(tmp_path / 'a.rec') as writer:
        for key in (5, 2):
            writer.write(key, payload)
    reader = RecordReader(tmp_path / 'a.rec')
    keys, offsets = read_idx(tmp_path / 'a.idx')
    assert keys.tolist() == [5, 2] and reader.offsets().tolist() == offsets.tolist()
    for offset, end in zip(offsets.tolist(), [*offsets[1:].tolist(), reader.size]):
        assert reader.read_at(offset) == reader.read_at(offset, end) == payload


def test_aligned_magic_numbers_are_left_out_and_others_stay() -> None:
    assert parts(encode_record(b'abcd' + WORD + b'ef')) == [(1, 4), (3, 2)]
    assert parts(encode_record(WORD + WORD + b'e')) == [(1, 0), (2, 0), (3, 1)]
    assert parts(encode_record(b'abc' + WORD + b'defgh')) == [(0, 12)]


def plain(path: Path, first_key: int) -> None:
    with RecordWriter(path) as writer:
        for number in range(6):
            writer.write(
                first_key + number, pack_record(RecordHeader(float(number // 2), number), b'image %d' % number)
            )


def test_the_forms_of_the_first_record(recordio: Path, tmp_path: Path) -> None:
    ranges = open_face_records(recordio / 'train.rec')
    assert ranges.form == 'ranges' and ranges.keys.tolist() == list(range(1, 32))
    expected = json.loads((recordio / 'expected.json').read_text())['records'][1:32]
    first = [r['label'][0] if r['flag'] else r['label'] for r in expected]
    assert ranges.identities.tolist() == first

    for first_key in (0, 1, 7):
        plain(tmp_path / 'plain.rec', first_key)
        records = open_face_records(tmp_path / 'plain.rec')
        assert records.form == 'plain' and records.keys.tolist() == list(range(first_key, first_key + 6))
        assert records.identities.tolist() == [0, 0, 1, 1, 2, 2]
        assert records.read(3) == (1, b'image 3')
    assert open_face_records(recordio / 'plain.rec').identities.tolist() == [0, 0, 1, 1, 2, 2]

    with RecordWriter(tmp_path / 'header.rec') as writer:  # a header, and identities in no order
        writer.write(0, pack_record(RecordHeader((4.0, 4.0)), b''))
        for key, label in ((1, 2.0), (2, (0.0, 9.0)), (3, 2.0)):
            writer.write(key, pack_record(RecordHeader(label, key), b'x'))
    records = open_face_records(tmp_path / 'header.rec')
    assert records.form == 'header only'
    assert records.keys.tolist() == [1, 2, 3] and records.identities.tolist() == [2, 0, 2]


def test_identities_are_those_of_the_images_where_ranges_are_numbered_otherwise(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / 'a.rec') as writer:
        writer.write(0, pack_record(RecordHeader((3.0, 5.0)), b''))
        for key, label in ((1, 7.0), (2, 4.0)):
            writer.write(key, pack_record(RecordHeader(label, key), b'x'))
        for key in (3, 4):
            writer.write(key, pack_record(RecordHeader((key - 2.0, key - 1.0), key), b''))
    records = open_face_records(tmp_path / 'a.rec')
    assert records.identities.tolist() == [7, 4] and records.keys.tolist() == [1, 2]


def test_without_an_index_the_records_are_found(recordio: Path, tmp_path: Path) -> None:
    (tmp_path / 'train.rec').write_bytes((recordio / 'train.rec').read_bytes())
    found, expected = open_face_records(tmp_path / 'train.rec'), open_face_records(recordio / 'train.rec')
    for name in ('keys', 'offsets', 'ends', 'identities'):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name


def test_the_kept_index_is_used_until_a_file_changes(
    recordio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_records, '_WORTH_KEEPING', 1)
    path = tmp_path / 'plain.rec'
    plain(path, 0)
    expected = open_face_records(path)
    kept = tmp_path / 'plain.rec.index.npz'
    assert kept.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(face_records, '_find_images', lambda *_: pytest.fail('made again'))
        again = open_face_records(path)
        assert again.identities.tolist() == expected.identities.tolist() and again.read(5) == (2, b'image 5')
    plain(path, 1)
    assert open_face_records(path).keys[0] == 1
    kept.write_bytes(b'damaged')
    assert open_face_records(path).keys[0] == 1


def _sums(reader: RecordReader, offsets: list[int], results: object) -> None:
    digest = hashlib.sha256()
    for _ in range(200):
        for offset in offsets:
            digest.update(reader.read_at(offset))
    results.put(digest.hexdigest())  # type: ignore[attr-defined]


def test_forked_processes_read_one_file_at_once(recordio: Path) -> None:
    reader = RecordReader(recordio / 'train.rec')
    offsets = read_idx(recordio / 'train.idx')[1].tolist()
    context = get_context('fork')
    results = context.Queue()
    orders = [offsets, offsets, offsets]
    children = [context.Process(target=_sums, args=(reader, order, results)) for order in orders]
    for child in children:
        child.start()
    sums = {results.get(timeout=60) for _ in children}
    for child in children:
        child.join()
    alone = hashlib.sha256(b''.join(reader.read_at(o) for o in offsets) * 200).hexdigest()
    assert sums == {alone}
    assert pickle.loads(pickle.dumps(reader)).read_at(offsets[3]) == reader.read_at(offsets[3])


def damaged(recordio: Path, tmp_path: Path, change: dict[int, bytes] | None = None, cut: int | None = None) -> Path:
    data = bytearray((recordio / 'train.rec').read_bytes())
    for at, value in (change or {}).items():
        data[at : at + len(value)] = value
    (tmp_path / 'train.rec').write_bytes(data[:cut])
    (tmp_path / 'train.idx').write_bytes((recordio / 'train.idx').read_bytes())
    return tmp_path / 'train.rec'


@pytest.mark.parametrize('cut', [187_816, 187_818, 187_780, 100_000, 60])
def test_a_truncated_file_is_refused_when_it_is_opened(recordio: Path, tmp_path: Path, cut: int) -> None:
    path = damaged(recordio, tmp_path, cut=cut)
    with pytest.raises(UserError, match=r'train\.(rec|idx).*(truncated|ends here)'):
        open_face_records(path)
    (tmp_path / 'train.idx').unlink()
    with pytest.raises(UserError, match=r'train\.rec: byte \d+: .*(truncated|ends|begin)'):
        open_face_records(path)


def test_damage_is_named_with_its_byte(recordio: Path, tmp_path: Path) -> None:
    offsets = read_idx(recordio / 'train.idx')[1].tolist()
    at = offsets[5]
    cases = [
        ({at: b'\x00'}, 'wrong magic number 0xced72300'),
        ({at + 4: struct.pack('<I', 200_000)}, 'truncated: the record has 200000 bytes'),
        ({at + 4: struct.pack('<I', 3 << 29 | 100)}, 'part of kind 3'),
        ({at + 8: struct.pack('<I', 2**32 - 1)}, '.*announces 4294967295 labels'),
    ]
    for change, message in cases:
        with pytest.raises(UserError, match=rf'train\.rec: byte {at}: {message}'):
            open_face_records(damaged(recordio, tmp_path, change)).read(4)
    records = open_face_records(recordio / 'train.rec')
    records.identities[4] = 6
    with pytest.raises(UserError, match=rf'train\.rec: byte {at}: the image has label 1, its identity record says 6'):
        records.read(4)


@pytest.mark.parametrize('label', [-1.0, 0.5, float('nan'), float('inf')])
def test_labels_that_number_no_identity_are_refused(tmp_path: Path, label: float) -> None:
    with RecordWriter(tmp_path / 'a.rec') as writer:
        writer.write(0, pack_record(RecordHeader(1.0), b'x'))
        writer.write(1, pack_record(RecordHeader(label), b'x'))
    with pytest.raises(UserError, match=r'a\.rec: byte 36: label .* is no number of an identity'):
        open_face_records(tmp_path / 'a.rec')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('0\t0\n1\tx\n', r"line 2: '1\\tx'"),
        ('0\t0\n1\n', 'line 2'),
        ('0 0\n1 40 7\n', 'line 2'),
        ('0\t-4\n', 'line 1'),
        ('0\t0\n1\t99999999999999999999\n', 'do not fit'),
        ('', 'empty'),
        ('3\t0\n3\t40\n', 'key 3 occurs twice'),
        ('0\t0\n1\t41\n', 'byte 41'),
        ('0\t0\n1\t999999999999\n', 'do not fit'),
    ],
)
def test_a_malformed_index_is_refused_with_its_line(recordio: Path, tmp_path: Path, text: str, message: str) -> None:
    path = damaged(recordio, tmp_path)
    (tmp_path / 'train.idx').write_text(text)
    with pytest.raises(UserError, match=message):
        open_face_records(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for content in (b'', b'PK\x03\x04' + bytes(60), b'\x80\x04' + bytes(62)):
        (tmp_path / 'a.rec').write_bytes(content)
        with pytest.raises(UserError, match=r'a\.rec: byte 0: '):
            open_face_records(tmp_path / 'a.rec')
    with pytest.raises(UserError, match='No such file'):
        open_face_records(tmp_path / 'b.rec')
    (tmp_path / 'property').write_text('many,112,112')
    with pytest.raises(UserError, match='property: line 1'):
        read_property(tmp_path / 'property')
    (tmp_path / 'property').write_text('93431,112,112\n5179510\n')
    assert read_property(tmp_path / 'property') == (93431, 112, 112)


def test_an_interrupted_writer_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / 'a.rec'
    write_face_records(path, [(0, b'x')])
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UserError, match='image 2 is of identity 2 after 0; sort'):
        write_face_records(path, [(0, b'x'), (2, b'y')])
    with pytest.raises(UserError, match='no images'):
        write_face_records(path, [])
    with pytest.raises(KeyboardInterrupt), RecordWriter(path) as writer:
        writer.write(0, b'half')
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match='key 1 is negative or occurs twice'), RecordWriter(path) as writer:
        writer.write(1, b'')
        writer.write(1, b'')
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
