"""PartialFC on 1, 2 and 4 processes gives what one dense layer gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceresearch.engine import partial_fc
from faceresearch.engine.partial_fc import Shard
from faceresearch.errors import UserError
from faceresearch.models.heads import MarginHead
from tests.engine.processes import run_processes

CLASSES, SIZE, BATCH = 37, 8, 12
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
MARGINS = {
    'arc': {'type': 'ArcFace', 'margin_grad': 'full'},
    'ada': {'type': 'AdaFace'},
    'curricular': {'type': 'CurricularFace'},
    'mag': {'type': 'MagFace', 'lower_norm': 0.5, 'upper_norm': 6.0},
    'elastic_plus': {'type': 'ElasticFace', 'plus': True},
    'sphere': {'type': 'SphereFace'},
    'softmax': {'type': 'PlainSoftmax'},
}


def batch(dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(BATCH, SIZE, generator=generator, dtype=torch.float64).to(dtype)
    return embedding, torch.randint(0, CLASSES, (BATCH,), generator=generator)


def centres(dtype: torch.dtype) -> Tensor:
    return torch.randn(CLASSES, SIZE, generator=torch.Generator().manual_seed(9), dtype=torch.float64).to(dtype)


def step(dtype: torch.dtype, **settings: Any) -> dict[str, Tensor]:
    """Two steps of a head on this process's share of the batch; losses, gradients of the second, and what was seen."""
    rank, world = partial_fc.process_group()
    head = MarginHead(SIZE, CLASSES, **settings).to(dtype)
    shard = head.shard
    head.centres.data.copy_(centres(dtype)[shard.start : shard.start + shard.size])
    result: dict[str, Tensor] = {}
    for number in range(2):
        head.centres.grad = None
        embedding, identity = (part[rank::world] for part in batch(dtype, number))
        embedding = embedding.clone().requires_grad_()
        loss = torch.stack(list(head.loss(embedding, identity).values())).sum()
        loss.backward()
        result[f'loss{number}'] = loss.detach()
    # As DistributedDataParallel's mean would leave it.
    result['embedding'] = embedding.grad / world
    result['centres'] = head.centres.grad.to_dense() if head.centres.grad.is_sparse else head.centres.grad
    result['rows'] = torch.tensor(shard.start) + (result['centres'].abs().sum(1) > 0).nonzero()[:, 0]
    result.update({f'buffer {name}': value for name, value in head.named_buffers()})
    return result


def several_steps(dtype: torch.dtype, cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, Tensor]]:
    return {name: step(dtype, **settings) for name, settings in cases.items()}


def joined(results: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Put the processes' parts together as one process has them."""
    whole = dict(results[0])
    whole['embedding'] = torch.stack([r['embedding'] for r in results], 1).flatten(0, 1)
    whole['centres'] = torch.cat([r['centres'] for r in results])
    whole['rows'] = torch.cat([r['rows'] for r in results])
    for r in results:
        for name, value in r.items():
            if name.startswith(('loss', 'buffer')):
                assert torch.equal(value, whole[name]), f'{name} differs between processes'
    return whole


@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_any_number_of_processes_gives_the_same(world: int, dtype: torch.dtype, tmp_path: Path) -> None:
    cases: dict[str, dict[str, Any]] = {name: {'margin': margin} for name, margin in MARGINS.items()}
    cases |= {f'{name} sampled': {'margin': MARGINS[name], 'sample_rate': 0.6} for name in ('arc', 'curricular')}
    cases['positives only'] = {'margin': MARGINS['arc'], 'sample_rate': 0.0}
    cases['conflicts'] = {'margin': MARGINS['arc'], 'conflict_threshold': 0.3}
    alone = several_steps(dtype, cases)
    together = run_processes(several_steps, world, tmp_path, dtype, cases)
    for name in cases:
        found = joined([results[name] for results in together])
        assert found.keys() == alone[name].keys()
        for key, expected in alone[name].items():
            assert torch.allclose(found[key], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]), f'{name}, {key}'


