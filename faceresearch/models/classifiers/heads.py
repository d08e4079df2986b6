"""Named heads of an attribute model: what is read off the pooled feature of a face, how it is trained and decoded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.datasets.attribute_labels import labels_of
from faceresearch.errors import UserError
from faceresearch.registry import MODELS


class AttributeHead(BaseModule):
    """One linear layer on the feature (N, C), a loss over the samples whose label is known, and the decoding.

    Args:
        in_channels: length of the feature; the model fills it in.
        outputs: numbers the layer gives.
        loss_weight: factor of the head's losses.
        bias: whether the layer has one.
    """

    def __init__(self, in_channels: int, outputs: int, loss_weight: float = 1.0, bias: bool = True) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, outputs, bias=bias)
        self.loss_weight = loss_weight

    def forward(self, feature: Tensor) -> Tensor:
        """Return the raw output (N, outputs)."""
        return self.fc(feature)

    def is_known(self, label: Tensor) -> bool:
        """Return whether a sample's label is there: neither −1, of a class, nor NaN, of a number."""
        return not bool(label.isnan().any() if label.is_floating_point() else (label < 0).any())

    @abstractmethod
    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return losses by suffix (``''`` for the only one), not weighted, of raw outputs (L, …) with known labels (L, …)."""

    @abstractmethod
    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return what is predicted, by suffix of the field's name; each has N rows."""


@MODELS.register_module()
class ClassHead(AttributeHead):
    """One of several classes: softmax and cross entropy.

    Predicted are the class, and ``_scores``, the probabilities (C,). A label is the number of a class, or a distribution
    over them (C,) (votes of annotators, FER+).

    Args:
        in_channels: length of the feature.
        labels: names of the classes in their order, or the name of an order in
            :data:`faceresearch.datasets.attribute_labels.ORDERS`.
        loss_weight: factor of the loss.
        label_smoothing: share of the label that is spread over all classes.
        class_weights: factor of each class in the loss, for rare ones.
        bias: whether the layer has one.

    Raises:
        UserError: the order is unknown, or the weights are not one a class.
    """

    def __init__(
        self,
        in_channels: int,
        labels: str | Sequence[str],
        loss_weight: float = 1.0,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
        bias: bool = True,
    ) -> None:
        self.labels = labels_of(labels)
        super().__init__(in_channels, len(self.labels), loss_weight, bias)
        if class_weights is not None and len(class_weights) != len(self.labels):
            raise UserError(f'ClassHead: {len(class_weights)} class_weights for {len(self.labels)} classes')
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else tuple(class_weights)

    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the cross entropy.

        Raises:
            UserError: a label is not the number of a class.
        """
        if not labels.is_floating_point() and int(labels.max()) >= len(self.labels):
            raise UserError(f'a label is {int(labels.max())}, but there are {len(self.labels)} classes: {self.labels}')
        weights = None if self.class_weights is None else raw.new_tensor(self.class_weights)
        target = labels.to(raw.dtype) if labels.is_floating_point() else labels.long()
        return {'': F.cross_entropy(raw, target, weights, label_smoothing=self.label_smoothing)}

    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return the class (N,) and ``_scores`` (N, C)."""
        scores = raw.softmax(1)
        return {'': scores.argmax(1), '_scores': scores}


@MODELS.register_module()
class MultiLabelHead(AttributeHead):
    """Several properties that are there or not, each for itself: sigmoid and binary cross entropy (CelebA).

    A label is a vector (K,) of 1, 0 and −1 for what is not known. Predicted is the vector of 0 and 1, and ``_scores``.

    Args:
        in_channels: length of the feature.
        labels: names of the properties, or the name of a list.
        loss_weight: factor of the loss.
        bias: whether the layer has one.
    """

    def __init__(
        self, in_channels: int, labels: str | Sequence[str], loss_weight: float = 1.0, bias: bool = True
    ) -> None:
        self.labels = labels_of(labels)
        super().__init__(in_channels, len(self.labels), loss_weight, bias)

    def is_known(self, label: Tensor) -> bool:
        """Return whether anything is known."""
        return bool((label >= 0).any())

    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the binary cross entropy, averaged over what is known."""
        known = labels >= 0
        return {'': F.binary_cross_entropy_with_logits(raw[known], labels[known].to(raw.dtype))}

    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return 0 or 1 (N, K) and ``_scores`` (N, K)."""
        scores = raw.sigmoid()
        return {'': (scores >= 0.5).long(), '_scores': scores}


