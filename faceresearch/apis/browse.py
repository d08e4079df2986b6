"""Look at what a data set gives: pictures with their annotations, before and after the transforms."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.structures import BaseDataElement, InstanceData

from faceresearch.errors import UserError
from faceresearch.transforms.crop_face import crop_matrix, warp_points, warped_box
from faceresearch.transforms.formatting import PackFaceInputs
from faceresearch.visualization import contact_sheet, write_image
from faceresearch.visualization.samples import draw_truth
from faceresearch.visualization.sheet import fit

Split = Literal['train', 'val', 'test']
Mode = Literal['original', 'transformed', 'compare']

_COLUMNS, _ROWS = 4, 3
_CELL = (400, 400)


class Recorder:
    """A pipeline that keeps the sample as it was read, before any transform that changes it, and as it was before packing.

    Args:
        transforms: the pipeline's steps.
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        self.transforms = list(transforms)
        self.original: dict[str, Any] | None = None
        self.unpacked: dict[str, Any] = {}

    def __call__(self, results: dict[str, Any]) -> Any:
        self.original, self.unpacked = None, {}
        for transform in self.transforms:
            if self.original is None and not type(transform).__name__.startswith('Load'):
                self.original = _snapshot(results)
            if type(transform).__name__.startswith('Pack'):
                self.unpacked = dict(results)
            results = transform(results)
            if results is None:
                return None
        return results


def browse_dataset(
    config: str | Path,
    overrides: Sequence[str] = (),
    output: str | Path = 'outputs/browse',
    split: Split = 'train',
    count: int = 12,
    mode: Mode = 'compare',
) -> list[Path]:
    """Draw samples of a data set with boxes, landmarks and ignored faces on contact sheets.

    Args:
        config: a config file, or the name of one in ``configs/``.
        overrides: changes to the config, ``KEY=VALUE``.
        output: folder for ``<split>_<mode>_000.jpg``, …
        split: whose data loader.
        count: samples, evenly spread over the data set.
        mode: as read, as the network gets it, or both side by side.

    Returns:
        The sheets.

    Raises:
        UserError: the config has no such data loader, or the data set cannot be used.
    """
    if count < 1:
        raise UserError(f'--count {count}: at least one sample is needed')
    dataset = build_dataset(config, overrides, split)
    indices = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))
    cells = [cell for index in indices for cell in _draw_sample(dataset, int(index), mode)]
    columns = _COLUMNS
    per_sheet = columns * _ROWS
    paths = []
    for number in range(math.ceil(len(cells) / per_sheet)):
        part = cells[number * per_sheet : (number + 1) * per_sheet]
        sheet = contact_sheet([image for image, _ in part], [title for _, title in part], columns, _CELL)
        path = Path(output) / f'{split}_{mode}_{number:03d}.jpg'
        write_image(path, sheet)
        paths.append(path)
    print(f'{len(indices)} of {len(dataset)} samples on {len(paths)} sheets in {output}', file=sys.stderr)
    return paths


def build_dataset(config: str | Path, overrides: Sequence[str], split: Split) -> Any:
    """Build the data set of one of a config's loaders.

    Raises:
        UserError: the config has no such loader, or the data set is empty or cannot be read.
    """
    from faceresearch.compat.scope import set_scope
    from faceresearch.config import load_config
    from faceresearch.registry import DATASETS

    cfg = load_config(config, overrides)
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        has = [name for name in ('train', 'val', 'test') if cfg.get(f'{name}_dataloader')]
        raise UserError(
            f'{cfg.filename}: has no {split}_dataloader; use --split {" or ".join(has) or "of another config"}'
        )
    set_scope(cfg)
    dataset = DATASETS.build(loader['dataset'])
    if len(dataset) == 0:
        raise UserError(f'{cfg.filename}: {split}_dataloader.dataset holds no samples')
    return dataset


