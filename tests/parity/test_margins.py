"""Our margins equal the originals: loss and gradients of embeddings and class centres, batch for batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceresearch.models.heads import MarginHead
from tests.parity.golden import case_files, fill, load_case

LOSS_TOLERANCE = 1e-8
GRADIENT_TOLERANCE = 1e-6

#: Case → the margin with the original's settings, which are our defaults.
MARGINS: dict[str, dict[str, Any]] = {
    'margin_arcface': {'type': 'ArcFace', 'margin': 0.5, 'margin_grad': 'detach'},
    'margin_cosface': {'type': 'CosFace', 'margin': 0.4},
    'margin_adaface': {'type': 'AdaFace', 'margin': 0.4, 'h': 0.333, 'momentum': 0.01},
    'margin_curricularface': {'type': 'CurricularFace', 'margin': 0.5},
    'margin_magface': {'type': 'MagFace', 'lower_norm': 10, 'upper_norm': 110, 'norm_weight': 35},
    'margin_sphereface': {'type': 'SphereFace', 'margin': 4, 'lambda_base': 1500, 'gamma': 0.1},
}


@pytest.mark.parametrize(
    'path', [path for path in case_files('training') if path.stem.startswith('margin_')], ids=lambda path: path.stem
)
def test_margin_equals_the_original(path: Path) -> None:
    meta, arrays = load_case(path)
    name = meta['case']
    assert name in MARGINS, f'no margin is named for golden case {name}'
    shape = arrays['grad_centres'].shape[1:]
    head = MarginHead(shape[1], shape[0], MARGINS[name]).double()
    head.centres.data.copy_(torch.from_numpy(fill('kernel', shape, meta['salt'], 1.0)))
    for batch, expected in enumerate(meta['losses']):
        embedding = torch.from_numpy(arrays['embeddings'][batch]).double().requires_grad_()
        head.centres.grad = None
        losses = head.loss(embedding, torch.from_numpy(arrays['labels'][batch]).long())
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        assert total.item() == pytest.approx(expected, rel=LOSS_TOLERANCE), f'batch {batch}'
        _assert_close(embedding.grad, arrays['grad_embeddings'][batch], f'embeddings, batch {batch}')
        _assert_close(head.centres.grad, arrays['grad_centres'][batch], f'centres, batch {batch}')


def test_logits_equal_the_original(golden_dir: Path) -> None:
    """The margin alone, as arcface_torch calls it; other originals store logits of their own conventions."""
    for name in MARGINS:
        meta, arrays = load_case(golden_dir / 'training' / f'{name}.npz')
        shape = arrays['grad_centres'].shape[1:]
        head = MarginHead(shape[1], shape[0], MARGINS[name]).double()
        centres = torch.from_numpy(fill('kernel', shape, meta['salt'], 1.0)).double()
        for batch in range(len(meta['losses'])):
            embedding = torch.from_numpy(arrays['embeddings'][batch]).double()
            norms = embedding.norm(dim=1)
            cosine = embedding / norms[:, None] @ torch.nn.functional.normalize(centres).T
            logits = head.margin(cosine, torch.from_numpy(arrays['labels'][batch]).long(), norms)
            _assert_close(logits, arrays['logits'][batch], f'{name}, batch {batch}')


def _assert_close(ours: torch.Tensor, expected: np.ndarray, what: str) -> None:
    theirs = torch.from_numpy(expected).double()
    assert (ours.detach() - theirs).norm() <= GRADIENT_TOLERANCE * theirs.norm(), what