def dense(embedding: Tensor, identity: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """CosFace with a plain softmax: loss and gradients."""
    embedding, weight = embedding.clone().requires_grad_(), weight.clone().requires_grad_()
    cosine = F.normalize(embedding) @ F.normalize(weight).T
    logits = 64 * (cosine - 0.4 * F.one_hot(identity, len(weight)).to(cosine))
    loss = F.cross_entropy(logits, identity)
    return loss.detach(), *torch.autograd.grad(loss, (embedding, weight))


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_all_classes_equal_dense_cross_entropy(dtype: torch.dtype) -> None:
    found = step(dtype, margin={'type': 'CosFace'})
    loss, of_embedding, of_centres = dense(*batch(dtype, 1), centres(dtype))
    for key, expected in {'loss1': loss, 'embedding': of_embedding, 'centres': of_centres}.items():
        torch.testing.assert_close(found[key], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_sampled_classes_equal_dense_on_the_same_columns() -> None:
    found = step(torch.float64, margin={'type': 'CosFace'}, sample_rate=0.6)
    embedding, identity = batch(torch.float64, 1)
    rows = found['rows']
    assert set(identity.tolist()) <= set(rows.tolist())
    assert len(rows) < CLASSES
    columns = torch.searchsorted(rows, identity)
    loss, of_embedding, of_centres = dense(embedding, columns, centres(torch.float64)[rows])
    torch.testing.assert_close(found['loss1'], loss, rtol=1e-10, atol=0)
    torch.testing.assert_close(found['embedding'], of_embedding, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found['centres'][rows], of_centres, rtol=1e-10, atol=1e-12)


def uneven() -> dict[str, Tensor]:
    rank, _ = partial_fc.process_group()
    embedding, identity = batch(torch.float64)
    places = [[0, 2, 4], [1, 3], [], []][rank]
    head = MarginHead(SIZE, CLASSES, {'type': 'CosFace'}).double()
    head.centres.data.copy_(centres(torch.float64)[head.shard.start : head.shard.start + head.shard.size])
    mine = embedding[places].requires_grad_()
    loss = head.loss(mine, identity[places])['loss_margin']
    loss.backward()
    return {'loss': loss.detach(), 'embedding': mine.grad / 4, 'centres': head.centres.grad}


def test_uneven_batches(tmp_path: Path) -> None:
    results = run_processes(uneven, 4, tmp_path)
    embedding, identity = batch(torch.float64)
    loss, of_embedding, of_centres = dense(embedding[:5], identity[:5], centres(torch.float64))
    assert all(abs(r['loss'] - loss) < 1e-10 for r in results)
    torch.testing.assert_close(torch.cat([r['centres'] for r in results]), of_centres)
    torch.testing.assert_close(results[0]['embedding'], of_embedding[0::2])
    torch.testing.assert_close(results[1]['embedding'], of_embedding[1::2])
    assert results[2]['embedding'].shape == (0, SIZE)


def more_processes_than_classes() -> Tensor:
    head = MarginHead(SIZE, 3, {'type': 'CurricularFace'}, sample_rate=0.5).double()
    rank, world = partial_fc.process_group()
    head.centres.data.copy_(centres(torch.float64)[head.shard.start : head.shard.start + head.shard.size])
    loss = head.loss(batch(torch.float64)[0][rank::world].requires_grad_(), torch.arange(BATCH)[rank::world] % 2)
    loss['loss_margin'].backward()
    return loss['loss_margin'].detach()


def test_process_without_classes(tmp_path: Path) -> None:
    expected = more_processes_than_classes()
    for loss in run_processes(more_processes_than_classes, 4, tmp_path):
        torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize(('classes', 'world'), [(37, 4), (3, 4), (8, 2)])
def test_shards_are_the_published_ones(classes: int, world: int) -> None:
    shards = [partial_fc.shard_of(classes, rank, world) for rank in range(world)]
    for rank, shard in enumerate(shards):
        assert shard.size == classes // world + (rank < classes % world)
        assert shard.start == classes // world * rank + min(rank, classes % world)
    assert sum(shard.size for shard in shards) == classes


def test_first_centres_do_not_depend_on_the_shards() -> None:
    whole = partial_fc.initial_centres(Shard(0, 2500, 2500), 16, seed=3)
    parts = [partial_fc.initial_centres(partial_fc.shard_of(2500, rank, 3), 16, seed=3) for rank in range(3)]
    assert torch.equal(torch.cat(parts), whole)
    assert whole.std() == pytest.approx(0.01, rel=0.02)
    assert len(whole.unique(dim=0)) == 2500
    assert not torch.equal(whole, partial_fc.initial_centres(Shard(0, 2500, 2500), 16, seed=4))


def uniform(seed: int, step: int, shard: Shard) -> Tensor:
    return partial_fc.class_keys(seed, step, shard).double() / 2**52


def test_keys_are_uniform_and_a_function_of_seed_step_and_class() -> None:
    noise = uniform(1, 2, Shard(0, 100_000, 100_000))
    assert torch.equal(noise[30_000:70_000], uniform(1, 2, Shard(30_000, 40_000, 100_000)))
    counts = torch.histc(noise, 100, 0, 1)
    # Chi-square with 99 degrees of freedom: mean 99, deviation 14.
    assert 50 < ((counts - 1000) ** 2 / 1000).sum() < 150
    for other in (uniform(2, 2, Shard(0, 100_000, 100_000)), uniform(1, 3, Shard(0, 100_000, 100_000))):
        assert abs(torch.corrcoef(torch.stack([noise, other]))[0, 1]) < 0.015
    assert abs(torch.corrcoef(torch.stack([noise[:-1], noise[1:]]))[0, 1]) < 0.015


def sampled(total: int, rate: float, step: int) -> Tensor:
    identity = torch.randint(0, total, (512,), generator=torch.Generator().manual_seed(0))
    shard = partial_fc.shard_of(total)
    return partial_fc.sample_classes(identity, shard, rate, 0, step) + shard.start


def test_sampling_has_the_batch_and_the_count() -> None:
    identity = torch.randint(0, 20_000, (512,), generator=torch.Generator().manual_seed(0))
    chosen = sampled(20_000, 0.1, 5)
    assert torch.equal(chosen, chosen.unique())
    assert torch.isin(identity, chosen).all()
    assert len(chosen) == 2000
    # The others are those with the smallest keys.
    keys = partial_fc.class_keys(0, 5, Shard(0, 20_000, 20_000))
    others, left = chosen[~torch.isin(chosen, identity)], torch.ones(20_000, dtype=torch.bool)
    left[chosen] = False
    assert keys[others].max() < keys[left].min()
    assert torch.equal(sampled(20_000, 0.0, 5), identity.unique())
    assert len(sampled(20_000, 1.0, 5)) == 20_000
    assert not torch.equal(chosen, sampled(20_000, 0.1, 6))


def test_sampling_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    found = run_processes(sampled, 3, tmp_path, 20_000, 0.1, 5)
    assert torch.equal(torch.cat(found), sampled(20_000, 0.1, 5))


def test_cross_entropy_is_stable() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]], requires_grad=True)
    loss = partial_fc.cross_entropy(logits, torch.tensor([1, 2]))
    loss.backward()
    assert loss.item() == pytest.approx((1e4 + torch.log(torch.tensor(3.0)).item()) / 2)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize('identity', [-1, CLASSES])
def test_unknown_identity(identity: int) -> None:
    head = MarginHead(SIZE, CLASSES, {'type': 'ArcFace'})
    with pytest.raises(UserError, match=f'identity {identity} in a batch, but the head has classes 0 to 36'):
        head.loss(torch.randn(2, SIZE), torch.tensor([0, identity]))
