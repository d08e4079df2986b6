"""Parsers: a network that gives every pixel of an image a class."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel, with_argument
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceDataSample

_OUTPUTS = ('main', 'all')
_RESIZE = ('logits', 'labels')


@MODELS.register_module()
class FaceParser(FaceModel):
    """Backbone, neck and head of face parsing.

    A neck or head that states no ``in_channels`` gets those of the part before it, so another backbone is one line. A
    head has ``tensor(features, size, outputs)``, ``logits_of`` what that gives, ``output_names(outputs)`` and
    ``loss(features, labels)``; one with a single logit tells a face from everything else by its sign.

    Args:
        backbone: network with ``out_channels``.
        head: from features to logits.
        neck: between the two, with ``out_channels``, or None.
        data_preprocessor: normalisation and padding.
        outputs: what ``tensor`` mode gives: the ``main`` logits, which a file for deployment holds, or ``all`` with the
            auxiliary ones, which only training uses.
        resize: what is brought to the size of the original image: the ``logits``, by interpolation, before the best class
            is taken, or its ``labels``, by the nearest pixel, as the published parsers do.
        test_aug: how to look at an image several times in prediction, ``ParsingMultiScaleFlip``; None looks once.
        init_cfg: mmengine weight initialisation.

    Raises:
        UserError: an unknown option.
    """

    backbone: Any
    neck: Any
    head: Any

    def __init__(
        self,
        backbone: nn.Module | dict[str, Any],
        head: nn.Module | dict[str, Any],
        neck: nn.Module | dict[str, Any] | None = None,
        data_preprocessor: nn.Module | dict[str, Any] | None = None,
        outputs: Literal['main', 'all'] = 'main',
        resize: Literal['logits', 'labels'] = 'logits',
        test_aug: Any = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        for name, value, known in (('outputs', outputs, _OUTPUTS), ('resize', resize, _RESIZE)):
            if value not in known:
                raise UserError(f'model.{name} is {value!r}: use {" or ".join(known)}')
        super().__init__(data_preprocessor, init_cfg)
        self.outputs = outputs
        self.resize = resize
        self.backbone = build_module(backbone)
        channels = self.backbone.out_channels
        self.neck = None
        if neck is not None:
            self.neck = build_module(with_argument(neck, 'in_channels', channels))
            channels = self.neck.out_channels
        self.head = build_module(with_argument(head, 'in_channels', channels))
        self.test_aug: Any = build_module(test_aug) if test_aug is not None else None

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``tensor`` returns."""
        return self.head.output_names(self.outputs)

    def extract(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W), normalised, to the head's features."""
        features = self.backbone(inputs)
        return self.neck(features) if self.neck is not None else features

    def logits(self, inputs: Tensor) -> Tensor:
        """Map images (N, 3, H, W), normalised, to logits (N, num_classes, H, W)."""
        return self.head.logits_of(self.raw_outputs(inputs))

    def loss(self, inputs: Tensor, data_samples: list[FaceDataSample]) -> dict[str, Tensor]:
        """Return the losses of a batch; each sample has ``gt_sem_seg`` of its image's size, 255 where it does not count.

        Raises:
            UserError: a sample has no mask.
        """
        labels = stacked_masks(data_samples, inputs)
        return self.head.loss(self.extract(inputs), labels)

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the logits (N, num_classes, H, W), a flat tuple: the graph that is exported."""
        return self.head.tensor(self.extract(inputs), (inputs.shape[-2], inputs.shape[-1]), self.outputs)

    def predict(self, inputs: Tensor, data_samples: list[FaceDataSample]) -> list[FaceDataSample]:
        """Add ``pred_sem_seg`` to each sample: ``sem_seg`` (1, H, W) uint8 class ids at the original image's size.

        A head of one class adds ``prob`` (1, H, W) float32, its probability. Images of one size go through the network
        together, without the padding that other sizes in the batch made necessary.
        """
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, sample in enumerate(data_samples):
            height, width = sample.metainfo.get('img_shape', inputs.shape[-2:])[:2]
            groups[int(height), int(width)].append(i)
        for (height, width), members in groups.items():
            images = inputs[members, :, :height, :width]
            logits = self.logits(images) if self.test_aug is None else self.test_aug.logits(self, images)
            for i, row in zip(members, logits, strict=True):
                data_samples[i].pred_sem_seg = self._decoded(row, data_samples[i])
        return data_samples

    def _decoded(self, logits: Tensor, sample: FaceDataSample) -> PixelData:
        """Turn the logits (C, h, w) of an image into classes at its original size."""
        logits = without_padding(logits, sample.metainfo)
        size = tuple(int(n) for n in sample.metainfo.get('ori_shape', logits.shape[-2:])[:2])
        binary = len(logits) == 1
        if size != tuple(logits.shape[-2:]) and (binary or self.resize == 'logits'):
            logits = F.interpolate(logits[None].float(), size=size, mode='bilinear', align_corners=False)[0]
        labels = (logits > 0) if binary else logits.argmax(0, keepdim=True)
        labels = labels.to(torch.uint8)
        if size != tuple(labels.shape[-2:]):
            labels = F.interpolate(labels[None], size=size, mode='nearest')[0]
        found = PixelData(sem_seg=labels)
        if binary:
            found.prob = logits.float().sigmoid()
        return found


def without_padding(values: Tensor, metainfo: dict[str, Any]) -> Tensor:
    """Return the part of a map (C, h, w) of the network's size that is image, where the pipeline padded it."""
    if 'ori_shape' not in metainfo:
        return values
    left, top = (round(n) for n in metainfo.get('pad_offset', (0.0, 0.0)))
    factor = metainfo.get('scale_factor', (1.0, 1.0))
    height, width = (max(1, round(n * f)) for n, f in zip(metainfo['ori_shape'][:2], (factor[1], factor[0])))
    return values[:, top : top + height, left : left + width]


def stacked_masks(samples: list[FaceDataSample], inputs: Tensor) -> Tensor:
    """Return the masks of a batch as (N, H, W) int64, 255 where the batch's padding is.

    Raises:
        UserError: a sample has no mask, or one of another size than its image.
    """
    height, width = inputs.shape[-2:]
    masks = torch.full((len(samples), height, width), 255, dtype=torch.int64, device=inputs.device)
    for mask, sample in zip(masks, samples, strict=True):
        name = sample.get('img_path', 'an image')
        if 'gt_sem_seg' not in sample:
            raise UserError(f'{name}: has no gt_sem_seg to train on')
        labels = sample.gt_sem_seg.sem_seg[0]
        h, w = sample.metainfo.get('img_shape', labels.shape)[:2]
        if tuple(labels.shape) != (h, w) or h > height or w > width:
            raise UserError(
                f'{name}: its mask is {tuple(labels.shape)}, the image {h} x {w}: the transforms must change both'
            )
        mask[:h, :w] = labels
    return masks
