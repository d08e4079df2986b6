"""Whether two faces are of the same person: thresholds that were calibrated for a model, and what they decide."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from faceresearch.analysis.face import Face, cosine, embedding_of
from faceresearch.errors import UserError

#: Which faces of two images are compared: the largest of each, that of the highest score, or the two most alike.
FaceChoice = Literal['largest', 'best', 'any']
#: A file of thresholds is a few kilobytes.
_MAX_BYTES = 2**20
#: Largest threshold: one that no impostor passes may lie a rounding error above the largest cosine.
_TOP = 1 + 1e-5
#: More faces than this have more pairs than there is memory for.
_MAX_FACES = 10_000


@dataclass(frozen=True)
class Verification:
    """What a comparison of two faces says.

    Attributes:
        same: whether they count as one person.
        similarity: cosine of the embeddings, −1…1.
        threshold: the cosine from which on they do.
        far: share of pairs of different people that the threshold accepted when it was calibrated; None where the threshold
            was given by hand.
        reliable: whether the threshold rests on ten such pairs or more; None where it was given by hand.
        faces: the two that were compared; None where an embedding was given.
    """

    same: bool
    similarity: float
    threshold: float
    far: float | None = None
    reliable: bool | None = None
    faces: tuple[Face | None, Face | None] = (None, None)

    @property
    def distance(self) -> float:
        """Cosine distance, 1 − similarity, 0…2."""
        return 1 - self.similarity

    def to_dict(self, embedding: bool = False) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'same': self.same,
            'similarity': round(self.similarity, 6),
            'distance': round(self.distance, 6),
            'threshold': round(self.threshold, 6),
            'threshold_distance': round(1 - self.threshold, 6),
            'far': self.far,
            'reliable': self.reliable,
            'faces': [None if face is None else face.to_dict(embedding) for face in self.faces],
        }


@dataclass(frozen=True)
class Thresholds:
    """Cosines from which on two embeddings of one model count as one person, by false accept rate.

    Attributes:
        cosines: false accept rate → cosine.
        model: name of the recogniser's config that they were calibrated with; None where it is not known.
        flip_test: what that model did with the mirrored face; None where it is not known.
        reliable: rates whose threshold rests on ten pairs of different people or more.
        source: where they are from, for messages.
    """

    cosines: Mapping[float, float]
    model: str | None = None
    flip_test: str | None = None
    reliable: frozenset[float] = field(default_factory=frozenset)
    source: str = 'thresholds'

    @classmethod
    def read(cls, path: str | Path) -> Thresholds:
        """Read a file of ``tools/calibrate.py`` or :meth:`FaceAnalyzer.calibrate`.

        Raises:
            UserError: the file is missing, or is no such file.
        """
        path = Path(path)
        if not path.is_file():
            raise UserError(f'{path}: no such file of thresholds; make one with tools/calibrate.py')
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f'{path}: {path.stat().st_size} bytes are too many for a file of thresholds')
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f'{path}: not a file of thresholds ({error})') from error
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: Any, source: str = 'thresholds') -> Thresholds:
        """Take what :func:`faceresearch.evaluation.calibration.calibrate` returns, or the content of such a file.

        ``thresholds`` may also map a false accept rate to the cosine alone.

        Raises:
            UserError: it is something else.
        """
        try:
            entries = {float(far): _entry(entry) for far, entry in content['thresholds'].items()}
            cosines = {far: float(entry['cosine']) for far, entry in entries.items()}
            model, flip = content.get('model'), content.get('flip_test')
            reliable = frozenset(far for far, entry in entries.items() if entry.get('reliable', True))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f'{source}: not what tools/calibrate.py writes ({error!r})') from error
        if not cosines or not all(0 < far <= 1 and -1 <= cosine <= _TOP for far, cosine in cosines.items()):
            raise UserError(f'{source}: needs cosines from -1 to 1 by false accept rates, found {cosines}')
        return cls(
            cosines, None if model is None else str(model), None if flip is None else str(flip), reliable, source
        )

    def at(self, far: float) -> tuple[float, bool]:
        """Return the cosine for a false accept rate, and whether it rests on enough pairs.

        Raises:
            UserError: it was not calibrated for that rate.
        """
        for known, threshold in self.cosines.items():
            if np.isclose(known, far, rtol=1e-6):
                return threshold, known in self.reliable
        have = ', '.join(f'{known:g}' for known in sorted(self.cosines, reverse=True))
        raise UserError(
            f'{self.source}: has no threshold for FAR {far:g}, only for {have}; calibrate it, or choose one'
        )

    def check(self, model: str, flip_test: str) -> None:
        """Refuse thresholds of another model, or of embeddings made in another way.

        Raises:
            UserError: they are.
        """
        if self.model is not None and self.model != model:
            raise UserError(
                f'{self.source}: calibrated for {self.model}, the recogniser is {model}; calibrate that one'
            )
        if self.flip_test is not None and self.flip_test != flip_test:
            raise UserError(
                f'{self.source}: calibrated with flip_test={self.flip_test!r}, the recogniser has {flip_test!r}; set'
                ' model.flip_test, or calibrate again'
            )


def _entry(value: Any) -> Mapping[str, Any]:
    """Return what is known of a threshold; a contract may state the cosine alone."""
    return value if isinstance(value, Mapping) else {'cosine': value}


def compare_faces(
    first: Sequence[Face] | Face | np.ndarray,
    second: Sequence[Face] | Face | np.ndarray,
    threshold: float,
    choice: FaceChoice = 'largest',
) -> Verification:
    """Decide whether two faces are of one person.

    Args:
        first: an embedding, a face, or those of an image, of which ``choice`` says which counts.
        second: likewise.
        threshold: cosine from which on they are.
        choice: ``largest`` or ``best`` (by score) face of each image, or ``any``: the two that are most alike. The more
            faces are compared, the more often two different people are taken for one.

    Raises:
        UserError: a face has no embedding, or an argument has no meaning.
    """
    if choice not in get_args(FaceChoice):
        raise UserError(f'face={choice!r}: use {", ".join(get_args(FaceChoice))}')
    if not -1 <= threshold <= _TOP:
        raise UserError(f'threshold={threshold}: a cosine is from -1 to 1')
    pairs = [(a, b) for a in _candidates(first, choice) for b in _candidates(second, choice)]
    similarities = [cosine(embedding_of(a), embedding_of(b)) for a, b in pairs]
    best = int(np.argmax(similarities))
    a, b = (face if isinstance(face, Face) else None for face in pairs[best])
    return Verification(similarities[best] >= threshold, similarities[best], float(threshold), faces=(a, b))


def _candidates(given: Sequence[Face] | Face | np.ndarray, choice: FaceChoice) -> Sequence[Face | np.ndarray]:
    if isinstance(given, Face | np.ndarray):
        return [given]
    if choice == 'any':
        return list(given)
    return [max(given, key=lambda face: face.area if choice == 'largest' else face.score)]


def thresholds_for(
    embeddings: np.ndarray, people: Sequence[Hashable], fars: Sequence[float] = (1e-2, 1e-3, 1e-4)
) -> dict[str, Any]:
    """Return the thresholds that all pairs of some faces give; see :func:`faceresearch.evaluation.calibration.calibrate`.

    Args:
        embeddings: (N, D), of any length.
        people: who each is, N values.
        fars: false accept rates.

    Raises:
        UserError: the numbers do not match, there are too many faces, or no two of one person or of different people.
    """
    from faceresearch.evaluation.calibration import calibrate
    from faceresearch.evaluation.roc import check_rates
    from faceresearch.evaluation.verification import PairScores, unit_rows

    if len(embeddings) != len(people):
        raise UserError(f'{len(embeddings)} faces of {len(people)} people: say of each face who it is')
    if len(embeddings) > _MAX_FACES:
        raise UserError(f'{len(embeddings)} faces have too many pairs; calibrate on at most {_MAX_FACES}')
    numbers = {person: number for number, person in enumerate(dict.fromkeys(people))}
    who = np.array([numbers[person] for person in people])
    vectors = unit_rows(embeddings)
    rows, columns = np.triu_indices(len(who), 1)
    scores = (vectors @ vectors.T)[rows, columns]
    return calibrate(PairScores(scores, who[rows] == who[columns]), check_rates('far', fars))
