"""The faces that an analyzer found, drawn on their image and as plain values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceresearch.analysis.face import Face
from faceresearch.datasets.parsing_metainfo import palette_of
from faceresearch.visualization.attributes import draw_attributes
from faceresearch.visualization.draw import draw_faces, draw_points
from faceresearch.visualization.masks import draw_mask
from faceresearch.visualization.predictions import Drawn


def draw_records(
    image: np.ndarray, faces: Sequence[Face], embedding: bool = True, labels: Sequence[str] | None = None
) -> Drawn:
    """Return a picture of all that is known of an image's faces, and their values as JSON holds them.

    Class ids of parsed faces are one ``mask`` of the image, 0 where no face was parsed.

    Args:
        image: (H, W, 3) uint8 BGR; not changed.
        faces: best first.
        embedding: put embeddings into the values.
        labels: a text for each face in place of its score; numbers of tracks, by default, where there are any.
    """
    drawn = Drawn(image.copy(), {'faces': [face.to_dict(embedding) for face in faces]})
    for face in reversed(faces):  # the best one last, over the others
        _draw_mask(drawn, face)
    for face in reversed(faces):
        if face.landmarks is not None:
            draw_points(drawn.picture, face.landmarks, face.box, scheme=face.landmark_scheme)
        if face.attributes:
            x1, y1, x2, y2 = _inside(face.box, image.shape)
            drawn.picture[y1:y2, x1:x2] = draw_attributes(drawn.picture[y1:y2, x1:x2], face.attributes)
    boxes, scores = np.array([face.box for face in faces]), np.array([face.score for face in faces])
    all_pointed = bool(faces) and all(face.points is not None and face.landmarks is None for face in faces)
    points = np.array([face.points for face in faces]) if all_pointed else None
    if labels is None and any(face.track_id is not None for face in faces):
        labels = ['' if face.track_id is None else f'#{face.track_id}' for face in faces]
    drawn.picture = draw_faces(drawn.picture, boxes, scores, points, labels=labels)
    return drawn


def _draw_mask(drawn: Drawn, face: Face) -> None:
    if face.mask is None or face.mask_region is None:
        return
    x1, y1, x2, y2 = face.mask_region
    names = face.mask_labels or [str(i) for i in range(int(face.mask.max()) + 1)]
    part = drawn.picture[y1:y2, x1:x2]
    drawn.picture[y1:y2, x1:x2] = draw_mask(part, face.mask, palette_of(names))
    whole = drawn.masks.setdefault('mask', np.zeros(drawn.picture.shape[:2], np.uint8))
    whole[y1:y2, x1:x2] = np.where(face.mask > 0, face.mask, whole[y1:y2, x1:x2])


def _inside(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the pixels (x1, y1, x2, y2) of a box that the image has, at least one."""
    height, width = shape[:2]
    x1, y1 = int(np.clip(box[0], 0, width - 1)), int(np.clip(box[1], 0, height - 1))
    return x1, y1, int(np.clip(box[2], x1 + 1, width)), int(np.clip(box[3], y1 + 1, height))
