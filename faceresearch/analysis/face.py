"""One face of an image, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceresearch.errors import UserError

#: (x1, y1, x2, y2): whole pixels of an image, the last two exclusive.
Region = tuple[int, int, int, int]


@dataclass
class Face:
    """A face and what the models said of it; what no model was asked is None or empty.

    Coordinates are pixels of the whole image as OpenCV counts them (the middle of the first pixel is 0). Left and right
    are the image's: a person's right eye is the image-left one.

    Attributes:
        box: (4,) float32 xyxy, as detected; it may reach beyond the image.
        score: of the detector, 0…1; 1 where there was none.
        points: (5, 2) float32 from the detector: image-left eye, image-right eye, nose, image-left mouth corner,
            image-right mouth corner.
        embedding: (D,) float32, not normalised.
        landmarks: (K, 2) float32.
        landmark_scores: (K,) float32, 0…1; None where the model gives coordinates alone.
        landmark_scheme: name of the landmarks' order, such as ``insightface106``.
        mask: (h, w) uint8 class ids of ``mask_region``.
        mask_region: the part of the image that was parsed.
        mask_labels: names of the classes.
        attributes: by the model's head: a class ``{'label', 'score'}``, a number, a list of numbers, or for properties that are
            there or not ``{label: score}``.
        gaze: (yaw, pitch) in degrees.
        live: whether the face is a live one, and not a picture of one.
        liveness: probability that it is live, 0…1.
        track_id: number of the person in a video.
        notes: why a model could say nothing of this face, by the model's name.
    """

    box: np.ndarray
    score: float = 1.0
    points: np.ndarray | None = None
    embedding: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    landmark_scores: np.ndarray | None = None
    landmark_scheme: str | None = None
    mask: np.ndarray | None = None
    mask_region: Region | None = None
    mask_labels: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    gaze: tuple[float, float] | None = None
    live: bool | None = None
    liveness: float | None = None
    track_id: int | None = None
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def area(self) -> float:
        """Pixels of the box."""
        width, height = self.box[2:] - self.box[:2]
        return float(max(width, 0) * max(height, 0))

    def similarity(self, other: Face | np.ndarray) -> float:
        """Return the cosine of two embeddings, −1…1.

        Raises:
            UserError: a face has none, or they are of different models.
        """
        return cosine(embedding_of(self), embedding_of(other))

    def to_dict(self, embedding: bool = True) -> dict[str, Any]:
        """Return plain values for JSON; what is not known is left out.

        Args:
            embedding: include it: D numbers.
        """
        values: dict[str, Any] = {'box': _rounded(self.box), 'score': round(float(self.score), 5)}
        if self.track_id is not None:
            values['track_id'] = int(self.track_id)
        if self.points is not None:
            values['points'] = _rounded(self.points)
        if self.landmarks is not None:
            values['landmarks'] = _rounded(self.landmarks)
            if self.landmark_scores is not None:
                values['landmark_scores'] = _rounded(self.landmark_scores, 5)
            if self.landmark_scheme is not None:
                values['landmark_scheme'] = self.landmark_scheme
        if self.mask is not None:
            values |= {'mask_region': list(self.mask_region or ()), 'classes': self.class_shares()}
        if self.attributes:
            values['attributes'] = dict(self.attributes)
        if self.gaze is not None:
            values['gaze'] = {'yaw': self.gaze[0], 'pitch': self.gaze[1]}
        if self.live is not None:
            values |= {'live': self.live, 'liveness': self.liveness}
        if embedding and self.embedding is not None:
            values['embedding'] = [float(f'{number:.7g}') for number in self.embedding.tolist()]
        if self.notes:
            values['notes'] = dict(self.notes)
        return values

    def class_shares(self) -> dict[str, float]:
        """Return how much of the parsed region each class covers, 0…1."""
        if self.mask is None:
            return {}
        counts = np.bincount(self.mask.ravel(), minlength=len(self.mask_labels))
        names = [*self.mask_labels, *map(str, range(len(self.mask_labels), len(counts)))]
        return {name: round(float(count / self.mask.size), 5) for name, count in zip(names, counts) if count}


def embedding_of(face: Face | np.ndarray) -> np.ndarray:
    """Return the embedding (D,) of a face, or one that was given as such.

    Raises:
        UserError: the face has none.
    """
    if isinstance(face, Face):
        if face.embedding is None:
            reason = '; '.join(face.notes.values()) or 'no recogniser looked at it'
            raise UserError(f'the face at {np.round(face.box).tolist()} has no embedding: {reason}')
        return face.embedding
    return np.asarray(face)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of two vectors (D,).

    Raises:
        UserError: they differ in length, or one of them has no direction.
    """
    if a.ndim != 1 or a.shape != b.shape:
        raise UserError(
            f'embeddings of {a.shape} and {b.shape} numbers cannot be compared: they are of different models'
        )
    a, b = a.astype(np.float64), b.astype(np.float64)
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    if not np.isfinite(length) or length == 0:
        raise UserError('an embedding is zero or not finite, and has no direction to compare')
    return float(np.clip(a @ b / length, -1, 1))


def _rounded(values: np.ndarray, digits: int = 3) -> list[Any]:
    return np.round(np.asarray(values, np.float64), digits).tolist()
