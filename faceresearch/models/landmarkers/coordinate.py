"""Landmark models that regress coordinates of one face in a crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from faceresearch.datasets.landmark_metainfo import landmark_scheme
from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel, with_argument
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceDataSample, instance_data
from faceresearch.transforms.crop_face import invert_affine


@MODELS.register_module()
class CoordinateLandmarker(FaceModel):
    """Backbone and coordinate head on crops of faces.

    A head that states no ``in_channels`` and ``num_points`` gets those of the backbone and the scheme.

    Args:
        backbone: network with ``out_channels`` that gives a tuple of feature maps.
        head: coordinate head.
        scheme: name of the landmark scheme (``300w68``, ``wflw98``, ``lapa106``, …), or the arguments of one's own.
        data_preprocessor: colour order and normalisation.
        flip_test: average with what the mirrored crop gives.
        test_aug: how to look at a face several times in prediction, ``LandmarkMultiScale``; None looks once.
        init_cfg: mmengine weight initialisation.
    """

    backbone: Any
    head: Any
    output_names = ('landmarks',)

    def __init__(
        self,
        backbone: nn.Module | dict[str, Any],
        head: nn.Module | dict[str, Any],
        scheme: str | Mapping[str, Any],
        data_preprocessor: nn.Module | dict[str, Any] | None = None,
        flip_test: bool = False,
        test_aug: Any = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.scheme = landmark_scheme(scheme)
        self.flip_test = flip_test
        self.test_aug: Any = build_module(test_aug) if test_aug is not None else None
        self.backbone = build_module(backbone)
        head = with_argument(head, 'in_channels', self.backbone.out_channels)
        self.head = build_module(with_argument(head, 'num_points', self.scheme.num_points))
        if self.head.num_points != self.scheme.num_points:
            raise UserError(
                f'model.head.num_points is {self.head.num_points}, scheme {self.scheme.name} has'
                f' {self.scheme.num_points}; leave num_points out'
            )

    def loss(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> dict[str, Tensor]:
        """Return the losses of a batch of crops (N, 3, H, W)."""
        height, width = inputs.shape[-2:]
        return self.head.loss(self.backbone(inputs), data_samples, (height, width))

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the coordinates (N, 2 K), as the codec encodes them: the graph that is exported."""
        return (self.head(self.backbone(inputs)),)

    def predict(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> Sequence[FaceDataSample]:
        """Add ``pred_instances`` to each sample: the one face's points, and the box they were looked for in.

        ``keypoints`` (1, K, 2) and ``bboxes`` (1, 4) are in pixels of the original image where the sample knows its
        ``warp_matrix``, else of the crop. Coordinates have no score of their own: ``keypoint_scores`` (1, K) are 1, and
        so are ``scores`` (1,).
        """
        size = (inputs.shape[-2], inputs.shape[-1])
        points, _ = self._find(inputs) if self.test_aug is None else self.test_aug.mean_points(inputs, self._find)
        for sample, face in zip(data_samples, points.double().cpu().numpy(), strict=True):
            sample.pred_instances = self._instances(sample, face, size, inputs.device)
        return data_samples

    def _find(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return the points (N, K, 2) in pixels of crops (N, 3, H, W), and what stands for scores (N, K)."""
        points = self.points(crops)
        return points, torch.ones_like(points[..., 0])

    def add_points(self, sample: FaceDataSample, found: Mapping[str, Tensor], size: tuple[int, int]) -> None:
        """Add ``pred_instances`` from ``keypoints`` (1, K, 2) in pixels of a crop of ``size`` (h, w)."""
        face = found['keypoints'][0].double().cpu().numpy()
        sample.pred_instances = self._instances(sample, face, size, found['keypoints'].device)

    def points(self, inputs: Tensor) -> Tensor:
        """Return the points (N, K, 2), in pixels of the crops (N, 3, H, W), each looked at once, or with ``flip_test`` twice."""
        height, width = inputs.shape[-2:]
        points = self.head.codec.decode(self.raw_outputs(inputs)[0], (height, width))
        if not self.flip_test:
            return points
        mirrored = self.head.codec.decode(self.raw_outputs(inputs.flip(3))[0], (height, width))
        mirrored = mirrored[:, list(self.scheme.flip_indices)]
        mirrored = torch.stack([width - 1 - mirrored[..., 0], mirrored[..., 1]], -1)
        return (points + mirrored) / 2

    def _instances(
        self, sample: FaceDataSample, face: np.ndarray, size: tuple[int, int], device: torch.device
    ) -> InstanceData:
        matrix = sample.get('warp_matrix')
        if matrix is not None:
            inverse = invert_affine(matrix)
            face = face @ inverse[:, :2].T + inverse[:, 2]
        box = np.asarray(sample.get('bbox', [0, 0, size[1], size[0]]), np.float64).reshape(-1)[:4]
        return instance_data(
            bboxes=torch.from_numpy(box[None].astype(np.float32)).to(device),
            scores=torch.ones(1, device=device),
            keypoints=torch.from_numpy(face[None].astype(np.float32)).to(device),
            keypoint_scores=torch.ones(1, len(face), device=device),
        )
