"""Gaze data sets in their official text forms and in those of GazeHub. Angles are in degrees, yaw first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from faceresearch.datasets.attribute_base import AttributeDataset, read_lines
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


class GazeDataset(AttributeDataset):
    """Samples with the labels ``yaw`` and ``pitch``, within ``max_angle`` of straight ahead."""

    max_angle: float

    def gaze_sample(
        self, name: str, angles: tuple[float, float], line: int, file: str, problems: Problems
    ) -> list[dict[str, Any]]:
        """Return the sample of an image, or none where an angle is no number or beyond ``max_angle``."""
        yaw, pitch = angles
        if not (math.isfinite(yaw) and math.isfinite(pitch)):
            problems.add('angles are no numbers', line, name, file=file)
            return []
        if max(abs(yaw), abs(pitch)) > self.max_angle:
            return []
        labels = {'yaw': float(yaw), 'pitch': float(pitch)}
        return [{'name': name, 'line': line, 'gt_attributes': labels}]


def _two_angles(text: str) -> tuple[float, float]:
    """Return yaw and pitch in degrees of ``yaw,pitch`` in radians."""
    parts = text.split(',')
    if len(parts) != 2:
        raise ValueError(text)
    return math.degrees(float(parts[0])), math.degrees(float(parts[1]))


@DATASETS.register_module()
class Gaze360Dataset(GazeDataset):
    """Gaze360 (Kellnhofer et al., ICCV 2019), as GazeHub prepares it or in its own lists.

    GazeHub: ``Label/train.label`` has a heading, then a face a line with blanks between: column 1 is the image below
    ``Image``, column 6 ``yaw,pitch`` in radians. Official lists (``train.txt``): ``path x y z``, a direction in the
    camera's coordinates, to a line.

    Args:
        data_root: folder of the data set.
        ann_file: list, relative to ``data_root``; the ending ``.txt`` tells the official form.
        image_dir: folder of the images, relative to ``data_root``; ``imgs`` in the official form.
        max_angle: faces whose yaw or pitch is larger are left out: 180 keeps all, 90 the front half (the published
            figures), 20 the front faces.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'Gaze360'
    source = 'gaze360.csail.mit.edu'

    def __init__(
        self,
        data_root: str = 'data/gaze360',
        ann_file: str = 'Label/train.label',
        image_dir: str = 'Image',
        max_angle: float = 180.0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.image_dir = image_dir
        self.max_angle = max_angle
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the list."""
        path = Path(self.ann_file)
        official = path.suffix == '.txt'
        samples = []
        for number, line in enumerate(read_lines(path), 1):
            columns = line.split()
            if not columns or (number == 1 and not official):
                continue
            try:
                if official:
                    x, y, z = (float(value) for value in columns[1:4])
                    angles = direction_to_angles(x, y, z)
                else:
                    angles = _two_angles(columns[5])
            except (ValueError, IndexError):
                problems.add('not a line of this list', number, line[:60])
                continue
            samples += self.gaze_sample(f'{self.image_dir}/{columns[0]}', angles, number, path.name, problems)
        return samples


def direction_to_angles(x: float, y: float, z: float) -> tuple[float, float]:
    """Return yaw and pitch in degrees of a direction as the official lists state it: atan2(x, −z) and asin(y)."""
    return math.degrees(math.atan2(x, -z)), math.degrees(math.atan2(y, math.hypot(x, z)))


@DATASETS.register_module()
class MPIIFaceGazeDataset(GazeDataset):
    """MPIIFaceGaze (Zhang et al., CVPRW 2017), as GazeHub prepares it: a list for each of 15 people.

    ``Label/p00.label`` has a heading, then a face a line with blanks between: column 1 is the image below ``Image``,
    column 8 ``yaw,pitch`` in radians.

    Args:
        data_root: folder of the data set.
        ann_files: lists, relative to ``data_root``: those of all people but one to train, that of the one to test.
        ann_file: not used; for configs that inherit.
        image_dir: folder of the images, relative to ``data_root``.
        max_angle: faces whose yaw or pitch is larger are left out.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'MPIIFaceGaze'
    source = 'phi-ai.buaa.edu.cn/Gazehub'

    def __init__(
        self,
        data_root: str = 'data/mpiifacegaze',
        ann_files: Sequence[str] = ('Label/p00.label',),
        ann_file: str = '',
        image_dir: str = 'Image',
        max_angle: float = 42.0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.ann_files = tuple(ann_files)
        self.image_dir = image_dir
        self.max_angle = max_angle
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the lists."""
        samples: list[dict[str, Any]] = []
        for name in self.ann_files:
            path = self.resolve(name)
            if not path.is_file():
                raise UserError(f'{path}: not there; it is to list the faces of one person of {self.title}')
            for number, line in enumerate(read_lines(path)[1:], 2):
                columns = line.split()
                if not columns:
                    continue
                try:
                    angles = _two_angles(columns[7])
                except (ValueError, IndexError):
                    problems.add('not a line of this list', number, line[:60], file=name)
                    continue
                found = self.gaze_sample(f'{self.image_dir}/{columns[0]}', angles, number, name, problems)
                samples += [{**sample, 'group': path.stem} for sample in found]
        return samples
