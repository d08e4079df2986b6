"""Head pose data sets in their official forms: 300W-LP, AFLW2000-3D and BIWI."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.spatial.transform import Rotation

from faceresearch.datasets.attribute_base import AttributeDataset, Part, read_lines
from faceresearch.datasets.folder_faces import images_below
from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.matlab import read_mat
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

#: The largest .mat of 300W-LP and AFLW2000 has 20 kB.
_MAX_POSE_BYTES = 4 * 2**20
#: Half the side of the box around a head's centre, in millimetres: hairline to chin, and the cheeks of a turned head.
_HALF_HEAD = 110.0


def rotation_matrix(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """Return R = Rz(roll) Ry(yaw) Rx(pitch), (3, 3), of angles in degrees."""
    return Rotation.from_euler('xyz', [pitch, yaw, roll], degrees=True).as_matrix()


class HeadPoseDataset(AttributeDataset):
    """Samples with ``bbox`` (1, 4) float32 and the label ``rotation`` (3, 3), all angles within ``max_angle``."""

    max_angle: float

    def pose_sample(
        self, name: str, angles: np.ndarray, box: np.ndarray, line: int, problems: Problems, file: str
    ) -> list[dict[str, Any]]:
        """Return the sample of an image, or none.

        Args:
            name: of the image, relative to the data root.
            angles: (3,) pitch, yaw, roll in degrees.
            box: (4,) xyxy.
            line: of a list, 0 without one.
            problems: what is wrong goes here.
            file: that holds the pose.
        """
        if not (np.isfinite(angles).all() and np.isfinite(box).all()) or (box[2:] <= box[:2]).any():
            problems.add('angles or points are no numbers, or the points have no extent', line, name, file=file)
            return []
        if np.abs(angles).max() > self.max_angle:
            return []
        pitch, yaw, roll = (float(angle) for angle in angles)
        labels = {'rotation': rotation_matrix(pitch, yaw, roll).astype(np.float32)}
        return [{'name': name, 'line': line, 'bbox': box[None].astype(np.float32), 'gt_attributes': labels}]


@DATASETS.register_module()
class PoseMatDataset(HeadPoseDataset):
    """300W-LP and AFLW2000-3D (Zhu et al., CVPR 2016): beside ``X.jpg`` lies ``X.mat`` with the pose and the points.

    ``Pose_Para`` begins with pitch, yaw and roll in radians, ``pt2d`` has the points (2, K) in pixels; ``bbox`` is the box
    around them. As the field does, faces with an angle beyond 99° are left out: 31 of AFLW2000's 2,000. 300W-LP's 122,450
    files take minutes to read; a list of those that are wanted makes it quicker.

    Of AFLW2000's 21 points, those that are hidden are stored as −1. The published evaluations have them in their boxes,
    which then reach to the image's corner; ``hidden='drop'`` leaves them out.

    Args:
        data_root: folder of the images, in folders of their own or not.
        ann_file: list of images without suffix, one a line, as ``create_filename_list.py`` of the field's projects
            writes it; '' reads all.
        points: ``pt2d``, or ``pt3d_68``, which AFLW2000 has and of which x and y are used.
        hidden: whether points below 0 count, ``keep`` or ``drop``.
        max_angle: in degrees.
        part: see :class:`~faceresearch.datasets.attribute_base.AttributeDataset`, also for the following.
        val_share: share of the images in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: an argument has no meaning, or the data are not there.
    """

    title = '300W-LP or AFLW2000-3D'
    source = 'www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm'

    def __init__(
        self,
        data_root: str = 'data/300W_LP',
        ann_file: str = '',
        points: Literal['pt2d', 'pt3d_68'] = 'pt2d',
        hidden: Literal['keep', 'drop'] = 'keep',
        max_angle: float = 99.0,
        part: Part = 'all',
        val_share: float = 0.2,
        split_seed: int = 0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if points not in ('pt2d', 'pt3d_68') or hidden not in ('keep', 'drop'):
            raise UserError(
                f"PoseMatDataset: points={points!r}, hidden={hidden!r}: 'pt2d' or 'pt3d_68'; 'keep' or 'drop'"
            )
        self.points, self.hidden, self.max_angle = points, hidden, max_angle
        super().__init__(
            data_root, ann_file, part, val_share, split_seed, pipeline, test_mode, seed, indices, metainfo, lazy_init
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the files of all images, or of those listed."""
        root = Path(self.data_root or '.')
        if self.ann_file:
            lines = enumerate(read_lines(Path(self.ann_file)), 1)
            names = [(number, f'{line.strip().removesuffix(".jpg")}.jpg') for number, line in lines if line.strip()]
        else:
            names = [(0, name) for name in images_below(root) if name.lower().endswith('.jpg')]
        samples: list[dict[str, Any]] = []
        for number, name in names:
            safe = safe_name(name)
            if safe is None:
                problems.add('image path outside the data set', number, name)
                continue
            file = str(Path(safe).with_suffix('.mat'))
            if not (root / file).is_file():
                problems.add('no .mat beside the image', number, name)
                continue
            try:
                angles, box = self._pose(root / file)
            except UserError as error:
                problems.add('.mat that cannot be used', number, str(error).removeprefix(str(root)), file=file)
                continue
            samples += self.pose_sample(safe, angles, box, number, problems, file)
        return samples

    def _pose(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        content = read_mat(path, ('Pose_Para', self.points), largest=_MAX_POSE_BYTES)
        pose, points = content['Pose_Para'], content[self.points]
        for name, array in (('Pose_Para', pose), (self.points, points)):
            if array.dtype.kind not in 'fiu':
                raise UserError(f'{path}: {name} is not of numbers')
        if pose.size < 3 or points.ndim != 2 or points.shape[0] < 2 or not points.shape[1]:
            raise UserError(f'{path}: Pose_Para is {pose.shape}, {self.points} {points.shape}: no pose and points')
        places = points[:2].astype(np.float64)
        if self.hidden == 'drop':
            places = places[:, (places >= 0).all(0)]
        box = np.concatenate([places.min(1), places.max(1)]) if places.size else np.full(4, np.nan)
        return np.rad2deg(pose.reshape(-1)[:3].astype(np.float64)), box


@DATASETS.register_module()
class BiwiDataset(HeadPoseDataset):
    """BIWI Kinect Head Pose (Fanelli et al., IJCV 2013): 15,678 frames of 24 sequences of 20 people.

    ``01/frame_00003_pose.txt`` has the rotation as a matrix, and the head's centre in millimetres, of the depth camera;
    ``frame_00003_rgb.png`` is the picture. The angles are those of the transposed matrix with yaw and roll reversed, as
    the field reads them (natanielruiz/deep-head-pose code/datasets.py). ``bbox`` is a square of 22 cm about the centre as
    ``01/rgb.cal`` projects it; the published figures rest on the boxes of one detector or another (``boxes``).

    Args:
        data_root: folder of the folders 01 to 24.
        boxes: list of boxes, relative to ``data_root``: ``01/frame_00003_rgb.png x1 y1 x2 y2`` to a line; images that it
            lacks are left out.
        sequences: use only these; the field trains on 16 and tests on 8, or tests on all.
        max_angle: in degrees.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'BIWI Kinect Head Pose'
    source = 'the ETH computer vision lab'

    def __init__(
        self,
        data_root: str = 'data/biwi/hpdb',
        boxes: str | None = None,
        sequences: Sequence[int] | None = None,
        max_angle: float = 99.0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.boxes, self.max_angle = boxes, max_angle
        self.sequences = None if sequences is None else {f'{number:02d}' for number in sequences}
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
        """Read the pose of each frame."""
        root = Path(self.data_root or '.')
        listed = None if self.boxes is None else _listed_boxes(root / self.boxes, problems)
        cameras: dict[str, np.ndarray] = {}
        samples: list[dict[str, Any]] = []
        for name in images_below(root):
            match = re.fullmatch(r'(\d\d)/(frame_\d+)_rgb\.png', name)
            if match is None or (self.sequences is not None and match.group(1) not in self.sequences):
                continue
            sequence, file = match.group(1), f'{match.group(1)}/{match.group(2)}_pose.txt'
            try:
                rotation, centre = _biwi_pose(root / file)
                if listed is not None:
                    if name not in listed:
                        continue
                    box = listed[name]
                else:
                    if sequence not in cameras:
                        cameras[sequence] = _camera(root / sequence / 'rgb.cal')
                    box = _head_box(cameras[sequence], centre)
            except (OSError, ValueError) as error:
                problems.add('pose or calibration that cannot be read', 0, f'{name} ({error})', file=file)
                continue
            found = self.pose_sample(name, biwi_angles(rotation), box, 0, problems, file)
            samples += [{**sample, 'group': sequence} for sample in found]
        return samples


def biwi_angles(rotation: np.ndarray) -> np.ndarray:
    """Return pitch, yaw and roll (3,) in degrees of BIWI's matrix (3, 3), as the field reads it."""
    pitch, yaw, roll = Rotation.from_matrix(rotation.T).as_euler('xyz', degrees=True)
    return np.array([pitch, -yaw, -roll])


def _numbers(path: Path, count: int) -> np.ndarray:
    with path.open('rb') as stream:
        words = stream.read(4096).split()
    if len(words) < count:
        raise ValueError(f'{path.name}: {len(words)} numbers instead of {count}')
    return np.array([float(word) for word in words[:count]])


def _biwi_pose(path: Path) -> tuple[np.ndarray, np.ndarray]:
    values = _numbers(path, 12)
    rotation = values[:9].reshape(3, 3)
    if not np.isfinite(values).all() or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-2):
        raise ValueError(f'{path.name}: no rotation')
    return rotation, values[9:]