def read_sample(dataset: Any, index: int) -> tuple[dict[str, Any] | None, Any]:
    """Return sample ``index`` as it was read (a dict of arrays), and as its pipeline gives it.

    The first is None where the data set was not read through a pipeline.
    """
    owner = dataset
    while not hasattr(owner, 'pipeline') and hasattr(owner, 'dataset'):
        owner = owner.dataset
    pipeline = getattr(owner, 'pipeline', None)
    if pipeline is None:
        return None, dataset[index]
    recorder = Recorder(getattr(pipeline, 'transforms', [pipeline]))
    owner.pipeline = recorder
    try:
        sample = dataset[index]
    finally:
        owner.pipeline = pipeline
    if 'input_center' in recorder.unpacked:
        sample['data_samples'].gt_instances = _in_crop(recorder.unpacked)
    return recorder.original, sample


def _in_crop(results: dict[str, Any]) -> InstanceData:
    """Return the face of a sample that mmpose cropped, in pixels of the crop: mmpose packs it in those of the image."""
    width, height = results['input_size']
    angle = float(np.ravel(results.get('bbox_rotation', 0.0))[0])
    matrix = crop_matrix(results['input_center'], float(results['input_scale'][0]), width, angle)
    matrix[1, 2] += (height - width) / 2
    face = InstanceData(bboxes=warped_box(np.asarray(results['bbox'][0], np.float64), matrix)[None])
    if results.get('keypoints') is not None:
        face.keypoints = warp_points(np.asarray(results['keypoints'], np.float64)[..., :2], matrix)
        visible = np.asarray(results.get('keypoints_visible', np.ones(face.keypoints.shape[:2])))
        face.keypoints_visible = visible.reshape(*face.keypoints.shape[:2], -1)[..., 0] > 0
    return face


def _draw_sample(dataset: Any, index: int, mode: Mode) -> list[tuple[np.ndarray, str]]:
    """Return one or two pictures with their titles."""
    original, packed = read_sample(dataset, index)
    cells = []
    if mode in ('original', 'compare'):
        if original is None:
            raise UserError(
                f'{type(dataset).__name__}: has no pipeline, so the original is not known; use --mode transformed'
            )
        if 'keypoints' in original and 'gt_keypoints' not in original:
            # Landmark samples have their face in mmpose's names until they are cropped.
            names = {'bbox': 'gt_bboxes', 'keypoints': 'gt_keypoints', 'keypoints_visible': 'gt_keypoints_visible'}
            original.update({ours: original[theirs] for theirs, ours in names.items() if theirs in original})
        cells.append(_cell(PackFaceInputs()(original), f'{index}'))
    if mode in ('transformed', 'compare'):
        cells.append(_cell(packed, f'{index} transformed'))
    return cells


def _cell(packed: dict[str, Any], title: str) -> tuple[np.ndarray, str]:
    sample: BaseDataElement = packed['data_samples']
    pixels = packed['inputs'].cpu().numpy().transpose(1, 2, 0)
    image = np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))
    # Scaled first and drawn on then: lines and text keep their width.
    picture, scale = fit(image, _CELL)
    faces = len(sample.gt_instances) if 'gt_instances' in sample else 0
    ignored = len(sample.ignored_instances) if 'ignored_instances' in sample else 0
    name = Path(str(sample.metainfo.get('img_path') or sample.metainfo.get('img_id', ''))).name
    counts = f'{faces} faces' + (f' +{ignored} ignored' if ignored else '')
    broken = ' BROKEN' if sample.metainfo.get('img_broken') else ''
    height, width = image.shape[:2]
    return draw_truth(picture, sample, scale), f'{title}: {counts}, {width}x{height}{broken} {name}'


def _snapshot(results: dict[str, Any]) -> dict[str, Any]:
    # Not the generator, and not the way to the rest of the data set.
    return {key: copy.deepcopy(value) for key, value in results.items() if key not in ('rng', 'raw_sample')}
