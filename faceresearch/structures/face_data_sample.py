"""What is known and what is predicted about one image."""

from __future__ import annotations

from typing import Any

from mmengine.structures import BaseDataElement, InstanceData, LabelData, PixelData
from torch import Tensor


def instance_data(**fields: Any) -> InstanceData:
    """Return instances of which every field has one row each.

    That is not checked: the checks of ``InstanceData`` take longer than decoding a face does.

    Args:
        **fields: tensors or arrays (N, …) by name.
    """
    made = InstanceData()
    made._data_fields.update(fields)
    made.__dict__.update(fields)
    return made


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

    def set_metainfo(self, metainfo: dict[str, Any]) -> None:
        """Set or change metainfo. The values are kept as they are: mmengine's deep copy costs more than decoding a face.

        Raises:
            AttributeError: a name is one of the data fields.
        """
        for name, value in metainfo.items():
            if name in self._data_fields:
                raise AttributeError(f'{name} is a data field already, and cannot be metainfo too')
            self._metainfo_fields.add(name)
            object.__setattr__(self, name, value)
