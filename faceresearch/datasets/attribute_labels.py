"""Orders of labels. They differ from project to project: a model's own order travels in its input contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from faceresearch.errors import UserError, did_you_mean

#: ``<origin>/<attribute>`` → names of the classes by number, as that origin's labels or outputs have them.
ORDERS: dict[str, tuple[str, ...]] = {
    # minivision-ai/Silent-Face-Anti-Spoofing: 1 is a real face; 0 and 2 are flat and other attacks.
    'minivision/spoof': ('print', 'real', 'replay'),
    'binary/spoof': ('fake', 'real'),
    # joojs/fairface, dchen236/FairFace: slices 0:7, 7:9, 9:18 of the output.
    'fairface/race': (
        'White',
        'Black',
        'Latino_Hispanic',
        'East Asian',
        'Southeast Asian',
        'Indian',
        'Middle Eastern',
    ),
    'fairface4/race': ('White', 'Black', 'Asian', 'Indian'),
    'fairface/gender': ('Male', 'Female'),
    'fairface/age': ('0-2', '3-9', '10-19', '20-29', '30-39', '40-49', '50-59', '60-69', 'more than 70'),
    'utkface/gender': ('Male', 'Female'),
    'utkface/race': ('White', 'Black', 'Asian', 'Indian', 'Others'),
    # InsightFace genderage counts the other way round.
    'insightface/gender': ('Female', 'Male'),
    'deepface/gender': ('Woman', 'Man'),
    'deepface/race': ('asian', 'indian', 'black', 'white', 'middle eastern', 'latino hispanic'),
    'deepface/emotion': ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'),
    'affectnet8/emotion': ('neutral', 'happy', 'sad', 'surprise', 'fear', 'disgust', 'angry', 'contempt'),
    'affectnet7/emotion': ('neutral', 'happy', 'sad', 'surprise', 'fear', 'disgust', 'angry'),
    'hsemotion/emotion': ('angry', 'contempt', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'),
    'fer2013/emotion': ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'),
    'ferplus/emotion': ('neutral', 'happy', 'surprise', 'sad', 'angry', 'disgust', 'fear', 'contempt'),
    'rafdb/emotion': ('surprise', 'fear', 'disgust', 'happy', 'sad', 'angry', 'neutral'),
    'ckplus/emotion': ('angry', 'contempt', 'disgust', 'fear', 'happy', 'sad', 'surprise'),
}

#: Other words for the same class, lower case.
SYNONYMS = {
    'woman': 'female',
    'man': 'male',
    'f': 'female',
    'm': 'male',
    'anger': 'angry',
    'happiness': 'happy',
    'happy': 'happy',
    'sadness': 'sad',
    'surprised': 'surprise',
    'fearful': 'fear',
    'disgusted': 'disgust',
    'live': 'real',
    'spoof': 'fake',
    '70+': 'more than 70',
    'latino hispanic': 'latino_hispanic',
}


def labels_of(labels: str | Sequence[str]) -> tuple[str, ...]:
    """Return class names: those of a known order, or the given ones.

    Raises:
        UserError: the order is unknown, there are no names, or one occurs twice.
    """
    if isinstance(labels, str):
        if labels not in ORDERS:
            raise UserError(f'there is no order of labels {labels!r}.{did_you_mean(labels, ORDERS)}')
        return ORDERS[labels]
    names = tuple(str(name) for name in labels)
    if not names or len(set(names)) != len(names):
        raise UserError(f'labels={list(names)}: give each class one name')
    return names


def same_class(name: str) -> str:
    """Return the word by which classes of different projects are compared."""
    lowered = name.strip().lower()
    return SYNONYMS.get(lowered, lowered)


def order_map(
    source: str | Sequence[str], target: str | Sequence[str], merged: Mapping[str, str] | None = None
) -> np.ndarray:
    """Return for each class of ``source`` its number in ``target``, −1 where that has no such class.

    Args:
        source: names of classes, or the name of an order.
        target: likewise.
        merged: class of ``source`` → class of ``target`` that takes it in, where the names do not tell.

    Raises:
        UserError: ``merged`` names a class that is not there.
    """
    sources, targets = labels_of(source), labels_of(target)
    numbers = {same_class(name): number for number, name in enumerate(targets)}
    renamed = {same_class(old): same_class(new) for old, new in (merged or {}).items()}
    known = {same_class(name) for name in sources}
    for old, new in renamed.items():
        if old not in known or new not in numbers:
            raise UserError(f'{old!r} cannot become {new!r}: the classes are {list(sources)} and {list(targets)}')
    words = [same_class(name) for name in sources]
    return np.array([numbers.get(renamed.get(word, word), -1) for word in words], np.int64)
