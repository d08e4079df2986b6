"""PartialFC: a classification layer over very many identities, shared out over processes, of which a step sees a part.

Every process holds the centres of a contiguous range of classes (a shard) and computes the logits of all processes'
samples to them; softmax and cross entropy are completed by sums over processes (An et al., Killing Two Birds with One
Stone: PartialFC, CVPR 2022; insightface arcface_torch partial_fc_v2.py). Results do not depend on the number of
processes: the batch is put into the order of the sampler, and what is drawn is a function of (seed, step, class).

All functions work in a single process without ``torch.distributed``.

Shapes: n samples of this process, B of all, C classes of this shard, D embedding size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Classes whose first centres are drawn from one generator.
_BLOCK = 1024
_GOLDEN_RATIO = -7046029254386353131  # 2^64 / φ as a signed number
#: Bits of a digit of a class's key, which has four.
_DIGIT = 13
#: Guards ⌊rate · total⌋ against 0.3 · 10 = 2.9999…
_ROUNDING = 1e-9


class Shard(NamedTuple):
    """The classes ``start`` … ``start + size − 1`` of ``total``, which one process holds."""

    start: int
    size: int
    total: int


def process_group() -> tuple[int, int]:
    """Return this process's rank and the number of processes; (0, 1) without ``torch.distributed``."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def shard_of(num_classes: int, rank: int | None = None, world_size: int | None = None) -> Shard:
    """Return a process's classes: ⌊C / W⌋, and one more on the first C mod W processes.

    Args:
        num_classes: C.
        rank, world_size: this process and the number W of processes; by default as they are.
    """
    if rank is None or world_size is None:
        rank, world_size = process_group()
    share, rest = divmod(num_classes, world_size)
    return Shard(share * rank + min(rank, rest), share + (rank < rest), num_classes)


