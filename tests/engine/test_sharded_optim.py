"""Only the rows of a step change, gradients are clipped by the norm of all processes, and all agree on an overflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.optim import Optimizer

from faceresearch.compat.mmengine_amp import AmpOptimWrapper
from faceresearch.engine import partial_fc
from faceresearch.engine.sharded_optim import clip_grad_norm, prepare_optimizer, update_looked_up_rows
from faceresearch.models.heads import MarginHead
from tests.engine.processes import run_processes

OPTIMIZERS: dict[str, Callable[[list[Tensor]], Optimizer]] = {
    'sgd': lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    'nesterov': lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    'adamw': lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    'adam': lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1, amsgrad=True),
}
#: Rows looked up in each of five steps.
VISITS = [[0, 2], [1, 2, 4], [0], [2, 4], [0, 1, 2]]


def gradients() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 3, generator=generator, dtype=torch.float64) for _ in VISITS]


def start() -> Tensor:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def sparse(gradient: Tensor, rows: list[int]) -> Tensor:
    # In two halves, and not in order: as the gradients of several batches add up.
    index = torch.tensor([rows[::-1] * 2])
    return torch.sparse_coo_tensor(index, (gradient[rows[::-1]] / 2).repeat(2, 1), gradient.shape)


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_all_rows_looked_up_is_the_dense_step(name: str) -> None:
    looked_up, dense = nn.Parameter(start()), nn.Parameter(start())
    first, second = OPTIMIZERS[name]([looked_up]), OPTIMIZERS[name]([dense])
    update_looked_up_rows(first)
    for gradient in gradients():
        looked_up.grad, dense.grad = sparse(gradient, list(range(6))), gradient.clone()
        first.step()
        second.step()
    torch.testing.assert_close(looked_up.data, dense.data, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('name', ['sgd', 'nesterov'])
def test_a_row_goes_its_way_as_if_other_steps_were_not(name: str) -> None:
    together = nn.Parameter(start())
    optimizer = OPTIMIZERS[name]([together])
    update_looked_up_rows(optimizer)
    for gradient, rows in zip(gradients(), VISITS):
        before = together.detach().clone()
        together.grad = sparse(gradient, rows)
        optimizer.step()
        absent = [row for row in range(6) if row not in rows]
        assert torch.equal(together[absent], before[absent])
    for row in range(6):
        alone = nn.Parameter(start()[row : row + 1])
        optimizer = OPTIMIZERS[name]([alone])
        for gradient, rows in zip(gradients(), VISITS):
            if row in rows:
                alone.grad = gradient[row : row + 1].clone()
                optimizer.step()
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-12, atol=1e-12)


def test_adam_counts_steps_for_all_rows_together() -> None:
    together = nn.Parameter(start())
    optimizer = OPTIMIZERS['adamw']([together])
    update_looked_up_rows(optimizer)
    moment, second, row = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), start()[0]
    for step, (gradient, rows) in enumerate(zip(gradients(), VISITS), 1):
        together.grad = sparse(gradient, rows)
        optimizer.step()
        if 0 in rows:
            moment = 0.9 * moment + 0.1 * gradient[0]
            second = 0.999 * second + 0.001 * gradient[0] ** 2
            row = row * (1 - 0.1 * 0.1)
            row = row - 0.1 * (moment / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    torch.testing.assert_close(together[0].detach(), row, rtol=1e-9, atol=1e-12)


def test_sampled_head_moves_only_what_it_saw() -> None:
    head = MarginHead(4, 50, {'type': 'CosFace'}, sample_rate=0.2)
    wrapper = OptimWrapper(torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1))
    prepare_optimizer(wrapper, head)
    before = head.centres.detach().clone()
    identity = torch.tensor([3, 30, 41])
    wrapper.update_params(head.loss(torch.randn(3, 4), identity)['loss_margin'])
    moved = (head.centres.detach() != before).any(1).nonzero()[:, 0]
    assert torch.equal(moved, partial_fc.sample_classes(identity, head.shard, 0.2, 0, 0))
    assert 3 <= len(moved) < 50
    assert wrapper.optimizer.state[head.centres]['momentum_buffer'].shape == head.centres.shape


class Net(nn.Module):
    """A backbone that all processes share, and a head of which each has a part."""

    def __init__(self, sample_rate: float = 1.0) -> None:
        super().__init__()
        self.backbone = nn.Linear(4, 4, bias=False, dtype=torch.float64)
        self.head = MarginHead(4, 7, {'type': 'CosFace'}, sample_rate=sample_rate).double()
        generator = torch.Generator().manual_seed(1)
        self.backbone.weight.data.normal_(generator=generator)


def clipped(class_centres: bool, sample_rate: float, norm_type: float) -> dict[str, Tensor]:
    net = Net(sample_rate)
    clip = {'max_norm': 0.5, 'norm_type': norm_type, 'class_centres': class_centres}
    wrapper = OptimWrapper(torch.optim.SGD(net.parameters(), lr=0.1), clip_grad=clip)
    prepare_optimizer(wrapper, net)
    # The same in all processes, as after DistributedDataParallel's mean; the head's differ.
    net.backbone.weight.grad = torch.full((4, 4), 2.0, dtype=torch.float64)
    rows = torch.arange(7.0, dtype=torch.float64)[:, None].expand(7, 4)
    shard = net.head.shard
    gradient = rows[shard.start : shard.start + shard.size].clone()
    net.head.centres.grad = gradient.to_sparse(1) if sample_rate < 1 else gradient
    norm = wrapper.clip_func([net.backbone.weight, net.head.centres], **wrapper.clip_grad_kwargs)
    return {'norm': norm, 'backbone': net.backbone.weight.grad, 'centres': net.head.centres.grad.to_dense()}


@pytest.mark.parametrize('world', [1, 2])
@pytest.mark.parametrize('norm_type', [2.0, float('inf')])
def test_clipping_uses_the_norm_of_all_processes(world: int, norm_type: float, tmp_path: Path) -> None:
    rows = torch.arange(7.0, dtype=torch.float64)[:, None].expand(7, 4)
    backbone = torch.full((4, 4), 2.0, dtype=torch.float64)
    for class_centres, sample_rate in ((True, 1.0), (True, 0.5), (False, 1.0)):
        arguments = (class_centres, sample_rate, norm_type)
        results = run_processes(clipped, world, tmp_path, *arguments) if world > 1 else [clipped(*arguments)]
        parts = [backbone.flatten(), rows.flatten()] if class_centres else [backbone.flatten()]
        norm = torch.linalg.vector_norm(torch.cat(parts), norm_type)
        for result in results:
            torch.testing.assert_close(result['norm'], norm)
            torch.testing.assert_close(result['backbone'], backbone * 0.5 / norm, rtol=1e-5, atol=0)
        whole = torch.cat([result['centres'] for result in results])
        torch.testing.assert_close(whole, rows * 0.5 / norm if class_centres else rows, rtol=1e-5, atol=0)


def overflowing() -> dict[str, Tensor]:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    wrapper = AmpOptimWrapper(optimizer, dtype='float16', use_fsdp=True)
    prepare_optimizer(wrapper, net)
    before = net.backbone.weight.detach().clone()
    wrapper.backward(net.head.loss(net.backbone(torch.ones(2, 4).double()), torch.tensor([1, 5]))['loss_margin'])
    if partial_fc.process_group()[0] == 1:
        net.head.centres.grad[0, 0] = float('inf')
    wrapper.step()
    return {'moved': (net.backbone.weight - before).abs().max(), 'scale': torch.tensor(wrapper.loss_scaler.get_scale())}


def test_an_overflow_in_one_shard_stops_all(tmp_path: Path) -> None:
    for result in run_processes(overflowing, 2, tmp_path):
        assert result['moved'] == 0
        assert result['scale'] == 2.0**15


def test_clipping_equals_torch_without_shards() -> None:
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    for net in (ours, theirs):
        net(torch.ones(2, 5)).sum().backward()
    norm = clip_grad_norm(ours.parameters(), 0.1)
    torch.testing.assert_close(norm.float(), torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.1))
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    ours.weight.grad[0, 0] = float('nan')
    with pytest.raises(RuntimeError, match='the norm of the gradients is nan'):
        clip_grad_norm(ours.parameters(), 0.1, error_if_nonfinite=True)
