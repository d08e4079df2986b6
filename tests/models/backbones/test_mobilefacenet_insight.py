"""InsightFace's MobileFaceNet: sizes and precision."""

from __future__ import annotations

import pytest
import torch

from faceresearch.errors import UserError
from faceresearch.models.backbones.mobilefacenet_insight import InsightMobileFaceNet

#: Exact parameters and millions of multiply-adds: reference/recognition.md §1.3 and §7.5.
FORMS = [
    (2_059_520, 437.5, 2, (1, 4, 6, 2)),
    (1_200_512, 221, 1, (1, 4, 6, 2)),
    (1_867_392, 471, 1, (2, 8, 12, 4)),
    (3_349_888, 919, 2, (2, 8, 12, 4)),
    (6_314_880, 1816, 4, (2, 8, 12, 4)),
]


@pytest.mark.parametrize(('parameters', 'mega', 'scale', 'blocks'), FORMS)
def test_sizes_are_those_of_the_original(parameters: int, mega: float, scale: int, blocks: tuple[int, ...]) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device('meta'):
        network = InsightMobileFaceNet(scale, blocks).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, 112, 112))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert counter.get_total_flops() / 2e6 == pytest.approx(mega, abs=0.6)


def test_groups_of_the_first_block_do_not_follow_the_scale() -> None:
    """64 groups at scale 2 too: published weights have (128, 2, 3, 3) there."""
    assert InsightMobileFaceNet(scale=2).layers[1].layers[0].weight.shape == (128, 2, 3, 3)


def test_the_last_layers_keep_full_precision_under_amp() -> None:
    network = InsightMobileFaceNet(scale=1).eval()
    seen: dict[str, torch.dtype] = {}
    network.layers[7].register_forward_hook(lambda m, i, o: seen.update(trunk=o.dtype))
    network.conv_sep.register_forward_hook(lambda m, i, o: seen.update(conv_sep=o.dtype))
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        assert network(torch.randn(1, 3, 112, 112)).dtype == torch.float32
    assert seen == {'trunk': torch.bfloat16, 'conv_sep': torch.float32}


def test_other_image_sizes_are_refused() -> None:
    with pytest.raises(UserError, match='112 x 112 pixels, not 128 x 128'):
        InsightMobileFaceNet(scale=1)(torch.zeros(1, 3, 128, 128))
