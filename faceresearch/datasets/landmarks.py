"""Data sets of faces with landmarks: one face a sample, in the form that mmpose's transforms and ours take."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.landmark_conversions import convert_points
from faceresearch.datasets.landmark_metainfo import LandmarkScheme, landmark_scheme
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.datasets.parsers.images import stem_of
from faceresearch.datasets.parsers.landmarks import FacePoints
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

Box = Literal['given', 'points']


class LandmarkDataset(FaceDataset):
    """Base of landmark data sets: subclasses implement :meth:`read`.

    A sample has ``img_path``, ``bbox`` (1, 4) float32 xyxy, ``bbox_score`` (1,), ``keypoints`` (1, K, 2) float32 in pixels of
    the image, ``keypoints_visible`` (1, K) float32, ``id``, ``img_id`` (the image's name without suffix, and ``#n`` for the
    n-th of several faces), ``subsets`` and, for AFLW, ``box_size``; and what mmpose's transforms ask of a data set:
    ``flip_indices``, ``dataset_name`` and so on.

    Faces with another number of points, points or boxes that are not finite, boxes without width or height or outside
    their image, and faces whose image is missing are skipped; one line in the log says how many, and gives the first
    three by file and line.

    Args:
        data_root: folder that the others start from.
        ann_file: annotation file.
        img_dir: image folder.
        scheme: landmark scheme of the file, by name, or the arguments of one's own.
        convert_to: scheme that samples have; None: the file's.
        box: ``given``, the file's box where it has one, or ``points``, the upright box around all annotated points.
        box_scale: factor on the width and height of boxes around points, about their centre.
        groups: regular expression whose first group names, in ``img_id``, what must not be split: a person.
        share: use the groups from this fraction of their sorted names to that one; (0, 0.5) and (0.5, 1) share none.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N faces, or only these.
        metainfo: further facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: the data are not there or an argument has no meaning.
    """

    #: What the data are called in errors.
    title = 'landmarks'

    def __init__(
        self,
        data_root: str | None = 'data/landmarks',
        ann_file: str = 'annotations',
        img_dir: str = '',
        scheme: str | Mapping[str, Any] = '300w68',
        convert_to: str | None = None,
        box: Box = 'given',
        box_scale: float = 1.0,
        groups: str | None = None,
        share: tuple[float, float] = (0.0, 1.0),
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if box not in ('given', 'points') or box_scale <= 0 or not 0 <= share[0] < share[1] <= 1:
            raise UserError(
                f"{type(self).__name__}: box={box!r}, box_scale={box_scale}, share={tuple(share)}: use 'given' or 'points',"
                ' a factor above 0, and a part of 0…1'
            )
        self.file_scheme = landmark_scheme(scheme)
        self.scheme: LandmarkScheme = self.file_scheme if convert_to is None else landmark_scheme(convert_to)
        self.box, self.box_scale = box, box_scale
        self.groups, self.share = groups, (share[0], share[1])
        # Plain values: the facts about the data are stored in checkpoints.
        stated = convert_to or (scheme if isinstance(scheme, str) else dict(scheme))
        self.sample_info = self.scheme.sample_info()
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            data_prefix={'img_path': img_dir},
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )
        # Not handed to mmengine, which takes every string for the name of a file.
        self._metainfo.update(scheme_facts(stated, self.scheme))

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the annotations; names are relative to the image folder."""
        raise NotImplementedError

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return 'set data_root, ann_file and img_dir'

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return a face, with what mmpose's transforms ask of its data set."""
        return {**super().get_data_info(idx), **self.sample_info}

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations, drop what cannot be used, and find the images.

        Raises:
            UserError: see the class.
        """
        folder = Path(self.data_prefix['img_path'])
        faces, problems = self.read()
        listed = len(faces)
        faces = self._of_groups([face for face in faces if self._is_usable(face, folder, problems)])
        if summary := problems.summary():
            print_log(summary, logger='current', level=logging.WARNING)
        if not faces:
            raise UserError(f'{self.title}: none of {listed} faces in {problems.file} can be used; {self.remedy()}')
        print_log(f'{self.title}: {len(faces)} faces of {problems.file}', logger='current')
        several = Counter(face.name for face in faces)
        seen: Counter[str] = Counter()
        samples = []
        for number, face in enumerate(faces):
            seen[face.name] += 1
            suffix = f'#{seen[face.name]}' if several[face.name] > 1 else ''
            samples.append(self._sample(face, folder, number, suffix))
        return samples

    def _is_usable(self, face: FacePoints, folder: Path, problems: Problems) -> bool:
        """Tell whether a face can be used, and count what is wrong with it otherwise."""
        count = self.file_scheme.num_points
        if face.points.shape != (count, 2):
            kind, detail = 'wrong number of points', f'{len(face.points)}, {self.file_scheme.name} has {count}'
        elif not np.isfinite(face.points[_shown(face)]).all():
            kind, detail = 'points not finite', face.name
        elif _shown(face).sum() < 2:
            kind, detail = 'no points annotated', face.name
        elif problem := _box_problem(self._box(face), face.size):
            kind, detail = problem, face.name
        elif not face.image and not (folder / face.name).is_file():
            kind, detail = 'image missing', face.name
        else:
            return True
        problems.add(kind, face.line, detail, file=face.file)
        return False

    def _box(self, face: FacePoints) -> np.ndarray:
        if self.box == 'given' and face.box is not None:
            return face.box
        shown = face.points[_shown(face)]
        low, high = shown.min(0), shown.max(0)
        centre, half = (low + high) / 2, (high - low) / 2 * self.box_scale
        return np.concatenate([centre - half, centre + half])

    def _of_groups(self, faces: list[FacePoints]) -> list[FacePoints]:
        if self.groups is None:
            return faces
        found = {face.name: re.match(self.groups, stem_of(face.name)) for face in faces}
        odd = next((name for name, match in found.items() if match is None or not match.groups()), None)
        if odd is not None:
            raise UserError(
                f'{type(self).__name__}: groups={self.groups!r} does not match {stem_of(odd)!r} with a group'
            )
        names = sorted({str(match.group(1)) for match in found.values() if match})
        first, last = (round(part * len(names)) for part in self.share)
        chosen = set(names[first:last])
        return [face for face in faces if (match := found[face.name]) and str(match.group(1)) in chosen]

    def _sample(self, face: FacePoints, folder: Path, number: int, suffix: str) -> dict[str, Any]:
        points = np.where(_shown(face)[:, None], face.points, 0.0)
        visible = _shown(face).astype(np.float32)
        if self.scheme is not self.file_scheme:
            points, visible = convert_points(points, visible, self.file_scheme.name, self.scheme.name)
        sample: dict[str, Any] = {
            'img_path': str(folder / face.name),
            'img_id': stem_of(face.name) + suffix,
            'id': number,
            'bbox': self._box(face)[None].astype(np.float32),
            'bbox_score': np.ones(1, np.float32),
            'keypoints': points[None].astype(np.float32),
            'keypoints_visible': visible[None],
            'subsets': list(face.subsets),
            **face.image,
        }
        if face.box_size is not None:
            sample['box_size'] = float(face.box_size)
        return sample


def scheme_facts(stated: Any, scheme: LandmarkScheme) -> dict[str, Any]:
    """Return what a data set's ``metainfo`` says of its landmark scheme, in plain values, as it was ``stated``."""
    return {'scheme': stated, 'dataset_name': scheme.dataset_name, 'flip_indices': list(scheme.flip_indices)}


