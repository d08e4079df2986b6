"""Recognisers: a network that embeds aligned faces, and a head that trains it on identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel, with_argument
from faceresearch.models.precision import widened
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceBatch, FaceDataSample

_FLIPS = ('none', 'sum', 'concat')
_OUTPUTS = {'embedding': ('embedding',), 'unit_and_norm': ('embedding', 'norm')}


@MODELS.register_module()
class FaceRecognizer(FaceModel):
    """Backbone, neck and classification head of face recognition.

    The backbone maps aligned faces (N, 3, H, W) to embeddings (N, D), or to feature maps of which a neck takes the last.
    A neck that states no ``in_channels`` and a head that states no ``embedding_size`` get those of the part before. The
    head and its class centres are for training only: weights without them are complete.

    Args:
        backbone: network with ``embedding_size``, or with ``out_channels`` if there is a neck.
        data_preprocessor: colour order and normalisation.
        neck: pooling of the last feature map to an embedding, with ``embedding_size``.
        head: class centres with a margin loss, ``loss(embedding (N, D), identity (N,))``; None cannot be trained.
        flip_test: what prediction does with the mirrored face: nothing, ``sum`` (f(x) + f(mirrored x), as
            arcface_torch and AdaFace evaluate) or ``concat`` (2 D numbers, as IJB features are stored).
        outputs: what ``tensor`` mode gives and a file for deployment holds: ``embedding``, or ``unit_and_norm``, its
            direction and its length (AdaFace, where the length tells the quality).
        init_cfg: mmengine weight initialisation.

    Raises:
        UserError: an unknown option, or a backbone without embedding and no neck.
    """

    training_only = ('head',)

    backbone: Any
    neck: Any
    head: Any

    def __init__(
        self,
        backbone: nn.Module | dict[str, Any],
        data_preprocessor: nn.Module | dict[str, Any] | None = None,
        neck: nn.Module | dict[str, Any] | None = None,
        head: nn.Module | dict[str, Any] | None = None,
        flip_test: Literal['none', 'sum', 'concat'] = 'none',
        outputs: Literal['embedding', 'unit_and_norm'] = 'embedding',
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        if flip_test not in _FLIPS:
            raise UserError(f'model.flip_test is {flip_test!r}: use {", ".join(_FLIPS)}')
        if outputs not in _OUTPUTS:
            raise UserError(f'model.outputs is {outputs!r}: use {", ".join(_OUTPUTS)}')
        super().__init__(data_preprocessor, init_cfg)
        self.flip_test = flip_test
        self.outputs = outputs
        self.backbone = build_module(backbone)
        self.neck = None
        if neck is not None:
            self.neck = build_module(with_argument(neck, 'in_channels', self.backbone.out_channels[-1]))
        embedder = self.backbone if self.neck is None else self.neck
        if not hasattr(embedder, 'embedding_size'):
            raise UserError(
                f'{type(embedder).__name__} gives feature maps, no embedding (it has no embedding_size): add a neck'
            )
        self.embedding_size: int = embedder.embedding_size
        self.head = None
        if head is not None:
            self.head = build_module(with_argument(head, 'embedding_size', self.embedding_size))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``tensor`` returns."""
        return _OUTPUTS[self.outputs]

    def extract(self, inputs: Tensor) -> Tensor:
        """Map aligned faces (N, 3, H, W), normalised, to embeddings (N, D): not of unit length, float32 under AMP."""
        features = self.backbone(inputs)
        if self.neck is not None:
            features = self.neck(features[-1] if isinstance(features, tuple | list) else features)
        return widened(features)

    def loss(self, inputs: Tensor, data_samples: FaceBatch | list[FaceDataSample]) -> dict[str, Tensor]:
        """Return the losses of a batch; each sample has ``gt_identity`` with a label of shape (1,).

        Raises:
            UserError: the model has no head, or a sample no identity.
        """
        if self.head is None:
            raise UserError(
                'this recogniser has no head and cannot be trained:'
                " give model.head, such as dict(type='MarginHead', num_classes=…, margin=…)"
            )
        return self.head.loss(self.extract(inputs), _identities(data_samples).to(inputs.device))

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the embedding (N, D), or its direction (N, D) and length (N, 1): the graph that is exported."""
        embedding = self.extract(inputs)
        if self.outputs == 'embedding':
            return (embedding,)
        norm = torch.linalg.vector_norm(embedding, dim=1, keepdim=True)
        return embedding / norm, norm

    def predict(self, inputs: Tensor, data_samples: list[FaceDataSample]) -> list[FaceDataSample]:
        """Add ``pred_embedding`` to each sample: float32 (D,), or (2 D,) with ``flip_test='concat'``, not normalised."""
        for sample, row in zip(data_samples, self.embed(inputs).float(), strict=True):
            sample.pred_embedding = row
        return data_samples

    def embed(self, inputs: Tensor) -> Tensor:
        """Return what is predicted for aligned faces (N, 3, H, W), normalised: with the mirrored ones, as ``flip_test`` says."""
        embedding = self.extract(inputs)
        if self.flip_test == 'none':
            return embedding
        mirrored = self.extract(inputs.flip(3))
        return torch.cat([embedding, mirrored], dim=1) if self.flip_test == 'concat' else embedding + mirrored


def without_head(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of a model without what only training needs: a recogniser without its head, for one.

    Class centres of millions of identities take gigabytes. A model that has nothing of the kind is returned as it is.
    """
    kind = model.get('type')
    if isinstance(kind, str):
        kind = MODELS.get(kind)
    parts = kind.training_only if isinstance(kind, type) and issubclass(kind, FaceModel) else ()
    present = {part: None for part in parts if model.get(part)}
    return {**model, **present} if present else model


def _identities(samples: FaceBatch | list[FaceDataSample]) -> Tensor:
    if isinstance(samples, FaceBatch):
        return samples.identities
    for sample in samples:
        if 'gt_identity' not in sample:
            raise UserError(f'{sample.get("img_path", "an image")}: has no gt_identity to train on')
    return torch.cat([sample.gt_identity.label for sample in samples])