@MODELS.register_module()
class RegressionHead(AttributeHead):
    """A number, such as an age in years.

    Args:
        in_channels: length of the feature.
        scale: what the layer's output is multiplied by (InsightFace's genderage: 100).
        offset: what is added then; near the mean of the data, training need not find it first.
        loss: ``l1``, ``smooth_l1`` or ``mse``, of the output before scaling.
        loss_weight: factor of the loss.
        bias: whether the layer has one.

    Raises:
        UserError: the loss is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        scale: float = 1.0,
        offset: float = 0.0,
        loss: Literal['l1', 'smooth_l1', 'mse'] = 'smooth_l1',
        loss_weight: float = 1.0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, 1, loss_weight, bias)
        losses = {'l1': F.l1_loss, 'smooth_l1': F.smooth_l1_loss, 'mse': F.mse_loss}
        if loss not in losses:
            raise UserError(f'RegressionHead: loss={loss!r} is unknown; use {", ".join(losses)}')
        self.scale, self.offset = scale, offset
        self.criterion = losses[loss]

    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss of (label − offset) / scale."""
        return {'': self.criterion(raw[:, 0], (labels.to(raw.dtype) - self.offset) / self.scale)}

    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return the number (N,)."""
        return {'': raw[:, 0] * self.scale + self.offset}


@MODELS.register_module()
class BinnedHead(AttributeHead):
    """A number as the expectation over bins: cross entropy on the bin, squared error on the expectation.

    L2CS-Net and MobileGaze have 90 bins of 4° from −180° (Gaze360) or 28 of 3° from −42° (MPIIFaceGaze); DeepFace's age
    (DEX) has 101 bins of a year from 0. The value of bin i is start + i · width, its left edge: a label lies half a bin
    above it on average, which the squared error has to unlearn; ``centre`` takes the middle.

    Args:
        in_channels: length of the feature.
        bins: number of bins.
        width: of a bin.
        start: left edge of the first bin.
        centre: a bin's value is its middle.
        alpha: factor of the squared error.
        loss_weight: factor of both losses.
        bias: whether the layer has one.
    """

    def __init__(
        self,
        in_channels: int,
        bins: int = 90,
        width: float = 4.0,
        start: float = -180.0,
        centre: bool = False,
        alpha: float = 1.0,
        loss_weight: float = 1.0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, bins, loss_weight, bias)
        self.bins, self.width, self.start, self.alpha = bins, width, start, alpha
        self.shift = width / 2 if centre else 0.0

    def expectation(self, raw: Tensor) -> Tensor:
        """Return the expected number (N,) of logits (N, bins)."""
        places = torch.arange(self.bins, dtype=raw.dtype, device=raw.device)
        return (raw.softmax(1) * places).sum(1) * self.width + (self.start + self.shift)

    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``_cls`` and ``_reg``.

        Raises:
            UserError: a label is in no bin.
        """
        number = torch.floor((labels - self.start) / self.width).long()
        if bool(((number < 0) | (number >= self.bins)).any()):
            end = self.start + self.bins * self.width
            raise UserError(
                f'a label is {float(labels[(number < 0) | (number >= self.bins)][0]):g}, outside the bins'
                f' [{self.start:g}, {end:g}); leave such samples out of the data set'
            )
        squared = F.mse_loss(self.expectation(raw), labels.to(raw.dtype))
        return {'_cls': F.cross_entropy(raw, number), '_reg': self.alpha * squared}

    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return the expectation (N,)."""
        return {'': self.expectation(raw)}


@MODELS.register_module()
class RotationHead(AttributeHead):
    """A rotation by six numbers (Zhou et al. 2019, arXiv:1812.07035): head pose, trained with the geodesic distance.

    The six numbers are two columns that Gram–Schmidt makes orthogonal; the third is their cross product. A label is a
    rotation matrix (3, 3). Predicted are the matrix, and ``_angles``: pitch, yaw and roll in degrees (3,).

    Args:
        in_channels: length of the feature.
        loss_weight: factor of the loss.
        bias: whether the layer has one.
    """

    def __init__(self, in_channels: int, loss_weight: float = 1.0, bias: bool = True) -> None:
        super().__init__(in_channels, 6, loss_weight, bias)

    def loss(self, raw: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the mean angle between predicted and true rotation, in radians."""
        return {'': geodesic_distance(rotation_of(raw), labels.to(raw.dtype)).mean()}

    def decode(self, raw: Tensor) -> dict[str, Tensor]:
        """Return the matrices (N, 3, 3) and ``_angles`` (N, 3)."""
        rotation = rotation_of(raw)
        return {'': rotation, '_angles': euler_angles(rotation)}


def rotation_of(six: Tensor) -> Tensor:
    """Return the rotation matrices (N, 3, 3) whose first two columns six numbers (N, 6) span."""
    first = F.normalize(six[:, :3])
    third = F.normalize(torch.linalg.cross(first, six[:, 3:]))
    second = torch.linalg.cross(third, first)
    return torch.stack((first, second, third), dim=2)


def geodesic_distance(a: Tensor, b: Tensor, margin: float = 1e-7) -> Tensor:
    """Return the angle (N,) in radians of the rotation between two: arccos((tr(a bᵀ) − 1) / 2).

    ``margin`` keeps the cosine off ±1, where the arc cosine has no gradient.
    """
    cosine = ((a * b).sum((1, 2)) - 1) / 2
    return torch.acos(cosine.clamp(-1 + margin, 1 - margin))


def euler_angles(rotation: Tensor) -> Tensor:
    """Return pitch, yaw and roll (N, 3) in degrees of R = Rz(roll) Ry(yaw) Rx(pitch)."""
    cosine = torch.sqrt(rotation[:, 0, 0] ** 2 + rotation[:, 1, 0] ** 2)
    gimbal = cosine < 1e-6
    pitch = torch.where(
        gimbal,
        torch.atan2(-rotation[:, 1, 2], rotation[:, 1, 1]),
        torch.atan2(rotation[:, 2, 1], rotation[:, 2, 2]),
    )
    yaw = torch.atan2(-rotation[:, 2, 0], cosine)
    roll = torch.where(gimbal, torch.zeros_like(yaw), torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0]))
    return torch.rad2deg(torch.stack((pitch, yaw, roll), dim=1))
