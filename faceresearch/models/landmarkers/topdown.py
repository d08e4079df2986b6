"""mmpose's top-down models, tested at several scales. Importing this module imports mmpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import build_module


class MultiScaleTopdownEstimator(TopdownPoseEstimator):  # type: ignore[misc]
    """mmpose's TopdownPoseEstimator whose predictions are means over crops of several scales.

    Weights, training and export are those of the parent.

    Args:
        backbone, neck, head, train_cfg, test_cfg, data_preprocessor, init_cfg, metainfo: see the parent.
        test_aug: ``LandmarkMultiScale``.

    Raises:
        UserError: ``test_cfg`` asks for heatmaps, of which there is none that belongs to the mean.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        test_aug: Any,
        neck: dict[str, Any] | None = None,
        head: dict[str, Any] | None = None,
        train_cfg: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
        metainfo: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(backbone, neck, head, train_cfg, test_cfg, data_preprocessor, init_cfg, metainfo)
        if (test_cfg or {}).get('output_heatmaps', False):
            raise UserError('model.test_cfg.output_heatmaps: points of several scales have no heatmap; set it to false')
        self.test_aug: Any = build_module(test_aug)

    def predict(self, inputs: Tensor, data_samples: Sequence[Any]) -> Sequence[Any]:
        """Add ``pred_instances`` to each sample, as the parent does."""
        # Of these heads read the flip table and the size of what the network is shown.
        size = (self.test_aug.width, self.test_aug.height)
        facts = [type(sample)(metainfo={**sample.metainfo, 'input_size': size}) for sample in data_samples]

        def find(crops: Tensor) -> tuple[Tensor, Tensor]:
            features: Any = self.extract_feat(crops)
            if self.test_cfg.get('flip_test', False):
                features = [features, self.extract_feat(crops.flip(-1))]
            found = self.head.predict(features, facts, test_cfg=self.test_cfg)
            points = [torch.as_tensor(face.keypoints[0], dtype=torch.float64) for face in found]
            scores = [torch.as_tensor(face.keypoint_scores[0], dtype=torch.float64) for face in found]
            return torch.stack(points), torch.stack(scores)

        points, scores = self.test_aug.mean_points(inputs, find)
        instances = [
            InstanceData(keypoints=face[None].cpu().numpy(), keypoint_scores=certain[None].cpu().numpy())
            for face, certain in zip(points, scores)
        ]
        return self.add_pred_to_datasample(instances, None, data_samples)
