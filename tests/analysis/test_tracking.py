"""ByteTrack on trajectories whose owners are known."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.analysis.kalman import begin, correct, predict
from faceresearch.analysis.tracking import ByteTracker
from faceresearch.errors import UserError


def box(x: float, y: float, size: float = 60) -> list[float]:
    return [x - size / 2, y - size / 2, x + size / 2, y + size / 2]


def follow(tracker: ByteTracker, frames: list[dict[str, tuple[list[float], float]]]) -> list[dict[str, int]]:
    """Return the number that each named face got in each frame; faces are given in changing order."""
    found = []
    for t, faces in enumerate(frames):
        names = sorted(faces, reverse=bool(t % 2))
        boxes = np.array([faces[name][0] for name in names]).reshape(-1, 4)
        numbers = tracker.update(boxes, np.array([faces[name][1] for name in names]))
        found.append(dict(zip(names, numbers.tolist())))
    return found


def numbers_of(found: list[dict[str, int]], name: str) -> list[int]:
    return [frame[name] for frame in found if name in frame]


def test_faces_that_cross_keep_their_numbers() -> None:
    rng = np.random.default_rng(0)
    frames = []
    for t in range(100):
        jitter = rng.normal(0, 1, 4)
        # They meet at frame 50, where one box is on the other but for 20 pixels.
        left = box(100 + 4 * t + jitter[0], 300 + jitter[1]), 0.9
        right = box(500 - 4 * t + jitter[2], 320 + jitter[3]), 0.8
        frames.append({'left': left, 'right': right})
    found = follow(ByteTracker(), frames)
    assert set(numbers_of(found, 'left')) | set(numbers_of(found, 'right')) == {1, 2}
    assert len(set(numbers_of(found, 'left'))) == len(set(numbers_of(found, 'right'))) == 1


@pytest.mark.parametrize(('hidden', 'same'), [(10, True), (25, True), (40, False)])
def test_a_hidden_face_is_known_again_within_a_second(hidden: int, same: bool) -> None:
    frames = [{} if 30 <= t < 30 + hidden else {'a': (box(100 + 5 * t, 200), 0.9)} for t in range(100)]
    found = follow(ByteTracker(keep=1.0, fps=30), frames)
    before, after = found[29]['a'], found[-1]['a']
    assert before == 1 and after == (1 if same else 2)


def test_memory_is_in_seconds() -> None:
    frames = [{} if 30 <= t < 70 else {'a': (box(100 + t, 200), 0.9)} for t in range(100)]
    assert follow(ByteTracker(keep=1.0, fps=60), frames)[-1]['a'] == 1
    assert follow(ByteTracker(keep=0.5, fps=60), frames)[-1]['a'] == 2


def test_low_scores_carry_a_track_on() -> None:
    """What the paper is about: with a detector's usual threshold of 0.5 alone, this face is lost and gets a second number."""
    dim = range(20, 80)
    frames = [{'a': (box(100 + 5 * t, 200), 0.2 if t in dim else 0.9)} for t in range(120)]
    assert set(numbers_of(follow(ByteTracker(), frames), 'a')) == {1}
    without = numbers_of(follow(ByteTracker(low_thr=0.5), frames), 'a')
    assert without[19] == 1 and set(without[20:80]) == {0} and without[-1] == 2


def test_low_scores_never_begin_a_track() -> None:
    frames = [{'dim': (box(100, 100), 0.45), 'unsure': (box(300, 100), 0.55)} for _ in range(20)]
    found = follow(ByteTracker(), frames)
    assert set(numbers_of(found, 'dim')) == set(numbers_of(found, 'unsure')) == {0}


def test_what_is_seen_once_gets_no_number() -> None:
    """Numbers run on without gaps, although false alarms come and go."""
    rng = np.random.default_rng(1)
    frames = []
    for t in range(60):
        faces = {'a': (box(100 + t, 100), 0.9), f'alarm {t}': (box(*rng.uniform(400, 4000, 2)), 0.95)}
        frames.append(faces | ({'b': (box(100, 300 + t), 0.9)} if t >= 30 else {}))
    found = follow(ByteTracker(), frames)
    alarms = {frame[name] for frame in found[1:] for name in frame if name.startswith('alarm')}
    # In the first frame there is no second look; a face that comes later gets its number with its second frame.
    assert alarms == {0} and set(numbers_of(found, 'a')) == {1}
    assert numbers_of(found, 'b') == [0] + [3] * 29


