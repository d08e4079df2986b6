"""Detectors made of a backbone, a neck and one dense head."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from torch import Tensor, nn

from faceresearch.models.base import FaceModel, with_argument
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class SingleStageDetector(FaceModel):
    """Backbone, neck and dense head.

    A neck or head that states no ``in_channels`` gets those of the part before it, so another backbone is one line.
    A head has ``loss`` and ``tensor``, which take the neck's features, and ``decode``, which takes what ``tensor`` gives.

    Args:
        backbone: network with ``out_channels``.
        neck: feature pyramid with ``out_channels``, or None.
        head: dense head.
        data_preprocessor: normalisation and padding.
        test_aug: how to look at an image several times in prediction, ``MultiScaleFlip``; None looks once.
        init_cfg: mmengine weight initialisation.
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
        test_aug: Any = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
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
        return self.head.output_names

    def extract(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W), normalised, to the head's features."""
        features = self.backbone(inputs)
        return self.neck(features) if self.neck is not None else features

    def loss(self, inputs: Tensor, data_samples: list[FaceDataSample]) -> dict[str, Tensor]:
        """Return the losses of a batch (N, 3, H, W)."""
        height, width = inputs.shape[-2:]
        return self.head.loss(self.extract(inputs), data_samples, (height, width))

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the raw outputs, a flat tuple: the graph that is exported."""
        return self.head.tensor(self.extract(inputs))

    def predict(self, inputs: Tensor, data_samples: list[FaceDataSample]) -> list[FaceDataSample]:
        """Add ``pred_instances`` to each sample.

        Images of one size go through the network together, without the padding that other sizes in the batch made
        necessary: what is found in an image does not depend on the images beside it.
        """
        if self.test_aug is not None:
            return self.test_aug.predict(self, inputs, data_samples)
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        divisor = getattr(self.data_preprocessor, 'pad_size_divisor', 1)
        for i, sample in enumerate(data_samples):
            height, width = sample.metainfo.get('img_shape', inputs.shape[-2:])[:2]
            groups[-(-height // divisor) * divisor, -(-width // divisor) * divisor].append(i)
        for (height, width), members in groups.items():
            self.detect(inputs[members, :, :height, :width], [data_samples[i] for i in members])
        return data_samples

    def detect(self, images: Tensor, samples: list[FaceDataSample]) -> list[FaceDataSample]:
        """Add ``pred_instances`` to the samples of images (N, 3, h, w) that have one size and no padding."""
        height, width = images.shape[-2:]
        return self.head.decode(self.raw_outputs(images), samples, (height, width))
