"""Published figures of the index beside our metric keys, with the protocol each was measured under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceresearch.zoo.index import ZooModel

#: Name of a figure in a metafile (in full) → our key. ``{0}`` … are the groups, in lower case.
_KEYS = [
    (r'(easy|medium|hard) AP', 'widerface/{0}_ap'),
    (r'(?:COCO )?(?:box |bbox )?mAP', 'coco/bbox_map'),
    (r'(LFW|CALFW|CPLFW)(?: accuracy)?', '{0}/accuracy'),
    (r'CFP-(FP|FF)(?: accuracy)?', 'cfp_{0}/accuracy'),
    (r'AgeDB(?:-30)?(?: accuracy)?', 'agedb_30/accuracy'),
    (r'IJB-([BC]) TAR@FAR=(\S+)', 'ijb{0}/tar@far={1}'),
    (r'IJB-([BC]) (rank-\d+)', 'ijb{0}/{1}'),
    (r'TinyFace (rank-\d+)', 'tinyface/{0}'),
    (r'RFW (\w+)', 'rfw/{0}/accuracy'),
    (r'(?:CelebAMask-HQ )?mIoU', 'parsing/miou'),
    (r'(?:CelebAMask-HQ |LaPa )?mean F1', 'parsing/mean_f1'),
    (r'(?:Gaze360 |MPIIFaceGaze )?(?:gaze )?MAE', 'gaze/mae'),
    (r'(age) MAE', '{0}/mae'),
    (r'(age|gender|race|emotion) accuracy', '{0}/accuracy'),
    (r'(APCER|BPCER|ACER|HTER|EER)', 'spoof/{0}'),
]
#: Of landmarks every set has the same keys: such a figure belongs to a run only if the run is on that set.
_LANDMARK_SETS = {'300-W': '300w', 'WFLW': 'wflw', 'COFW': 'cofw', 'AFLW': 'aflw', 'LaPa': 'lapa'}
_LANDMARK = re.compile(rf'({"|".join(_LANDMARK_SETS)})(?: (\w+))? NME')
#: Names of whole test sets, not parts of one; 300-W has two of them.
_WHOLE = ('full', 'test')


@dataclass(frozen=True)
class Reference:
    """A figure to hold ours against.

    Attributes:
        name: of the figure where it was published.
        value: as published.
        protocol: how it was measured.
        source: who says so.
    """

    name: str
    value: float
    protocol: str
    source: str


def metric_key(name: str, test_set: Any = None) -> str | None:
    """Return our key for a figure's name in a metafile, or None if there is none.

    Args:
        name: such as ``IJB-C TAR@FAR=1e-4``.
        test_set: the config of the run's test set; figures of landmarks need it.
    """
    landmark = _LANDMARK.fullmatch(name)
    if landmark:
        words, part = _words(test_set), (landmark[2] or 'full').lower()
        if _LANDMARK_SETS[landmark[1]] not in words:
            return None
        if part not in _WHOLE:
            return f'landmark/{part}/nme'
        split = test_set.get('split', part) if isinstance(test_set, Mapping) else part
        return 'landmark/nme' if split == part or split not in _WHOLE else None
    for pattern, key in _KEYS:
        found = re.fullmatch(pattern, name, re.I)
        if found:
            return key.format(*(group.lower() for group in found.groups()))
    return None


def references_of(
    index: Mapping[str, ZooModel], config: str, test_set: Any = None
) -> tuple[dict[str, list[Reference]], list[Reference]]:
    """Return what the index says of a config's model: references by our key, and those that no key of ours stands for.

    Args:
        index: of models, see :func:`faceresearch.zoo.index.read_index`.
        config: file of the config; its name without suffix is that of the row.
        test_set: the config of the run's test set.
    """
    model = index.get(Path(config).stem)
    by_key: dict[str, list[Reference]] = {}
    others: list[Reference] = []
    for reference in [] if model is None else _references(model):
        key = metric_key(reference.name, test_set)
        if key is None:
            others.append(reference)
        else:
            by_key.setdefault(key, []).append(reference)
    return by_key, others


def published_elsewhere(
    index: Mapping[str, ZooModel], keys: Mapping[str, float], config: str, test_set: Any = None
) -> list[tuple[str, str, Reference]]:
    """Return (our key, model, reference) for figures of other models in the index that have one of these keys."""
    rows = []
    for model in index.values():
        if model.name == Path(config).stem:
            continue
        for reference in _references(model):
            key = metric_key(reference.name, test_set)
            if key is not None and key in keys:
                rows.append((key, model.name, reference))
    order = list(keys)
    return sorted(rows, key=lambda row: (order.index(row[0]), row[1]))


def _references(model: ZooModel) -> list[Reference]:
    return [
        Reference(name, value, entry.protocol, entry.source)
        for entry in model.figures
        for name, value in entry.metrics.items()
    ]


def _words(test_set: Any) -> str:
    """Return what a test set's config says of itself: types and files, in lower case."""
    if isinstance(test_set, Mapping):
        return ' '.join(_words(value) for key, value in test_set.items() if key != 'pipeline')
    if isinstance(test_set, list | tuple):
        return ' '.join(map(_words, test_set))
    return test_set.lower() if isinstance(test_set, str) else ''
