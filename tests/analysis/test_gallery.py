"""Galleries: what changes in a folder is noticed, what is kept is what was computed, and a damaged store is never lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from faceresearch.analysis.gallery import STORE_NAME, Changes, Gallery
from faceresearch.analysis.gallery_store import GalleryStore
from faceresearch.errors import UserError
from tests.analysis import galleries
from tests.analysis.galleries import ABOUT, Colours, embedding, write

RED, GREEN, BLUE, BLACK = (10, 10, 250), (10, 250, 10), (250, 10, 10), (0, 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images: one face, two faces in a folder below, no face; all a minute old."""
    folder = tmp_path / 'people'
    write(folder / 'red.png', RED)
    write(folder / 'more/two ä.png', GREEN, BLUE)
    write(folder / 'nobody.png', BLACK)
    age(folder)
    return folder


def age(folder: Path, seconds: float = 60) -> None:
    """Set the time of a folder's images into the past."""
    past = time.time() - seconds
    for path in folder.rglob('*.png'):
        os.utime(path, (past, past))


def names(gallery: Gallery, colour: tuple[int, ...], threshold: float = 0.99) -> list[str]:
    return [match.path for match in gallery.search(embedding(*colour), threshold=threshold)[0]]


def test_faces_are_found_with_their_places(folder: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT)
    changes = gallery.update()
    assert changes.added == ['more/two ä.png', 'nobody.png', 'red.png'] and changes.embedded == 3
    assert len(gallery) == 3 and gallery.left_out() == {'nobody.png': 'no face found'}
    first, second, third = gallery.search(embedding(*BLUE), k=5)[0]
    assert first.path == 'more/two ä.png' and first.similarity == pytest.approx(1) and first.score == 0.75
    assert first.box.tolist() == [24, 0, 48, 24]
    # The other face of that image and the one of the other are as far from blue: by cosine of the three numbers.
    a, b = embedding(*BLUE), embedding(*RED)
    assert (
        second.similarity == third.similarity == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)
    )
    assert [len(matches) for matches in gallery.search(np.stack([a, b]), k=1)] == [1, 1]
    assert first.to_dict()['box'] == [24, 0, 48, 24]


def test_nothing_is_embedded_twice(folder: Path) -> None:
    Gallery(folder, Colours(), ABOUT).update()
    again = Colours()
    assert not Gallery(folder, again, ABOUT).update() and again.shown == 0
    # Touched, renamed, copied: the content is known. A copy of the folder with its store, too.
    os.utime(folder / 'red.png')
    (folder / 'more/two ä.png').rename(folder / 'two.png')
    shutil.copy(folder / 'red.png', folder / 'red again.png')
    changes = Gallery(folder, again, ABOUT).update()
    assert (changes.added, changes.changed, changes.removed) == (['red again.png', 'two.png'], [], ['more/two ä.png'])
    moved = folder.with_name('moved')
    folder.rename(moved)
    gallery = Gallery(moved, again, ABOUT)
    gallery.update()
    assert (
        again.shown == 0
        and names(gallery, RED) == ['red again.png', 'red.png']
        and names(gallery, GREEN) == ['two.png']
    )


def test_changes_are_noticed(folder: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT)
    gallery.update()
    write(folder / 'red.png', GREEN)
    write(folder / 'new.png', RED, RED)
    (folder / 'more/two ä.png').unlink()
    changes = gallery.update()
    assert changes == Changes(['new.png'], ['red.png'], ['more/two ä.png'], 2)
    assert (
        names(gallery, RED) == ['new.png', 'new.png']
        and names(gallery, GREEN) == ['red.png']
        and not names(gallery, BLUE)
    )