def _camera(path: Path) -> np.ndarray:
    """Return the projection (3, 4) of the colour camera: intrinsics (9 numbers), distortion (4), rotation (9), shift (3)."""
    values = _numbers(path, 25)
    return values[:9].reshape(3, 3) @ np.column_stack([values[13:22].reshape(3, 3), values[22:25]])


def _head_box(camera: np.ndarray, centre: np.ndarray) -> np.ndarray:
    x, y, depth = camera @ np.append(centre, 1)
    if depth <= 0:
        raise ValueError('the head is behind the camera')
    half = camera[0, 0] * _HALF_HEAD / depth
    return np.array([x / depth - half, y / depth - half, x / depth + half, y / depth + half])


def _listed_boxes(path: Path, problems: Problems) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise UserError(f'{path}: not there; it is to list a box for each image: 01/frame_00003_rgb.png x1 y1 x2 y2')
    boxes = {}
    for number, line in enumerate(read_lines(path), 1):
        parts = line.split()
        try:
            name, values = parts[0], [float(part) for part in parts[1:5]]
            if len(values) != 4:
                raise ValueError(line)
            boxes[name] = np.array(values)
        except (IndexError, ValueError):
            if line.strip():
                problems.add('not a name and a box', number, line[:60], file=path.name)
    return boxes
