"""The head that trains a face embedding by classification of identities."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.engine import partial_fc
from faceresearch.engine.partial_fc import Shard
from faceresearch.errors import UserError
from faceresearch.models.losses.margin import Margin, without_conflicts
from faceresearch.registry import MODELS, build_module


@MODELS.register_module()
class MarginHead(nn.Module):
    """Class centres, a margin and cross entropy, on one process or shared out over many (PartialFC).

    Each process holds the centres of its share of the identities. Embeddings and logits are computed on from in float32
    whatever precision the backbone has. A step's result does not depend on the number of processes.

    The head is of no use once the training is over: ``state_dict()`` of a model leaves it out, so that weights are those
    of the embedding network, as everywhere. Training checkpoints hold it, the centres as one matrix
    (:mod:`faceresearch.engine.training_only`).

    Args:
        embedding_size: D.
        num_classes: identities in the training set.
        margin: one of the margins in :mod:`faceresearch.models.losses`.
        sample_rate: share of the classes that a step sees (PartialFC); below 1, only centres that took part in a step
            change in it (:mod:`faceresearch.engine.sharded_optim`). 0: only the batch's own classes.
        sub_centres: K, centres per identity, of which the nearest counts (Deng et al., Sub-center ArcFace, ECCV 2020;
            K = 3 there).
        conflict_threshold: cosines above it to other classes do not count (see
            :func:`~faceresearch.models.losses.margin.without_conflicts`); 0 counts all.
        bias: add a number per class to the logits, before the margin (plain softmax).
        loss_weight: factor on the cross entropy.
        half_precision: compute the products with the centres in the precision of the backbone under mixed precision;
            faster, and less exact.
        seed: of the first centres and of what is sampled.

    Raises:
        ValueError: an argument has no meaning.
    """

    centres: nn.Parameter
    step: Tensor

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        margin: Margin | dict[str, Any],
        sample_rate: float = 1.0,
        sub_centres: int = 1,
        conflict_threshold: float = 0.0,
        bias: bool = False,
        loss_weight: float = 1.0,
        half_precision: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if num_classes < 2 or embedding_size < 1 or sub_centres < 1:
            raise ValueError(
                'MarginHead: needs two classes, one number per embedding and one centre per class at least, not'
                f' num_classes={num_classes}, embedding_size={embedding_size}, sub_centres={sub_centres}'
            )
        if not 0 <= sample_rate <= 1 or not 0 <= conflict_threshold < 1:
            raise ValueError(
                'MarginHead: sample_rate must be in [0, 1] and conflict_threshold in [0, 1), not'
                f' {sample_rate} and {conflict_threshold}'
            )
        self.embedding_size = embedding_size
        self.num_classes = num_classes
        self.sample_rate = sample_rate
        self.sub_centres = sub_centres
        self.conflict_threshold = conflict_threshold
        self.loss_weight = loss_weight
        self.half_precision = half_precision
        self.seed = seed
        self.shard = partial_fc.shard_of(num_classes)
        self.margin: Margin = build_module(margin)  # type: ignore[assignment]
        self.centres = nn.Parameter(partial_fc.initial_centres(self.shard, sub_centres * embedding_size, seed))
        self.bias = nn.Parameter(torch.zeros(self.shard.size, 1)) if bias else None
        self.register_buffer('step', torch.zeros((), dtype=torch.long))
        self.register_state_dict_post_hook(_leave_out)
        self.register_load_state_dict_pre_hook(_keep)

    def sharded_parameters(self) -> dict[str, Shard]:
        """Name the parameters of which each process holds the rows of its classes."""
        return {name: self.shard for name, _ in self.named_parameters(recurse=False)}

    def loss(self, embedding: Tensor, identity: Tensor) -> dict[str, Tensor]:
        """Return ``loss_margin`` and, if the margin has such a term, ``loss_norm``; both of all processes' samples.

        Args:
            embedding: (N, D) of this process, as the network gives them.
            identity: (N,) int64, in [0, num_classes).

        Raises:
            UserError: an identity is unknown (−1) or there are fewer classes.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.float() if embedding.dtype.itemsize < 4 else embedding
            embedding, identity = partial_fc.gather_batch(embedding, identity)
        _check(identity, self.num_classes)
        columns = None
        if self.sample_rate < 1:
            columns = partial_fc.sample_classes(identity, self.shard, self.sample_rate, self.seed, int(self.step))
        if self.training:
            self.step += 1
        target = partial_fc.local_target(identity, self.shard)
        if columns is not None:
            found = torch.searchsorted(columns, target.clamp(min=0))
            target = torch.where(target >= 0, found, -1)
        cosine = self._products(embedding, columns)
        with torch.autocast(embedding.device.type, enabled=False):
            return self._loss(cosine, target, embedding.norm(dim=1))

    def _loss(self, cosine: Tensor, target: Tensor, norms: Tensor) -> dict[str, Tensor]:
        if self.conflict_threshold > 0:
            cosine = without_conflicts(cosine, target, self.conflict_threshold)
        own = partial_fc.target_cosines(cosine, target) if self.margin.needs_target_cosine else None
        own = cosine.new_zeros(len(cosine)) if own is None else own
        logits = self.margin(cosine, target, norms, own)
        losses = {'loss_margin': self.loss_weight * partial_fc.cross_entropy(logits, target)}
        extra = self.margin.regularizer(norms)
        if extra is not None:
            # Every process computes the same term, and their gradients are added up.
            share = extra / partial_fc.process_group()[1]
            losses['loss_norm'] = share + (extra - share).detach()
        return losses

    def _products(self, embedding: Tensor, columns: Tensor | None) -> Tensor:
        """Return the cosines (B, C), or plain products where the margin wants those, to the nearest sub-centre."""
        centres: Tensor = self.centres
        bias: Tensor | None = self.bias
        if columns is not None:
            # A sparse gradient: rows that are not looked up stay out of it.
            centres = F.embedding(columns, centres, sparse=True)
            bias = F.embedding(columns, bias, sparse=True) if bias is not None else None
        vectors = centres.view(-1, self.embedding_size)
        if self.margin.normalized:
            embedding, vectors = F.normalize(embedding), F.normalize(vectors)
        with torch.autocast(
            embedding.device.type, enabled=self.half_precision and torch.is_autocast_enabled(embedding.device.type)
        ):
            products = F.linear(embedding, vectors)
        products = products.to(embedding.dtype)
        if self.sub_centres > 1:
            products = products.unflatten(1, (-1, self.sub_centres)).amax(2)
        return products + bias.T if bias is not None else products

    def extra_repr(self) -> str:
        """Show the settings."""
        return f'{self.num_classes} classes, {self.shard.size} here, sample_rate={self.sample_rate}'


def _check(identity: Tensor, num_classes: int) -> None:
    """Look at all processes' samples, so that all of them stop."""
    if not len(identity):
        raise UserError('the batch has no samples')
    low, high = torch.stack(identity.aminmax()).tolist()
    if low < 0 or high >= num_classes:
        wrong = low if low < 0 else high
        raise UserError(
            f'identity {wrong} in a batch, but the head has classes 0 to {num_classes - 1}: set'
            ' model.head.num_classes to the number of identities in the training set'
            + (', and leave images of unknown identity out of it' if low < 0 else '')
        )


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
    for name in [name for name in state if name.startswith(prefix)] if prefix else []:
        del state[name]


def _keep(module: nn.Module, state: dict[str, Any], prefix: str, *args: Any) -> None:
    """Let a model be loaded from weights, which have nothing of the head: it stays as it is."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()] if prefix else []:
        state.setdefault(prefix + name, tensor.detach())
