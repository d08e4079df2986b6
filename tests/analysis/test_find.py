"""``FaceAnalyzer.find``: a gallery behind an analyzer."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from faceresearch.analysis.gallery import STORE_NAME
from faceresearch.analysis.identity import identity_of, weights_digest
from faceresearch.apis import FaceAnalyzer
from faceresearch.errors import UserError
from tests.analysis.doubles import Detector, recogniser

BOX = np.array([[10, 10, 90, 90]], np.float32)


@pytest.fixture(scope='module')
def net() -> nn.Module:
    return small()


def small(*overrides: str) -> nn.Module:
    """A recogniser whose embeddings are of sixteen mean colours: random weights of a deep one make all faces alike."""
    made: Any = recogniser(*overrides)
    made.backbone = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 16)).eval()
    made.neck, made.embedding_size = None, 16
    return made


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Four images that differ, and one on which no face is found: it is lower than the detector wants."""
    folder = tmp_path / 'people'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(4):
        coarse = rng.integers(0, 256, (5, 5, 3), np.uint8)
        cv2.imwrite(str(folder / f'{n}.png'), cv2.resize(coarse, (100, 100), interpolation=cv2.INTER_NEAREST))
    cv2.imwrite(str(folder / 'low.png'), np.zeros((50, 100, 3), np.uint8))
    return folder


def analyzer(net: nn.Module, **settings: object) -> FaceAnalyzer:
    return FaceAnalyzer(Detector(BOX, np.array([0.9]), blind=100), [net], **settings)  # type: ignore[arg-type]


def test_finds_the_image_itself_first(net: nn.Module, people: Path) -> None:
    judge = analyzer(net)
    (finding,) = judge.find(people / '2.png', people, k=3)
    assert finding.matches[0].path == '2.png' and len(finding.matches) == 3
    assert finding.matches[0].similarity == pytest.approx(1, abs=1e-5) and finding.face.score == pytest.approx(0.9)
    np.testing.assert_allclose(finding.matches[0].box, BOX[0])
    assert (people / STORE_NAME).is_file() and judge.gallery(people).left_out() == {'low.png': 'no face found'}
    # A face, and embeddings of the analyzer's own, as cosines say.
    faces = judge.represent([str(people / f'{n}.png') for n in range(4)])
    (finding,) = judge.find(faces[1][0], people, k=None, threshold=-1)
    for match in finding.matches:
        assert match.similarity == pytest.approx(faces[1][0].similarity(faces[int(match.path[0])][0]), abs=1e-5)


def test_the_second_call_embeds_nothing(net: nn.Module, people: Path) -> None:
    judge = analyzer(net)
    query = judge.represent([str(people / '0.png')])[0]
    judge.find(query, people)
    detector = judge.finder.detector
    assert isinstance(detector, Detector)
    seen = len(detector.batches)
    assert judge.gallery(people) is judge.gallery(people)
    judge.find(query, people)
    # Nor does another analyzer of the same models.
    other = analyzer(net)
    assert not other.gallery(people).update() and len(detector.batches) == seen
    (people / '3.png').rename(people / 'three.png')
    assert judge.find(query, people, k=None)[0].matches != [] and len(detector.batches) == seen


def test_the_identity_is_of_all_that_embeddings_depend_on(net: nn.Module, people: Path) -> None:
    own = identity_of(analyzer(net))
    assert own == identity_of(analyzer(copy.deepcopy(net)))
    other = copy.deepcopy(net)
    with torch.no_grad():
        next(other.parameters()).view(-1)[0] += 1e-3
    assert weights_digest(other) != weights_digest(net)
    different = [
        identity_of(analyzer(other)),
        identity_of(analyzer(net, score_thr=0.4)),
        identity_of(analyzer(net, pads=(0.0, 0.5))),
        identity_of(analyzer(net, max_faces=1)),
        identity_of(analyzer(small('+model.flip_test=concat'))),
        identity_of(FaceAnalyzer(None, [net])),
    ]
    assert all(each != own for each in different)
    # Weights that change under an analyzer are another model's.
    judge = analyzer(copy.deepcopy(net))
    judge.find(people / '0.png', people)
    with torch.no_grad():
        for parameter in judge.recogniser.model.parameters():  # type: ignore[union-attr]
            parameter += 0.05 * torch.randn_like(parameter)
    (finding,) = judge.find(people / '0.png', people, k=1)
    assert finding.matches[0].path == '0.png' and finding.matches[0].similarity == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_asked_for(net: nn.Module, people: Path, tmp_path: Path) -> None:
    judge = analyzer(net)
    with pytest.raises(UserError, match='no face found'):
        judge.find(people / 'low.png', people)
    with pytest.raises(UserError, match='no threshold is known'):
        judge.find(people / '0.png', people, far=1e-3)
    with pytest.raises(UserError, match='no such folder'):
        judge.find(people / '0.png', tmp_path / 'nowhere')
    with pytest.raises(UserError, match='no recogniser'):
        FaceAnalyzer(Detector(BOX, np.array([0.9]))).find(people / '0.png', people)


def test_a_calibrated_threshold_cuts_matches_off(net: nn.Module, people: Path) -> None:
    judge = analyzer(net, thresholds={'thresholds': {'1e-3': 0.99999}})
    (finding,) = judge.find(people / '2.png', people, far=1e-3)
    assert [match.path for match in finding.matches] == ['2.png']
