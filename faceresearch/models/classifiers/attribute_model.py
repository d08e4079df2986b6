"""The one model of attributes: a backbone, its pooled feature, and heads by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel, with_argument
from faceresearch.models.precision import widened
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class AttributeModel(FaceModel):
    """Liveness, gaze, age, gender, emotion, head pose, …: named heads on the feature of one face.

    A sample's labels are fields of ``gt_attributes`` with the names of the heads. One that is absent, −1 (a class) or NaN
    (a number) is not known, and the sample does not count for that head: data sets with different labels train together.
    Predictions are fields of ``pred_attributes``; see the heads for what they add to their name.

    Args:
        backbone: network with ``embedding_size``, or with ``out_channels``, of whose last map the mean is taken.
        heads: name → head, in the order of the outputs. Heads learn the length of the feature from the model.
        data_preprocessor: colour order and normalisation.
        dropout: probability of dropping a number of the feature in training.
        auxiliary: a branch for training only, ``loss(map, samples)``, on the map that ``backbone.with_auxiliary`` gives.
        init_cfg: mmengine weight initialisation.

    Raises:
        UserError: there is no head, or an auxiliary branch without a backbone that feeds it.
    """

    training_only = ('auxiliary',)

    backbone: Any
    auxiliary: Any

    def __init__(
        self,
        backbone: nn.Module | dict[str, Any],
        heads: Mapping[str, nn.Module | dict[str, Any]],
        data_preprocessor: nn.Module | dict[str, Any] | None = None,
        dropout: float = 0.0,
        auxiliary: nn.Module | dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not heads:
            raise UserError('model.heads is empty: name at least one head')
        self.backbone = build_module(backbone)
        embeds = hasattr(self.backbone, 'embedding_size')
        self.feature_size: int = self.backbone.embedding_size if embeds else self.backbone.out_channels[-1]
        #: Of the images it takes: 1 for networks of grey faces.
        self.input_channels: int = getattr(self.backbone, 'in_channels', 3)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict(
            {name: build_module(with_argument(head, 'in_channels', self.feature_size)) for name, head in heads.items()}
        )
        self.auxiliary = None
        if auxiliary is not None:
            if not hasattr(self.backbone, 'with_auxiliary'):
                raise UserError(f'{type(self.backbone).__name__} has no map for model.auxiliary: set it to null')
            channels = getattr(self.backbone, 'auxiliary_channels', None)
            self.auxiliary = build_module(
                auxiliary if channels is None else with_argument(auxiliary, 'in_channels', channels)
            )

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``tensor`` returns: those of the heads."""
        return tuple(self.heads)

    def extract(self, inputs: Tensor) -> Tensor:
        """Return the feature (N, C) of images (N, 3, H, W), normalised; float32 under AMP."""
        return self._pooled(self.backbone(inputs))

    @staticmethod
    def _pooled(features: Any) -> Tensor:
        last = features[-1] if isinstance(features, tuple | list) else features
        return widened(last.mean((2, 3)) if last.dim() == 4 else last)

    def loss(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> dict[str, Tensor]:
        """Return the weighted losses of the heads and of the auxiliary branch.

        Raises:
            UserError: no sample has ``gt_attributes``, or one has a label that cannot be.
        """
        extra: dict[str, Tensor] = {}
        if self.auxiliary is None:
            feature = self.extract(inputs)
        else:
            feature, middle = self.backbone.with_auxiliary(inputs)
            feature = widened(feature)
            extra = self.auxiliary.loss(middle, data_samples)
        feature = self.dropout(feature)
        losses: dict[str, Tensor] = {}
        heads: dict[str, Any] = dict(self.heads.items())
        for name, head in heads.items():
            rows, labels = _known(name, head, data_samples)
            raw = head(feature)
            if not rows:
                # Of the graph, so that distributed training finds a gradient for every parameter.
                losses[f'loss_{name}'] = raw.sum() * 0
                continue
            chosen = raw if len(rows) == len(data_samples) else raw[rows]
            head_losses: dict[str, Tensor] = head.loss(chosen, labels.to(raw.device))
            for suffix, value in head_losses.items():
                losses[f'loss_{name}{suffix}'] = float(head.loss_weight) * value  # type: ignore[arg-type]
        return {**losses, **extra}

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the raw output of each head: logits of classes and bins, numbers."""
        feature = self.dropout(self.extract(inputs))
        return tuple(head(feature) for head in self.heads.values())

    def predict(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> Sequence[FaceDataSample]:
        """Add ``pred_attributes`` to each sample."""
        return add_predictions(self.decode(self.raw_outputs(inputs)), data_samples)

    @property
    def raw_widths(self) -> tuple[int, ...]:
        """Numbers per face in each raw output."""
        heads: dict[str, Any] = dict(self.heads.items())
        return tuple(head.fc.out_features for head in heads.values())

    def decode(self, raw: Sequence[Tensor]) -> dict[str, Tensor]:
        """Decode the raw outputs of N faces into the fields of ``pred_attributes``, N rows each."""
        fields: dict[str, Tensor] = {}
        heads: dict[str, Any] = dict(self.heads.items())
        for (name, head), output in zip(heads.items(), raw, strict=True):
            fields |= {f'{name}{suffix}': values for suffix, values in head.decode(widened(output)).items()}
        return fields


def add_predictions(fields: Mapping[str, Tensor], data_samples: Sequence[FaceDataSample]) -> Sequence[FaceDataSample]:
    """Add decoded fields to each sample as ``pred_attributes``."""
    for row, sample in enumerate(data_samples):
        sample.pred_attributes = BaseDataElement(**{name: values[row] for name, values in fields.items()})
    return data_samples


def _known(name: str, head: Any, samples: Sequence[FaceDataSample]) -> tuple[list[int], Tensor]:
    """Return which samples have a label for a head, and these labels."""
    rows, labels = [], []
    for row, sample in enumerate(samples):
        if 'gt_attributes' not in sample:
            raise UserError(f'{sample.get("img_path", "an image")}: has no gt_attributes to train on')
        if name not in sample.gt_attributes:
            continue
        label = sample.gt_attributes.get(name)
        if head.is_known(label):
            rows.append(row)
            labels.append(label)
    return rows, torch.stack(labels) if labels else torch.zeros(0)