def test_many_faces_in_a_crowd() -> None:
    """40 faces walk about and are missed in a fifth of the frames; at most one of their numbers is exchanged."""
    rng = np.random.default_rng(2)
    place = np.stack(np.meshgrid(np.arange(8) * 150, np.arange(5) * 150), -1).reshape(-1, 2) + 100.0
    speed = rng.uniform(-3, 3, place.shape)
    owners: dict[str, set[int]] = {str(n): set() for n in range(40)}
    tracker = ByteTracker()
    for _ in range(60):
        place += speed
        seen = np.flatnonzero(rng.random(40) > 0.2)
        boxes = np.array([box(*(place[n] + rng.normal(0, 1, 2))) for n in seen])
        for n, number in zip(seen, tracker.update(boxes, rng.uniform(0.65, 1, len(seen)))):
            owners[str(n)].add(int(number))
    assert sum(len(numbers - {0}) == 1 for numbers in owners.values()) >= 38


def test_frames_without_faces_and_boxes_that_are_none() -> None:
    tracker = ByteTracker()
    assert tracker.update(np.zeros((0, 4)), np.zeros(0)).shape == (0,)
    odd = np.array([[0, 0, 0, 10], [np.nan, 0, 10, 10], [30, 30, 10, 10], box(100, 100)], np.float32)
    for _ in range(3):
        numbers = tracker.update(odd, np.full(4, 0.9))
    assert numbers.tolist() == [0, 0, 0, 1]
    with pytest.raises(UserError, match='needed are'):
        tracker.update(np.zeros((2, 4)), np.zeros(3))
    tracker.reset()
    assert tracker.update(odd, np.full(4, 0.9)).tolist() == [0, 0, 0, 1]
    with pytest.raises(UserError, match='must rise'):
        ByteTracker(high_thr=0.05)


def test_the_filter_is_the_least_squares_solution() -> None:
    """A Kalman filter's last state solves one weighted least-squares problem over all that was measured.

    Of one coordinate, whose height stays, so that all noises are known: solved here for the whole path at once.
    """
    height, rng = 80.0, np.random.default_rng(3)
    seen = 100 + 7 * np.arange(12) + rng.normal(0, 3, 12)
    boxes = [np.array([[x - 30, 0, x + 30, height]]) for x in seen]
    motion = begin(boxes[0])
    for each in boxes[1:]:
        motion = correct(predict(motion), each)
    place, speed = height / 20, height / 160
    rows, values = [], []

    def equation(coefficients: dict[int, float], value: float, deviation: float) -> None:
        row = np.zeros(2 * len(seen))
        for index, factor in coefficients.items():
            row[index] = factor / deviation
        rows.append(row)
        values.append(value / deviation)

    equation({0: 1}, seen[0], 2 * place)
    equation({1: 1}, 0, 10 * speed)
    for t in range(1, len(seen)):
        equation({2 * t: 1, 2 * t - 2: -1, 2 * t - 1: -1}, 0, place)
        equation({2 * t + 1: 1, 2 * t - 1: -1}, 0, speed)
        equation({2 * t: 1}, seen[t], place)
    solution = np.linalg.lstsq(np.array(rows), np.array(values))[0]
    spread = np.linalg.inv(np.array(rows).T @ np.array(rows))
    np.testing.assert_allclose(motion.mean[0, [0, 4]], solution[-2:], rtol=1e-9)
    np.testing.assert_allclose(motion.covariance[0][np.ix_([0, 4], [0, 4])], spread[-2:, -2:], rtol=1e-8)
    np.testing.assert_allclose(motion.boxes[0, [1, 3]], [0, height], atol=1e-9)
