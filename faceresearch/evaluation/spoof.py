"""Presentation attack detection: error rates of ISO/IEC 30107-3, at a threshold that the test data did not choose.

A score is the probability that a face is real: it is accepted from a threshold on. APCER is the share of attacks
accepted, BPCER that of real faces (bona fide presentations) rejected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.structures import BaseDataElement

from faceresearch.datasets.attribute_labels import labels_of, same_class
from faceresearch.errors import UserError
from faceresearch.evaluation.attribute_failures import Mistake, worst_mistakes
from faceresearch.evaluation.attribute_files import Alternatives, StoredAttributeMetric
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.parsing_plots import draw_confusion
from faceresearch.evaluation.recognition_plots import draw_report
from faceresearch.evaluation.roc import point_at_most, roc_curve, split_scores
from faceresearch.evaluation.samples import once_each
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS

#: Names of what is no attack.
_LIVE = 'real'


@dataclass(frozen=True)
class EqualErrorRate:
    """Where as many attacks are accepted as real faces are rejected.

    Attributes:
        rate: mean of the two error rates there.
        threshold: lowest score accepted.
    """

    rate: float
    threshold: float


def equal_error_rate(scores: np.ndarray, real: np.ndarray) -> EqualErrorRate:
    """Return the equal error rate of scores (N,), ``real`` (N,) bool.

    Of all thresholds the one is taken where the two error rates differ least; of several, the one with the lowest mean.

    Raises:
        UserError: there is no real face or no attack, or a score is not finite.
    """
    curve = roc_curve(split_scores(scores, real), drop_intermediate=False)
    accepted, rejected = curve.far, 1 - curve.tar
    best = np.lexsort((accepted + rejected, np.abs(accepted - rejected)))[0]
    return EqualErrorRate(float(accepted[best] + rejected[best]) / 2, float(curve.thresholds[best]))


def apcer_by_attack(accepted: np.ndarray, attacks: np.ndarray) -> dict[str, float]:
    """Return for each kind of attack the share accepted.

    Args:
        accepted: (A,) bool, of attacks only.
        attacks: (A,) names of their kinds.
    """
    return {str(kind): float(accepted[attacks == kind].mean()) for kind in np.unique(attacks)}


def riapar(iapar: float, frr: float) -> float:
    """Return the relative impostor attack presentation accept rate (ISO/IEC 30107-3:2023): 1 + IAPAR − (1 − FRR).

    IAPAR is the share of impostors' attacks that the whole system accepts, FRR that of genuine users it rejects. Of
    attack detection by itself they are APCER, of the worst kind of attack, and BPCER.
    """
    return 1 + iapar - (1 - frr)


def hter(scores: np.ndarray, real: np.ndarray, threshold: float) -> float:
    """Return the half total error rate at a threshold: the mean of the shares of attacks accepted and faces rejected."""
    accepted = scores >= threshold
    return (float(accepted[~real].mean()) + float((~accepted[real]).mean())) / 2


def spoof_rates(accepted: np.ndarray, real: np.ndarray, attacks: np.ndarray) -> dict[str, float]:
    """Return the error rates of decisions.

    Args:
        accepted: (N,) bool.
        real: (N,) bool.
        attacks: (N,) names of the kinds of attack; those of real faces are not read.

    Returns:
        ``apcer`` of the worst kind of attack, ``apcer_pooled`` of all attacks, ``apcer/<kind>`` where there are several,
        ``bpcer``, ``acer`` (mean of ``apcer`` and ``bpcer``), ``riapar`` (their sum).

    Raises:
        UserError: there is no real face or no attack.
    """
    if real.all() or not real.any():
        raise UserError(f'{len(real)} faces, {int(real.sum())} of them real: error rates need real faces and attacks')
    kinds = apcer_by_attack(accepted[~real], attacks[~real])
    apcer, bpcer = max(kinds.values()), float((~accepted[real]).mean())
    rates = {
        'apcer': apcer,
        'apcer_pooled': float(accepted[~real].mean()),
        'bpcer': bpcer,
        'acer': (apcer + bpcer) / 2,
        'riapar': riapar(apcer, bpcer),
    }
    return rates | ({f'apcer/{kind}': rate for kind, rate in kinds.items()} if len(kinds) > 1 else {})


@dataclass
class SpoofImage:
    """What is kept of an image.

    Attributes:
        name: of the image.
        broken: it could not be read; the rest has no meaning.
        score: probability that the face is real.
        accepted: real is the most probable class.
        real: the face is real.
        attack: kind of attack.
        split: ``dev`` or another.
        unit: what scores are averaged over: the video.
    """

    name: str
    broken: bool = False
    score: float = math.nan
    accepted: bool = False
    real: bool = False
    attack: str = ''
    split: str = ''
    unit: str = ''


@dataclass
class _Scores:
    score: np.ndarray
    accepted: np.ndarray
    real: np.ndarray
    attack: np.ndarray = field(default_factory=lambda: np.zeros(0, str))
    names: list[str] = field(default_factory=list)


@METRICS.register_module()
class SpoofMetric(StoredAttributeMetric):
    """APCER, BPCER, ACER, RIAPAR, HTER, EER and AUC of a model with a liveness head.

    The score is the probability of the class that means ``real``. Metainfo of the samples: ``attack`` names the kind
    of attack, ``video`` joins frames (their scores are averaged), ``split`` is ``dev`` or another.

    Args:
        labels: order of the model's classes.
        attribute: name of the head.
        threshold: a face is accepted if ``real`` is its most probable class (``argmax``), if its score is at least this
            number, or at least the equal-error threshold of the samples of split ``dev``, which are then not counted
            among the others (``dev_eer``).
        by_video: average the scores of a video's frames.
        apcer_levels: BPCER is also reported at the highest APCER that does not exceed each of these.
        plots_dir: folder for plots of scores and decisions; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: the threshold has no meaning, no class is ``real``, or the samples lack what the protocol needs.
    """

    default_prefix = 'spoof'

    def __init__(
        self,
        labels: str | Sequence[str] = 'minivision/spoof',
        attribute: str = 'spoof',
        threshold: float | Literal['argmax', 'dev_eer'] = 'argmax',
        by_video: bool = False,
        apcer_levels: Sequence[float] = (),
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        names = [same_class(name) for name in labels_of(labels)]
        if _LIVE not in names:
            raise UserError(f'SpoofMetric: none of the classes {names} is {_LIVE!r}')
        if isinstance(threshold, str) and threshold not in ('argmax', 'dev_eer'):
            raise UserError(f"SpoofMetric: threshold={threshold!r}: use a number, 'argmax' or 'dev_eer'")
        self.real = names.index(_LIVE)
        self.attribute = attribute
        self.threshold = threshold
        self.by_video = by_video
        self.apcer_levels = tuple(apcer_levels)
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[SpoofImage] = []

    def stored_fields(self) -> list[Alternatives]:
        """Return the probabilities."""
        return [(f'{self.attribute}_scores',)]

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the scores of a batch."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            name = sample_name(fields)
            if fields.get('img_broken', False):
                self.results.append(SpoofImage(name, broken=True))
                continue
            scores = as_numpy(fields['pred_attributes'][f'{self.attribute}_scores'])
            score = float(scores[self.real] if scores.ndim else scores)
            self.results.append(
                SpoofImage(
                    name,
                    score=score,
                    # A file of another toolkit may have the probability of a real face alone.
                    accepted=int(scores.argmax()) == self.real if scores.ndim else score >= 0.5,
                    real=int(as_numpy(fields['gt_attributes'][self.attribute])) == self.real,
                    attack=str(fields.get('attack', 'attack')),
                    split=str(fields.get('split', '')),
                    unit=str(fields.get('video', name)),
                )
            )

    def compute_metrics(self, results: list[SpoofImage]) -> dict[str, float]:
        """Judge all faces, those of split ``dev`` apart.

        Raises:
            UserError: a kind of face is missing, or the development split.
        """
        results = once_each(results)
        seen = [result for result in results if not result.broken]
        if self.threshold != 'dev_eer':
            return with_broken(self._figures(self._joined(seen), self.threshold), results)
        development = [result for result in seen if result.split == 'dev']
        others = [result for result in seen if result.split != 'dev']
        if not development or not others:
            raise UserError(
                f"SpoofMetric: threshold='dev_eer' needs samples of split dev ({len(development)}) and others"
                f' ({len(others)}): test on both lists, each with its split'
            )
        dev = self._joined(development)
        return with_broken(
            self._figures(self._joined(others), equal_error_rate(dev.score, dev.real).threshold), results
        )

    def _joined(self, results: Sequence[SpoofImage]) -> _Scores:
        if not self.by_video:
            groups = [[result] for result in results]
        else:
            videos: dict[str, list[SpoofImage]] = {}
            for result in results:
                videos.setdefault(result.unit, []).append(result)
            groups = list(videos.values())
        return _Scores(
            np.array([np.mean([r.score for r in group]) for group in groups], np.float64),
            np.array([np.mean([r.accepted for r in group]) > 0.5 for group in groups], bool),
            np.array([group[0].real for group in groups], bool),
            np.array([group[0].attack for group in groups], dtype=np.str_),
            [group[0].name for group in groups],
        )

    def _figures(self, data: _Scores, threshold: float | str) -> dict[str, float]:
        accepted = data.accepted if isinstance(threshold, str) else data.score >= threshold
        rates = spoof_rates(accepted, data.real, data.attack)
        # First, because the best model is chosen by the first key: whoever rejects everybody has no APCER.
        figures = {'acer': rates['acer'], **rates}
        figures['hter'] = (figures['apcer_pooled'] + figures['bpcer']) / 2
        if not isinstance(threshold, str):
            figures['threshold'] = float(threshold)
        figures['eer'] = equal_error_rate(data.score, data.real).rate
        distributions = split_scores(data.score, data.real)
        figures['auc'] = roc_curve(distributions).auc
        if self.plots_dir is not None:
            self.illustrations = _illustrations(data, accepted, self.plots_dir, str(self.prefix))
        for level in self.apcer_levels:
            figures[f'bpcer@apcer={level:g}'] = 1 - point_at_most(distributions, level).tar
        return figures


def _illustrations(data: _Scores, accepted: np.ndarray, folder: str, title: str) -> Illustrations:
    """Draw decisions and scores, and tell the mistakes that are furthest from right."""
    matrix = np.zeros((2, 2), np.int64)
    np.add.at(matrix, (data.real.astype(int), accepted.astype(int)), 1)
    kinds = ('real', 'attack')
    names = ('attack', 'real')
    pictures = [
        draw_confusion(matrix, names, Path(folder) / 'confusion.png', 'decisions'),
        *draw_report({title: split_scores(data.score, data.real)}, folder, title, kinds, 'probability of being real'),
    ]
    passed = [
        Mistake(data.names[i], float(data.score[i]), f'{data.attack[i]} accepted as real ({data.score[i]:.3f})')
        for i in np.flatnonzero(accepted & ~data.real)
    ]
    refused = [
        Mistake(data.names[i], -float(data.score[i]), f'real face rejected ({data.score[i]:.3f})')
        for i in np.flatnonzero(~accepted & data.real)
    ]
    note = (
        'Attacks accepted with the highest score, then real faces rejected with the lowest (probability of being real).'
    )
    return Illustrations(pictures, worst_mistakes([passed, refused]), note)
