"""Test pipelines of mmdet and mmpose on a user's own pictures.

Their pipelines expect what their data sets provide: an image on disk, and for top-down landmarks a box. mmdet's and
mmpose's own inference functions fill in the same things, each in its own way. No upstream issue: needed as long as
these models are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from faceresearch.registry import TRANSFORMS

Results = dict[str, Any]
Transform = Callable[[Results], Results | None]


def build_for_inference(
    steps: Sequence[Mapping[str, Any]], metainfo: Mapping[str, Any] | None = None
) -> list[Transform]:
    """Build the steps of a test pipeline for images that come from no data set; annotations are not loaded.

    Args:
        steps: configs of the steps.
        metainfo: of the config's data set; top-down models take ``flip_indices`` from it.

    Returns:
        The transforms. Loading also takes an image that is already in ``results['img']``, and a face that has no
        ``results['bbox']`` fills the whole image.
    """
    transforms: list[Transform] = []
    for step in steps:
        name = str(step['type']).rpartition('.')[2]
        if name == 'LoadAnnotations':
            continue
        if name == 'GetBBoxCenterScale':
            transforms.append(_WholeImage(list((metainfo or {}).get('flip_indices', ()))))
        transform = TRANSFORMS.build(dict(step))
        transforms.append(_FileOrArray(transform) if name == 'LoadImageFromFile' else transform)
    return transforms


def test_metainfo(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the config says about its test set's points: ``flip_indices``, …; nothing if it is silent.

    A data set that knows its points by itself is not built for this: ``contract.landmark_scheme`` names them.
    """
    stated = test_dataset(cfg).get('metainfo') or {}
    scheme = (cfg.get('contract') or {}).get('landmark_scheme')
    if scheme and 'flip_indices' not in stated:
        from faceresearch.datasets.landmark_metainfo import landmark_scheme

        return {**stated, 'flip_indices': list(landmark_scheme(scheme).flip_indices)}
    return stated


def test_dataset(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of the test set, or of the validation set, without its wrappers; empty if there is none."""
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


class _FileOrArray:
    """Load an image, unless it is there already."""

    def __init__(self, load: Transform) -> None:
        self.load = load

    def __call__(self, results: Results) -> Results | None:
        if results.get('img') is None:
            return self.load(results)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results


class _WholeImage:
    """Take the whole image as the face where no box is given."""

    def __init__(self, flip_indices: list[int]) -> None:
        self.flip_indices = flip_indices

    def __call__(self, results: Results) -> Results:
        height, width = results['img'].shape[:2]
        results.setdefault('bbox', np.array([[0, 0, width, height]], dtype=np.float32))
        results.setdefault('bbox_score', np.ones(1, dtype=np.float32))
        if self.flip_indices:
            results.setdefault('flip_indices', self.flip_indices)
        return results
