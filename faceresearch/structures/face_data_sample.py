"""What is known and what is predicted about one image."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, InstanceData, LabelData, PixelData
from torch import Tensor


class FaceDataSample(BaseDataElement):
    """Ground truth and predictions of one image; boxes and points are in pixels of the original image once predicted.

    ``gt_instances``, ``ignored_instances`` and ``pred_instances`` hold ``bboxes`` (N, 4) xyxy, ``labels`` (N,),
    ``keypoints`` (N, K, 2), and ``scores`` (N,) in predictions or ``keypoints_visible`` (N, K) in ground truth.
    Metainfo: ``img_path``, ``img_id``, ``ori_shape`` (h, w), ``img_shape`` (h, w) of the network input before batch
    padding, ``scale_factor`` (w, h) from original to network input, ``img_broken`` for an image that could not be read.
    The fields have the names mmdet and mmpose use, so that metrics work on the samples of all three.
    """

    gt_instances: InstanceData
    ignored_instances: InstanceData
    pred_instances: InstanceData
    gt_identity: LabelData
    pred_embedding: Tensor
    gt_sem_seg: PixelData
    pred_sem_seg: PixelData
    gt_attributes: BaseDataElement
    pred_attributes: BaseDataElement
