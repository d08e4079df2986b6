"""Vision transformers for faces: sizes, attention, left-out tokens."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from faceresearch.apis.benchmark import multiply_adds
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.backbones.face_vit import Attention, FaceViT, keep_some, put_back
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS

#: Millions of parameters and published GFLOPs (multiply-adds): reference/recognition.md §1.5.
FORMS = {'t': (19.1, 1.5), 's': (76.0, 5.7), 'b': (113.8, 11.4), 'l': (255.7, 25.3)}


@pytest.mark.parametrize('size', FORMS)
def test_sizes_are_those_of_the_original(size: str) -> None:
    millions, giga = FORMS[size]
    with torch.device('meta'):
        model = MODELS.build(without_head(load_config(f'arcface_vit_{size}_webface42m').model)).eval()
        found = multiply_adds(model, torch.empty(1, 3, 112, 112)) / 1e9
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == millions
    assert found == pytest.approx(giga, abs=0.05)


def test_the_largest_form() -> None:
    with torch.device('meta'):
        network = FaceViT(width=1024, depth=48)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 756.4


def small(**arguments: Any) -> FaceViT:
    torch.manual_seed(0)
    return FaceViT(width=32, depth=2, heads=4, embedding_size=16, **arguments)


def test_attention_is_the_formula() -> None:
    torch.manual_seed(0)
    attention = Attention(8, 2).double()
    x = torch.randn(3, 5, 8, dtype=torch.float64)
    q, k, v = (attention.qkv.weight @ x.transpose(1, 2)).transpose(1, 2).chunk(3, dim=2)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(4)).softmax(-1)
        heads.append(weights @ v[..., part])
    expected = torch.cat(heads, dim=2) @ attention.proj.weight.T + attention.proj.bias
    torch.testing.assert_close(attention(x), expected)


def test_kept_tokens_come_back_to_their_places() -> None:
    torch.manual_seed(0)
    tokens = torch.arange(1.0, 21.0).reshape(2, 10, 1)
    kept, places = keep_some(tokens, 0.3)
    assert kept.shape == (2, 7, 1)
    back = put_back(kept, places, torch.zeros(1, 1, 1))
    left_out = back == 0
    assert left_out.sum(1).tolist() == [[3], [3]]
    assert torch.equal(back[~left_out], tokens[~left_out])
    assert not torch.equal(left_out[0], left_out[1]), 'each image loses tokens of its own'


def test_tokens_are_left_out_in_training_only() -> None:
    images = torch.randn(2, 3, 112, 112)
    lengths: list[int] = []
    for ratio, expected in ((0.1, 129), (0.0, 144)):
        network = small(mask_ratio=ratio, drop_path=0.0)
        network.blocks[0].register_forward_pre_hook(lambda m, i: lengths.append(i[0].shape[1]))
        network.train()(images)
        network.eval()(images)
        assert lengths[-2:] == [expected, 144]


def test_computing_blocks_twice_changes_nothing() -> None:
    images = torch.randn(2, 3, 112, 112)
    gradients = []
    for twice in (False, True):
        network = small(mask_ratio=0.0, drop_path=0.0, activation_checkpointing=twice).train()
        network(images).square().sum().backward()
        gradients.append(network.blocks[0].attn.qkv.weight.grad)
    torch.testing.assert_close(*gradients)


def test_attention_keeps_full_precision_under_amp(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    original = torch.nn.functional.scaled_dot_product_attention

    def spy(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        seen.append(q.dtype)
        return original(q, k, v)

    monkeypatch.setattr('torch.nn.functional.scaled_dot_product_attention', spy)
    network = small().eval()
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        network(torch.randn(2, 3, 112, 112))
    assert set(seen) == {torch.float32} and len(seen) == 2


def test_other_image_sizes_are_refused() -> None:
    with pytest.raises(UserError, match='112 x 112 pixels, not 108 x 108'):
        small()(torch.zeros(1, 3, 108, 108))
