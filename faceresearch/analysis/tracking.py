"""ByteTrack: give the faces of a video numbers that stay with them, also where a detector is hardly sure of them.

Source: Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box, 2022 (arXiv 2110.06864), with the
settings of the authors' code. The kept library that has it (trackers, Apache-2.0) asks for a second OpenCV build over ours and,
through supervision, for PyAV, whose packages hold GPL encoders; hence these lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torchvision.ops import box_iou

from faceresearch.analysis.kalman import Motion, begin, correct, predict
from faceresearch.errors import UserError

#: Limits of the cost, 1 − IoU, in the second round and for tracks seen once; the first round's is an argument.
_SECOND, _ONCE = 0.5, 0.7
#: Two tracks that overlap by more than this IoU are one.
_SAME = 0.85


@dataclass
class Track:
    """A face that is followed.

    Attributes:
        motion: of this one box.
        first: frame in which it was seen first.
        last: frame in which it was seen last.
        state: ``new`` has been seen once, ``lost`` was not seen in the last frame.
        number: given with its second sight (in the first frame: with the first), from 1 on; 0 before.
    """

    motion: Motion
    first: int
    last: int
    state: Literal['new', 'seen', 'lost'] = 'new'
    number: int = 0

    @property
    def box(self) -> np.ndarray:
        """(4,) xyxy, as smoothed or, for a lost track, predicted."""
        return self.motion.boxes[0]


class ByteTracker:
    """Follows boxes from frame to frame by where they are and how they move.

    Boxes of high score are matched with the tracks first, those of low score then with the tracks that are left over: faces
    that turn away or are partly hidden keep their number. A box of low score never begins a track, nor does one that is seen in
    a single frame (but in the first).

    A cut of the film is not noticed: a face that appears where another was may get its number. :meth:`reset` between scenes.

    Args:
        high_thr: score from which a box takes part in the first round.
        low_thr: boxes below this are ignored.
        new_thr: score from which a box may begin a track.
        match_thr: largest cost, 1 − IoU · score, of a match in the first round.
        keep: seconds for which a lost track is remembered.
        fps: frames per second.

    Raises:
        UserError: a setting has no meaning.
    """

    def __init__(
        self,
        high_thr: float = 0.5,
        low_thr: float = 0.1,
        new_thr: float = 0.6,
        match_thr: float = 0.8,
        keep: float = 1.0,
        fps: float = 30.0,
    ) -> None:
        if not 0 <= low_thr <= high_thr <= new_thr <= 1 or not 0 < match_thr <= 1 or keep < 0 or not fps > 0:
            raise UserError(
                f'ByteTracker: low_thr={low_thr}, high_thr={high_thr}, new_thr={new_thr} must rise from 0 to 1,'
                f' match_thr={match_thr} is from 0 to 1, keep={keep} and fps={fps} are positive'
            )
        self.high_thr, self.low_thr, self.new_thr, self.match_thr = high_thr, low_thr, new_thr, match_thr
        self.patience = max(1, round(keep * fps))
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; numbers begin with 1 again."""
        self.frame = 0
        self.given = 0
        self.tracks: list[Track] = []

    def update(self, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the number of the track that each box of the next frame belongs to.

        Call it for every frame, also for those without any box.

        Args:
            boxes: (N, 4) xyxy in pixels.
            scores: (N,) 0…1.

        Returns:
            (N,) int64, 0 for boxes that belong to no track (yet).

        Raises:
            UserError: the shapes do not fit.
        """
        boxes, scores = _checked(boxes, scores)
        self.frame += 1
        numbers = np.zeros(len(boxes), np.int64)
        usable = np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        high = np.flatnonzero(usable & (scores >= self.high_thr))
        low = np.flatnonzero(usable & (scores >= self.low_thr) & (scores < self.high_thr))
        self._predict()
        known = [track for track in self.tracks if track.state != 'new']
        news = [track for track in self.tracks if track.state == 'new']
        rest, high = self._match(known, high, boxes, numbers, self.match_thr, scores)
        rest, _ = self._match([t for t in rest if t.state == 'seen'], low, boxes, numbers, _SECOND)
        for track in rest:
            track.state = 'lost'
        mistaken, high = self._match(news, high, boxes, numbers, _ONCE, scores)
        self._drop(mistaken)
        self._begin(high[scores[high] >= self.new_thr], boxes, numbers)
        self._drop([t for t in self.tracks if t.state == 'lost' and self.frame - t.last > self.patience])
        self._drop(_doubles(self.tracks))
        return numbers

    def _predict(self) -> None:
        if not self.tracks:
            return
        for track in self.tracks:
            if track.state == 'lost':
                # Nothing says that a hidden face grows on.
                track.motion.mean[:, 7] = 0
        together = Motion(*(np.concatenate(parts) for parts in zip(*(track.motion for track in self.tracks))))
        ahead = predict(together)
        for n, track in enumerate(self.tracks):
            track.motion = Motion(ahead.mean[n : n + 1], ahead.covariance[n : n + 1])

    def _match(
        self,
        tracks: Sequence[Track],
        indices: np.ndarray,
        boxes: np.ndarray,
        numbers: np.ndarray,
        limit: float,
        scores: np.ndarray | None = None,
    ) -> tuple[list[Track], np.ndarray]:
        """Match tracks with the boxes of ``indices``; return the tracks and indices that are left over."""
        if not tracks or not len(indices):
            return list(tracks), indices
        overlap = _overlap(tracks, boxes[indices])
        cost = 1 - (overlap if scores is None else overlap * scores[indices])
        # With what may not be matched at the limit's cost, the cheapest assignment gains by allowed pairs alone.
        rows, columns = linear_sum_assignment(np.minimum(cost, limit))
        allowed = (cost[rows, columns] <= limit) & (overlap[rows, columns] > 0)
        for row, column in zip(rows[allowed], columns[allowed]):
            numbers[indices[column]] = self._seen(tracks[row], boxes[indices[column]])
        matched = set(rows[allowed].tolist())
        left = [track for n, track in enumerate(tracks) if n not in matched]
        return left, np.delete(indices, columns[allowed])

    def _seen(self, track: Track, box: np.ndarray) -> int:
        track.motion = correct(track.motion, box[None])
        track.last, track.state = self.frame, 'seen'
        return self._number(track)

    def _number(self, track: Track) -> int:
        if not track.number:
            self.given += 1
            track.number = self.given
        return track.number

    def _begin(self, indices: np.ndarray, boxes: np.ndarray, numbers: np.ndarray) -> None:
        for index in indices:
            track = Track(begin(boxes[index][None]), self.frame, self.frame)
            if self.frame == 1:
                track.state = 'seen'
                numbers[index] = self._number(track)
            self.tracks.append(track)

    def _drop(self, tracks: Sequence[Track]) -> None:
        gone = {id(track) for track in tracks}
        self.tracks = [track for track in self.tracks if id(track) not in gone]


def _overlap(tracks: Sequence[Track], boxes: np.ndarray) -> np.ndarray:
    """Return the IoU (T, N) of tracks and boxes (N, 4)."""
    own = np.concatenate([track.motion.boxes for track in tracks])
    return box_iou(torch.from_numpy(own), torch.from_numpy(boxes)).numpy()


def _doubles(tracks: Sequence[Track]) -> list[Track]:
    """Return the younger one of a seen and a lost track at the same place."""
    seen = [track for track in tracks if track.state == 'seen']
    lost = [track for track in tracks if track.state == 'lost']
    if not seen or not lost:
        return []
    overlap = _overlap(seen, np.stack([t.box for t in lost]))
    pairs = [(seen[i], lost[j]) for i, j in np.argwhere(overlap > _SAME)]
    return [b if a.last - a.first > b.last - b.first else a for a, b in pairs]


def _checked(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    boxes, scores = np.asarray(boxes, np.float64), np.asarray(scores, np.float64)
    if boxes.size == 0 and scores.size == 0:
        return np.zeros((0, 4)), np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise UserError(f'ByteTracker: boxes {boxes.shape} and scores {scores.shape}; needed are (N, 4) and (N,)')
    return boxes, scores