def initial_centres(shard: Shard, size: int, seed: int, std: float = 0.01) -> Tensor:
    """Return the first centres (C, size) of a shard: N(0, std²), the same for a class whatever the shards.

    Args:
        shard: the classes.
        size: numbers per class.
        seed: of the training.
        std: standard deviation.
    """
    centres = torch.empty(shard.size, size)
    stop = shard.start + shard.size
    for block in range(shard.start // _BLOCK, -(-stop // _BLOCK)):
        generator = torch.Generator().manual_seed((seed << 24) + block)
        drawn = torch.empty(_BLOCK, size).normal_(0, std, generator=generator)
        first, last = max(block * _BLOCK, shard.start), min((block + 1) * _BLOCK, stop)
        centres[first - shard.start : last - shard.start] = drawn[first - block * _BLOCK : last - block * _BLOCK]
    return centres


def gather_batch(embedding: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
    """Return the embeddings (B, D) and identities (B,) of all processes, in the order in which the sampler dealt them.

    Process r's i-th sample is the (i·W + r)-th, so that W processes with batches of n see what one process with a batch
    of n·W sees. Processes may have different numbers of samples, none included. The gradient is made for
    ``DistributedDataParallel``: summed over processes, times W, which its mean takes away again.

    Args:
        embedding: (n, D).
        identity: (n,).
    """
    rank, world_size = process_group()
    if world_size == 1:
        return embedding, identity
    count = torch.tensor([len(embedding)], device=embedding.device)
    counts_tensor = count.new_empty(world_size)
    dist.all_gather_into_tensor(counts_tensor, count)
    counts: list[int] = counts_tensor.tolist()
    order = _dealt_order(counts).to(embedding.device)
    identities = _all_gather(_padded(identity, max(counts)), world_size)[order]
    return _Gather.apply(embedding, order, max(counts), rank, world_size), identities


def _dealt_order(counts: list[int]) -> Tensor:
    """Return where the samples lie in the padded gathered batch, in the order i·W + r."""
    places = torch.arange(max(counts) * len(counts)).view(len(counts), -1).T
    present = torch.arange(max(counts))[:, None] < torch.tensor(counts)
    return places[present]


def _padded(tensor: Tensor, length: int) -> Tensor:
    padded = tensor.new_zeros(length, *tensor.shape[1:])
    padded[: len(tensor)] = tensor
    return padded


def _all_gather(tensor: Tensor, world_size: int) -> Tensor:
    gathered = tensor.new_empty(world_size * len(tensor), *tensor.shape[1:])
    dist.all_gather_into_tensor(gathered, tensor)
    return gathered


class _Gather(torch.autograd.Function):
    """Embeddings of all processes; the gradient goes back to the process a sample came from."""

    @staticmethod
    def forward(ctx: Any, embedding: Tensor, order: Tensor, longest: int, rank: int, world_size: int) -> Tensor:
        ctx.save_for_backward(order)
        ctx.sizes = len(embedding), longest, world_size
        return _all_gather(_padded(embedding, longest), world_size)[order]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (order,) = ctx.saved_tensors
        count, longest, world_size = ctx.sizes
        padded = gradient.new_zeros(longest * world_size, *gradient.shape[1:])
        padded[order] = gradient
        mine = gradient.new_empty(longest, *gradient.shape[1:])
        dist.reduce_scatter_tensor(mine, padded)
        return mine[:count] * world_size, None, None, None, None


def local_target(identity: Tensor, shard: Shard) -> Tensor:
    """Return the column (B,) of each sample's class in a shard, −1 where it lies in another."""
    column = identity - shard.start
    return torch.where((column >= 0) & (column < shard.size), column, -1)


def class_keys(seed: int, step: int, shard: Shard, device: torch.device | str = 'cpu') -> Tensor:
    """Return a whole number in [0, 2^52) for each class of a shard (C,): a function of (seed, step, class) alone.

    The finaliser of SplitMix64 (Steele et al., Fast splittable pseudorandom number generators, 2014) over a counter.

    Args:
        seed: of the training.
        step: number of the batch.
        shard: the classes.
        device: where the numbers are wanted.
    """
    key = _mixed(_mixed(torch.tensor(seed)) ^ torch.tensor(step))
    classes = torch.arange(shard.start, shard.start + shard.size, device=device)
    return _shifted(_mixed(classes * _GOLDEN_RATIO + key.to(device)), 64 - 4 * _DIGIT)


def _mixed(value: Tensor) -> Tensor:
    value = value + _GOLDEN_RATIO
    value = (value ^ _shifted(value, 30)) * -4658895280553007687
    value = (value ^ _shifted(value, 27)) * -7723592293110705685
    return value ^ _shifted(value, 31)


def _shifted(value: Tensor, bits: int) -> Tensor:
    """Shift right without copying the sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def sample_classes(identity: Tensor, shard: Shard, rate: float, seed: int, step: int) -> Tensor:
    """Return the columns (S,) of a shard that take part in a step, sorted: every class in the batch, and some others.

    Over all shards ⌊rate·total⌋ classes take part: the others are those with the smallest :func:`class_keys`. The
    published code draws ⌊rate·C⌋ in each shard, which makes the draw depend on the number of processes. Where the batch
    has more classes than that, there are no others.

    Args:
        identity: (B,) classes of all processes' samples.
        shard: the classes to choose from.
        rate: share of all classes, in [0, 1].
        seed: of the training.
        step: number of the batch.
    """
    present = identity.unique()
    columns = local_target(present, shard)
    chosen = torch.zeros(shard.size, dtype=torch.bool, device=identity.device)
    chosen[columns[columns >= 0]] = True
    others = int(rate * shard.total + _ROUNDING) - len(present)
    if others > 0:
        keys = class_keys(seed, step, shard, identity.device)
        chosen |= keys <= _smallest(keys[~chosen], others)
    return chosen.nonzero()[:, 0]


def _smallest(keys: Tensor, count: int) -> int:
    """Return the ``count``-th smallest of all processes' keys, digit by digit from histograms."""
    found = 0
    for shift in range(3 * _DIGIT, -1, -_DIGIT):
        digits = (keys >> shift) & (2**_DIGIT - 1)
        histogram = torch.bincount(digits, minlength=2**_DIGIT)
        if process_group()[1] > 1:
            dist.all_reduce(histogram)
        up_to = histogram.cumsum(0)
        digit = int(torch.searchsorted(up_to, count))
        count -= int(up_to[digit] - histogram[digit])
        keys = keys[digits == digit]
        found = found << _DIGIT | digit
    return found


def target_cosines(cosine: Tensor, target: Tensor) -> Tensor:
    """Return each sample's cosine (B,) to its own class, wherever that lies; without gradient.

    Args:
        cosine: (B, C) of this shard.
        target: (B,) own column, −1 where it is not here.
    """
    own = _own(cosine.detach(), target)
    if process_group()[1] > 1:
        dist.all_reduce(own)
    return own


def _own(values: Tensor, target: Tensor) -> Tensor:
    """Return each row's entry in its own column, 0 where that is not here."""
    if not values.shape[1]:
        return values.new_zeros(len(values))
    return values.gather(1, target.clamp(min=0)[:, None])[:, 0].masked_fill(target < 0, 0)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross entropy of all samples over all shards' classes, the same number on every process.

    Args:
        logits: (B, C) of this shard, float32 or float64.
        target: (B,) own column, −1 where it is not here.
    """
    return _CrossEntropy.apply(logits, target)


class _CrossEntropy(torch.autograd.Function):
    """log Σ exp over columns that lie in several processes, by way of their largest entry."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor) -> Tensor:
        several = process_group()[1] > 1
        highest = logits.new_full((len(logits),), -torch.inf)
        if logits.shape[1]:
            highest = logits.amax(1)
        if several:
            dist.all_reduce(highest, dist.ReduceOp.MAX)
        sums = torch.stack([(logits - highest[:, None]).exp_().sum(1), _own(logits, target)])
        if several:
            dist.all_reduce(sums)
        log_sum = sums[0].log() + highest
        ctx.save_for_backward(logits, target, log_sum)
        return (log_sum - sums[1]).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        logits, target, log_sum = ctx.saved_tensors
        result = (logits - log_sum[:, None]).exp_()
        rows = (target >= 0).nonzero()[:, 0]
        result[rows, target[rows]] -= 1
        return result.mul_(gradient / len(logits)), None