def test_a_change_that_keeps_size_and_time_is_noticed(folder: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT)
    gallery.update()
    before = (folder / 'red.png').stat()
    write(folder / 'red.png', GREEN)
    os.utime(folder / 'red.png', ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (folder / 'red.png').stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert gallery.update().changed == ['red.png'] and names(gallery, RED) == []


def test_what_was_known_of_a_removed_person_is_deleted_from_the_file(folder: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT)
    gallery.update()
    trace = embedding(*RED).tobytes()
    assert trace in (folder / STORE_NAME).read_bytes()
    (folder / 'red.png').unlink()
    gallery.update()
    assert trace not in (folder / STORE_NAME).read_bytes() and b'red.png' not in (folder / STORE_NAME).read_bytes()


def test_another_recogniser_never_reads_the_wrong_embeddings(folder: Path) -> None:
    first, second = Gallery(folder, Colours(), ABOUT), Gallery(folder, Colours(sign=-1), {**ABOUT, 'weights': 'others'})
    assert first.update().embedded == 3 and second.update().embedded == 3
    assert names(first, RED) == ['red.png'] and names(second, RED) == []
    assert second.search(-embedding(*RED), k=1)[0][0].path == 'red.png'
    # Both stay in one store.
    assert first.update().embedded == second.update().embedded == 0


def test_broken_images_are_remembered_with_a_reason(folder: Path) -> None:
    (folder / 'text.jpg').write_text('no image')
    (folder / 'empty.png').touch()
    whole = (folder / 'red.png').read_bytes()
    (folder / 'half.png').write_bytes(whole[: len(whole) // 2])
    (folder / 'notes.txt').write_text('not looked at')
    (folder / '.hidden.png').write_bytes(whole)
    gallery = Gallery(folder, Colours(), ABOUT)
    assert gallery.update().embedded == 6
    reasons = gallery.left_out()
    assert sorted(reasons) == ['empty.png', 'half.png', 'nobody.png', 'text.jpg']
    assert reasons['empty.png'] == 'empty file' and 'not an image' in reasons['text.jpg']
    age(folder)
    gallery.update()
    assert not gallery.update()
    # Mended, it is found.
    (folder / 'half.png').write_bytes(whole)
    gallery.update()
    assert names(gallery, RED) == ['half.png', 'red.png']


def test_embeddings_that_cannot_be_compared_are_left_out(folder: Path) -> None:
    def embed(images: list[np.ndarray]) -> list[list]:
        found = Colours()(images)
        for faces in found:
            for face, value in zip(faces, (np.full(3, np.nan, np.float32), None)):
                face.embedding = value
                face.notes['net'] = 'its points lie on a line'
        return found

    gallery = Gallery(folder, embed, ABOUT)
    gallery.update()
    assert len(gallery) == 0 and gallery.search(embedding(*RED)) == [[]]
    assert 'points lie on a line' in gallery.left_out()['more/two ä.png']


def test_a_folder_that_is_gone_or_empty_empties_no_store(folder: Path, tmp_path: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT, tmp_path / 'store.sqlite')
    gallery.update()
    folder.rename(tmp_path / 'away')
    with pytest.raises(UserError, match='people'):
        gallery.update()
    folder.mkdir()
    with pytest.raises(UserError, match='no images'):
        gallery.update()
    folder.rmdir()
    (tmp_path / 'away').rename(folder)
    assert not gallery.update() and names(gallery, RED) == ['red.png']
    with pytest.raises(UserError, match='no such folder'):
        Gallery(tmp_path / 'nowhere', Colours(), ABOUT)


def test_one_store_for_several_folders(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / 'others/red.png', RED)
    write(tmp_path / 'others/blue.png', BLUE)
    maker = Colours()
    first, second = (Gallery(each, maker, ABOUT, tmp_path / 's.sqlite') for each in (folder, tmp_path / 'others'))
    assert first.update().embedded == 3 and second.update().embedded == 1 and maker.shown == 4
    (tmp_path / 'others/red.png').unlink()
    second.update()
    assert names(first, RED) == ['red.png'] and names(second, RED) == []


def test_a_query_of_another_model_is_refused(folder: Path) -> None:
    gallery = Gallery(folder, Colours(), ABOUT)
    gallery.update()
    with pytest.raises(UserError, match='embeddings of 3 numbers, the query has 4'):
        gallery.search(np.ones(4))
    with pytest.raises(UserError, match='no direction'):
        gallery.search(np.zeros(3))
    with pytest.raises(UserError, match='at least 1'):
        gallery.search(np.ones(3), k=0)


# --- damaged and hostile stores --------------------------------------------------------------------------------------


def damaged(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == 'truncated':
        path.write_bytes(data[: len(data) // 2])
    elif how == 'empty':
        path.write_bytes(b'')
    elif how == 'foreign':
        path.write_bytes(b'a photograph, perhaps')
    elif how == 'bit':
        data[data.index(embedding(*RED).tobytes()) + 2] ^= 1
        path.write_bytes(data)
    else:
        base = sqlite3.connect(path)
        base.executescript(how)
        base.close()


DAMAGE = [
    'truncated',
    'empty',
    'foreign',
    'bit',
    'DROP TABLE files',
    'DELETE FROM state',
    'UPDATE images SET data = 5',
    'UPDATE images SET reason = reason || 1',
    'ALTER TABLE images RENAME TO other; CREATE VIEW images AS SELECT 1 maker, 1 digest, "" reason, 9 faces, zeroblob(100000000) data, 1 checksum',
    'CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM images; END',
]


@pytest.mark.parametrize('how', DAMAGE, ids=lambda how: how[:24])
def test_a_damaged_store_is_told_and_kept(folder: Path, how: str) -> None:
    path = folder / STORE_NAME
    Gallery(folder, Colours(), ABOUT).update()
    damaged(path, how)
    content = path.read_bytes()
    with pytest.raises(UserError, match=r'damaged.*--rebuild') as told:
        gallery = Gallery(folder, Colours(), ABOUT)
        gallery.update()
        gallery.search(embedding(*RED))
    assert str(path) in str(told.value) and '\n' not in str(told.value) and path.read_bytes() == content
    gallery = Gallery(folder, Colours(), ABOUT, rebuild=True)
    assert gallery.update().embedded == 3 and names(gallery, RED) == ['red.png']
    assert gallery.store.set_aside == path.with_name(f'{STORE_NAME}.damaged.1')
    assert gallery.store.set_aside.read_bytes() == content
    # A sound store is not rebuilt.
    assert Gallery(folder, Colours(), ABOUT, rebuild=True).store.set_aside is None


def test_rows_with_right_checksums_and_wrong_sizes_are_refused(folder: Path) -> None:
    from faceresearch.analysis.gallery_store import _checksum

    Gallery(folder, Colours(), ABOUT).update()
    base = sqlite3.connect(folder / STORE_NAME)
    digest = base.execute('SELECT digest FROM images WHERE faces = 1').fetchone()[0]
    for faces, data in ((10**12, b'1' * 72), (1, b''), (-1, b'1' * 72), (2, b'1' * 60), (1, b'\xff' * 72)):
        row = (1, digest, '', faces, data)
        base.execute('INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?)', (*row, _checksum(*row)))
        base.commit()
        with pytest.raises(UserError, match='damaged'):
            len(Gallery(folder, Colours(), ABOUT))
    base.close()


def test_a_store_of_a_later_release_is_left_alone(folder: Path) -> None:
    Gallery(folder, Colours(), ABOUT).update()
    damaged(folder / STORE_NAME, 'PRAGMA user_version=2')
    with pytest.raises(UserError, match='form 2'):
        Gallery(folder, Colours(), ABOUT)


def test_a_place_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / 'file').write_text('')
    with pytest.raises(UserError, match='--store'):
        Gallery(folder, Colours(), ABOUT, folder / 'file/store.sqlite')


# --- several processes, and their ends -------------------------------------------------------------------------------


def start(folder: Path, store: Path, pause: float, answer: Path) -> BaseProcess:
    """Keep a gallery in another process, forked from a server that has imported everything."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([galleries.__name__])
    process = context.Process(target=galleries.keep, args=(folder, store, pause, answer))
    process.start()
    return process


def many(folder: Path, count: int) -> None:
    for n in range(count):
        write(folder / f'{n:03d}.png', (n + 1, 200, 50))


def embedded(store: Path) -> int:
    if not store.exists():
        return 0
    base = sqlite3.connect(f'file:{store}?mode=ro', uri=True, timeout=10)
    count = base.execute('SELECT count(*) FROM images').fetchone()[0]
    base.close()
    return count


def wait_for(store: Path, count: int, process: BaseProcess) -> None:
    while embedded(store) < count:
        assert process.is_alive()
        time.sleep(0.01)


def test_two_processes_write_one_store(tmp_path: Path) -> None:
    many(tmp_path / 'people', 40)
    store, answers = tmp_path / 'store.sqlite', [tmp_path / 'a', tmp_path / 'b']
    processes = [start(tmp_path / 'people', store, 0.02, answer) for answer in answers]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    # Each image was embedded by one of them; the other waited, and found it done.
    assert sum(int(answer.read_text()) for answer in answers) == 40
    gallery = Gallery(tmp_path / 'people', Colours(), ABOUT, store)
    assert gallery.update().embedded == 0 and len(gallery) == 40
    assert gallery.search(embedding(8, 200, 50), k=1)[0][0].path == '007.png'


@pytest.mark.parametrize('kills', [1, pytest.param(4, marks=pytest.mark.slow)])
def test_killed_while_writing(tmp_path: Path, kills: int) -> None:
    """kill −9 at any moment: the store is whole, no image that was embedded is lost, and the rest follows."""
    count = 60 + 40 * kills
    many(tmp_path / 'people', count)
    store, moments = tmp_path / 'store.sqlite', random.Random()
    for _ in range(kills):
        before = embedded(store)
        process = start(tmp_path / 'people', store, 0.005, tmp_path / 'answer')
        wait_for(store, before + 2, process)
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        kept = GalleryStore(store)
        with kept.open() as base:
            contents = kept.load(base, 1)
        assert before + 2 <= len(contents) < count and all(len(content.faces) == 1 for content in contents.values())
    done, maker = embedded(store), Colours()
    gallery = Gallery(tmp_path / 'people', maker, ABOUT, store)
    gallery.update()
    assert maker.shown == count - done and len(gallery) == count
    for n in (0, 30, count - 1):
        assert gallery.search(embedding(n + 1, 200, 50), k=1)[0][0].path == f'{n:03d}.png'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['people', 'store.sqlite', 'store.sqlite.lock']