@DATASETS.register_module()
class JoinedLandmarks(FaceDataset):
    """Several landmark data sets of one scheme, one after the other, under one pipeline.

    Args:
        datasets: configs of data sets whose samples are faces with landmarks; they need no pipeline of their own.
        repeat: how often each is in it; None: once each.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`, as for the following.
        seed: the first part of every sample's seed.
        indices: use only the first N faces, or only these.
        metainfo: facts about the data set.
        lazy_init: must be False: the parts are read here.

    Raises:
        UserError: there is no data set, the numbers of repeats do not fit, or the schemes differ.
    """

    def __init__(
        self,
        datasets: Sequence[dict[str, Any] | FaceDataset],
        repeat: Sequence[int] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.parts: list[FaceDataset] = [DATASETS.build(d) if isinstance(d, dict) else d for d in datasets]
        self.repeat = [1] * len(self.parts) if repeat is None else [int(count) for count in repeat]
        if not self.parts or len(self.repeat) != len(self.parts) or min(self.repeat) < 1:
            raise UserError(
                f'JoinedLandmarks: {len(self.parts)} datasets, repeat={repeat}: one count from 1 on for each'
            )
        names = [part.metainfo.get('dataset_name') for part in self.parts]
        if len(set(names)) > 1:
            raise UserError(
                f'JoinedLandmarks: the data sets have the schemes {names}; give convert_to where they differ'
            )
        super().__init__(
            pipeline=pipeline, test_mode=test_mode, seed=seed, indices=indices, metainfo=metainfo, lazy_init=lazy_init
        )
        first = self.parts[0].metainfo
        self._metainfo.update({key: first[key] for key in ('scheme', 'dataset_name', 'flip_indices') if key in first})

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return where each sample is: number of the part, and index in it."""
        return [
            {'part': number, 'index': index}
            for number, (part, count) in enumerate(zip(self.parts, self.repeat))
            for _ in range(count)
            for index in range(len(part))
        ]

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a part's sample before any transform."""
        place = self.get_data_info(index)
        return self.parts[place['part']].raw_sample(place['index'], epoch)


def _shown(face: FacePoints) -> np.ndarray:
    return np.ones(len(face.points), bool) if face.visible is None else face.visible.astype(bool)


def _box_problem(box: np.ndarray, size: tuple[int, int] | None) -> str | None:
    height, width = size or (np.inf, np.inf)
    with np.errstate(over='ignore'):
        if not np.isfinite(box.astype(np.float32)).all():
            return 'box not finite'
    if not (box[2:] > box[:2]).all():
        return 'box without width or height'
    if (box[2:] <= 0).any() or box[0] >= width or box[1] >= height:
        return 'box outside its image'
    return None
