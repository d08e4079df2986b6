"""Which faces belong to the subsets of a landmark benchmark, by the files that list them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePath

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.coco import read_coco

#: Pixels by which the points of one face in two files may differ: they are rounded to float32.
_SAME = 0.05


class SubsetFiles:
    """Subsets of a test set, each in a COCO JSON file of its own, as mmpose distributes those of 300-W, WFLW and AFLW.

    A face is in a subset if its file has that image, with the same points on it: the numbers of faces differ from file to
    file. Files are read when the first face is asked for; those that are not there are named in one warning.

    Args:
        files: names of subsets, and their files.
        num_points: of a face.
    """

    def __init__(self, files: Mapping[str, str], num_points: int) -> None:
        self.files = dict(files)
        self.num_points = num_points
        self._listed: dict[str, dict[str, list[tuple[str, np.ndarray]]]] | None = None

    def of(self, path: str, points: np.ndarray) -> tuple[str, ...]:
        """Return the subsets of a face by its image's path and its points (K, 2) in pixels of the image."""
        if self._listed is None:
            self._listed = self._read()
        parts = PurePath(path).parts
        return tuple(
            subset
            for subset, faces in self._listed.items()
            if any(
                PurePath(name).parts == parts[-len(PurePath(name).parts) :] and np.abs(known - points).max() < _SAME
                for name, known in faces.get(PurePath(path).name, ())
            )
        )

    def _read(self) -> dict[str, dict[str, list[tuple[str, np.ndarray]]]]:
        absent = [name for name, file in self.files.items() if not Path(file).is_file()]
        if absent:
            print_log(
                f'no figures of the subsets {", ".join(absent)}: {self.files[absent[0]]} is missing',
                logger='current',
                level=logging.WARNING,
            )
        listed: dict[str, dict[str, list[tuple[str, np.ndarray]]]] = {}
        for subset in self.files.keys() - set(absent):
            faces: dict[str, list[tuple[str, np.ndarray]]] = defaultdict(list)
            images, problems = read_coco(self.files[subset], None, self.num_points)
            for image in images:
                faces[PurePath(image.name).name] += [(image.name, points) for points in image.keypoints]
            if summary := problems.summary():
                print_log(summary, logger='current', level=logging.WARNING)
            listed[subset] = dict(faces)
        return {subset: listed[subset] for subset in self.files if subset in listed}
