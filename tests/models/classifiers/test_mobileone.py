"""MobileOne: the fused network computes what the branches compute; parameter counts of the published gaze network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from faceresearch.models.backbones import MobileOne
from faceresearch.models.backbones.mobileone import fuse_blocks


def randomised(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.double().eval()


@pytest.mark.parametrize('size', ['s0', 's1', 's2', 's3', 's4'])
def test_fused_network_computes_the_same(size: str) -> None:
    network = randomised(MobileOne(size))
    fused = fuse_blocks(network)
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        expected, found = network(images)[0], fused(images)[0]
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)
    # The branches are gone, and the network that was fused still has its own.
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    built = MobileOne(size, fused=True).double()
    built.load_state_dict(fused.state_dict(), strict=True)
    with torch.no_grad():
        assert torch.equal(built.eval()(images)[0], found)


def test_fused_names_and_shapes_are_those_of_the_published_network(shared_dir: Path) -> None:
    lines = (shared_dir / 'reference/mobileone_s0_gaze_fused_keys.txt').read_text().splitlines()
    listed = dict(line.split('\t') for line in lines if '\t' in line)
    network = MobileOne('s0', fused=True)
    ours = {name: str(tuple(tensor.shape)) for name, tensor in network.state_dict().items()}
    assert ours == {name: shape for name, shape in listed.items() if name.startswith('stage')}
