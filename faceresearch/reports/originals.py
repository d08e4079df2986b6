"""The original images of a data set's samples, by the names that evaluations call them."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceresearch.datasets.base import BrokenImageError


class OriginalImages:
    """Finds a sample's image as it is before any transform: a file, an entry of an archive, or a rendered scene.

    Args:
        dataset: of this project, of mmdet or mmpose, or several joined.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._place: dict[str, int] | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an image (H, W, 3) uint8 BGR.

        Raises:
            KeyError: the data set has no image of that name.
            BrokenImageError: it cannot be read.
        """
        if self._place is None:
            self._place = self._names()
        from faceresearch.transforms.loading import LoadImage

        info = _raw(self.dataset, self._place[name])
        if 'img' not in info and 'img_bytes' not in info and not info.get('img_path'):
            raise BrokenImageError(f'{name}: the data set has no file for it')
        return LoadImage().transform(info)['img']

    def _names(self) -> dict[str, int]:
        from faceresearch.evaluation.wider_face import sample_name

        place: dict[str, int] = {}
        for index in range(len(self.dataset)):
            info = _info(self.dataset, index)
            names = [str(info['img_id'])] if 'img_id' in info else []
            if 'img_id' in info or 'img_path' in info:
                names.append(sample_name(info))
            if 'id' in info:  # mmpose numbers the faces of all images
                names.append(f'{names[-1]}#{info["id"]}')
            for name in names:
                place.setdefault(name, index)
        return place


def _info(dataset: Any, index: int) -> dict[str, Any]:
    """Return what is known of a sample without loading it."""
    if hasattr(dataset, 'datasets') and hasattr(dataset, '_get_ori_dataset_idx'):  # mmengine's ConcatDataset
        part, place = dataset._get_ori_dataset_idx(index)
        return _info(dataset.datasets[part], place)
    return dataset.get_data_info(index)


def _raw(dataset: Any, index: int) -> dict[str, Any]:
    """Return a sample before any transform; of a rendered set it has its image."""
    if hasattr(dataset, 'datasets') and hasattr(dataset, '_get_ori_dataset_idx'):
        part, place = dataset._get_ori_dataset_idx(index)
        return _raw(dataset.datasets[part], place)
    return dataset.raw_sample(index, 0) if hasattr(dataset, 'raw_sample') else dict(dataset.get_data_info(index))
