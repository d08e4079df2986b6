"""Videos: faces followed, faces hidden, files whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.analysis.video import anonymize_frames, track_frames
from faceresearch.apis import FaceAnalyzer
from faceresearch.apis.infer import infer
from faceresearch.apis.infer_tasks import Find, Hide
from faceresearch.apis.media import Source, VideoReader
from faceresearch.errors import UserError
from faceresearch.structures import FaceDataSample
from tests.analysis.doubles import Detector, points_of, recogniser

SIDE, COUNT, FPS = 40, 24, 12.0
#: Frames in which the face is dim, and in which it is missed.
DIM, MISSED = range(5, 9), range(12, 15)


class Script(Detector):
    """Finds in the n-th image it is shown what the script says of it."""

    def __init__(self, script: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__(np.zeros((0, 4)), np.zeros(0))
        self.script, self.frame = script, 0

    def test_step(self, batch: dict[str, Any]) -> list[FaceDataSample]:
        for sample in batch['data_samples']:
            boxes, scores = self.script[self.frame]
            self.frame += 1
            boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
            sample.pred_instances = InstanceData(
                bboxes=torch.from_numpy(boxes),
                scores=torch.from_numpy(np.asarray(scores, np.float32)),
                keypoints=torch.from_numpy(points_of(boxes)),
            )
        return batch['data_samples']


def place(t: int) -> np.ndarray:
    return np.array([10.0 + 4 * t, 30, 10 + 4 * t + SIDE, 30 + SIDE])


def script() -> list[tuple[np.ndarray, np.ndarray]]:
    """One face that walks to the right, dims, and is missed; a false alarm of low score in all frames."""
    found = []
    for t in range(COUNT):
        alarm = np.array([150.0, 80, 170, 100])
        if t in MISSED:
            found.append((np.stack([alarm]), np.array([0.2])))
        else:
            found.append((np.stack([place(t), alarm]), np.array([0.2 if t in DIM else 0.9, 0.2])))
    return found


def frames() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (120, 200, 3), np.uint8) for _ in range(COUNT)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / 'in.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), FPS, (200, 120))
    for frame in frames():
        writer.write(frame)
    writer.release()
    return path


@pytest.mark.parametrize('batch_size', [1, 7])
def test_a_face_keeps_its_number(batch_size: int) -> None:
    analyzer = FaceAnalyzer(Script(script()), batch_size=batch_size)
    out = list(track_frames(analyzer, frames(), FPS))
    assert len(out) == COUNT
    for t, (_, faces) in enumerate(out):
        assert [face.track_id for face in faces] == ([] if t in MISSED else [1])
    np.testing.assert_allclose(out[6][1][0].box, place(6))
    # Without tracks, the dim face is not there.
    assert FaceAnalyzer(Script(script()[6:])).analyze(frames()[0]) == []


def test_models_look_at_the_faces_of_frames() -> None:
    analyzer = FaceAnalyzer(Script(script()), [recogniser()], batch_size=8)
    out = [faces for _, faces in track_frames(analyzer, frames(), FPS)]
    assert all(face.embedding is not None for faces in out for face in faces)
    with pytest.raises(UserError, match='without a detector'):
        next(track_frames(FaceAnalyzer(None, [recogniser()]), frames(), FPS))


def test_a_missed_face_stays_hidden() -> None:
    """In every frame, where the face is, also where the detector missed it; and next to nothing else."""
    shown = frames()
    out = list(anonymize_frames(FaceAnalyzer(Script(script())), shown, FPS, 'black', grow=0.0, hold=0.25))
    assert len(out) == COUNT
    for t, (picture, boxes) in enumerate(out):
        x1, y1, x2, y2 = place(t).astype(int)
        assert (picture[y1:y2, x1:x2] == 0).all(), t
        assert len(boxes) == 1 and (picture != shown[t]).any(-1).mean() < 0.08
    with pytest.raises(UserError, match='hold'):
        next(anonymize_frames(FaceAnalyzer(Script(script())), shown, FPS, hold=-1))


def test_a_video_is_written_with_its_faces_hidden(video: Path, tmp_path: Path) -> None:
    written = FaceAnalyzer(Script(script())).anonymize_video(video, tmp_path / 'out.mp4', 'black', grow=0.0)
    assert written == tmp_path / 'out.mp4' and sorted(p.name for p in tmp_path.iterdir()) == ['in.mp4', 'out.mp4']
    reader = VideoReader(Source(str(written), 'video', Path('x')))
    pictures = list(reader)
    reader.close()
    assert len(pictures) == COUNT and reader.fps == pytest.approx(FPS)
    for t, picture in enumerate(pictures):
        x1, y1, x2, y2 = place(t).astype(int)
        # What the encoder leaves of black between noise: far from the 128 of the frames.
        assert picture[y1 + 8 : y2 - 8, x1 + 8 : x2 - 8].mean() < 20, t
    numbers = [[face.track_id for face in faces] for _, faces in FaceAnalyzer(Script(script())).track(video)]
    assert numbers == [[] if t in MISSED else [1] for t in range(COUNT)]


def test_videos_that_cannot_be_used(video: Path, tmp_path: Path) -> None:
    analyzer = FaceAnalyzer(Script(script()))
    with pytest.raises(UserError, match='overwrite'):
        analyzer.anonymize_video(video, video)
    with pytest.raises(UserError, match=r"no such file\. Did you mean 'in\.mp4'"):
        next(analyzer.track(tmp_path / 'im.mp4'))
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(UserError, match='not a video'):
        analyzer.anonymize_video(tmp_path / 'text.mp4', tmp_path / 'out.mp4')
    # An error in the middle leaves nothing under the final name.
    with pytest.raises(IndexError):
        FaceAnalyzer(Script(script()[:20]), batch_size=4).anonymize_video(video, tmp_path / 'out.mp4')
    assert not (tmp_path / 'out.mp4').exists()


def test_an_image_is_hidden() -> None:
    image = frames()[0]
    hidden = FaceAnalyzer(Detector(place(0)[None], np.array([0.9]))).anonymize(image, 'black', grow=0.0)
    assert (hidden[30:70, 10:50] == 0).all() and (hidden[:, 60:] == image[:, 60:]).all()


# --- tools/infer.py ---------------------------------------------------------------------------------------------------


def run(inputs: list[Path], out: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """Run what the tool runs, with a scripted detector, and return what it wrote."""
    models: list[Any] = [Script(script()), recogniser()]
    monkeypatch.setattr('faceresearch.apis.infer._load', lambda *_: models.pop(0))
    infer('retinaface_mnet025_widerface', 'none', [str(path) for path in inputs], out, True, **options)
    return json.loads((out / 'detections.json').read_text())


def test_infer_tracks(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run([video], tmp_path / 'out', monkeypatch, task='track')
    shown = found['videos'][0]['frames']
    assert len(shown) == COUNT and (tmp_path / 'out/in.mp4').is_file()
    assert [[face['track_id'] for face in frame['faces']] for frame in shown[3:7]] == [[1]] * 4


def test_infer_hides(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run([video], tmp_path / 'out', monkeypatch, task=Hide('black'))
    assert [len(frame['faces']) for frame in found['videos'][0]['frames']] == [1] * COUNT
    cv2.imwrite(str(tmp_path / 'a.png'), frames()[0])
    run([tmp_path / 'a.png'], tmp_path / 'images', monkeypatch, task=Hide('pixelate'))
    hidden = cv2.imread(str(tmp_path / 'images/a.png'))
    assert len(np.unique(hidden[30:70, 10:50].reshape(-1, 3), axis=0)) <= 36


def test_infer_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = tmp_path / 'people'
    people.mkdir()
    for n, frame in enumerate(frames()[:3]):
        cv2.imwrite(str(people / f'{n}.png'), frame)
    options: dict[str, Any] = {'others': [('x', 'y')], 'task': Find(people, tmp_path / 'store.sqlite', k=2)}
    # The script shows the face at the place of frame 3, after the gallery's three.
    found = run([people / '1.png'], tmp_path / 'out', monkeypatch, **options)
    (face,) = found['images'][0]['faces']
    assert [set(match) for match in face['matches']] == [{'path', 'similarity', 'box', 'score'}] * 2
    assert (tmp_path / 'store.sqlite').is_file() and (tmp_path / 'out/1.png').is_file()
