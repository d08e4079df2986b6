"""SynthFaces as data sets of single faces: landmarks and face parsing, rendered, nothing to download."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.landmark_metainfo import LAPA_OF_INSIGHTFACE, landmark_scheme
from faceresearch.datasets.landmarks import Box, scheme_facts
from faceresearch.datasets.parsing_metainfo import class_map, classes_of, flip_pairs, palette_of
from faceresearch.datasets.rendering import open_rendered, rendered_once
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.synth.headshot import HEADSHOT_VERSION, PORTRAIT, render_headshot
from faceresearch.synth.landmarks import SCHEMES
from faceresearch.synth.parts import celebamask_classes
from faceresearch.synth.person import sample_person

#: Second number of a picture's seed.
SPLITS = {'train': 0, 'val': 1}
#: Number of the first person of each split: nobody is in both, nor in scenes, nor in SynthFaces' identities.
FIRST_PERSON = {'train': 4_000_000, 'val': 5_000_000}
MAX_SAMPLES = 1_000_000
Split = Literal['train', 'val']


class SynthHeadshots(FaceDataset):
    """What data sets of rendered single faces share: every sample is a picture of somebody else.

    Subclasses say what one record holds (``record_type``), draw it, and make a sample of it.

    Args:
        num_samples: pictures; picture i is the same whatever their number.
        split: ``train`` or ``val``; they share neither people nor seeds.
        size: side of the pictures in pixels.
        cache_dir: folder in which rendered pictures and labels are kept, in a file for each choice of arguments and
            version; what is not there yet is rendered first. None renders pictures whenever they are asked for.
        jobs: processes that render for ``cache_dir``; None: one for each core.
        version: the version of the renderer a config was made for; another one is an error.
        pipeline: transforms, applied in order; ``LoadImage`` keeps the rendered image.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every picture's seed; the people stay.
        indices: use only the first N pictures, or only these.
        metainfo: facts about the data set.
        lazy_init: do not render until pictures are needed.

    Raises:
        UserError: an argument has no meaning, the renderer is of another version, or the cache cannot be used.
    """

    #: Part of the cache's file name and of the samples' ids.
    kind: str

    def __init__(
        self,
        num_samples: int,
        split: Split = 'train',
        size: int = 192,
        cache_dir: str | None = None,
        jobs: int | None = None,
        version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        name = type(self).__name__
        if split not in SPLITS:
            raise UserError(f"{name}: split={split!r} is unknown; use 'train' or 'val'")
        if not 1 <= num_samples <= MAX_SAMPLES or not 32 <= size <= 1024 or (jobs is not None and jobs < 1):
            raise UserError(
                f'{name}: num_samples={num_samples}, size={size}, jobs={jobs}: 1 to {MAX_SAMPLES:,} samples, 32 to 1,024'
                ' pixels, at least one job'
            )
        if version not in (None, HEADSHOT_VERSION):
            raise UserError(
                f'{name}: the config asks for headshots {version}, this renderer makes {HEADSHOT_VERSION}: the images'
                ' differ; install the matching faceresearch, or change version'
            )
        self.num_samples, self.split, self.size, self.jobs = num_samples, split, int(size), jobs
        self.cache_dir = cache_dir
        self._records: np.ndarray | None = None
        super().__init__(
            pipeline=pipeline, test_mode=test_mode, seed=seed, indices=indices, metainfo=metainfo, lazy_init=lazy_init
        )
        # Not passed on, because mmengine takes texts for names of files.
        self._metainfo.update({key: value for key, value in self.facts().items() if key not in (metainfo or {})})

    def facts(self) -> dict[str, Any]:
        """Return what ``metainfo`` says of the data set."""
        return {}

    @abstractmethod
    def record_type(self) -> np.dtype:
        """Return the fields of a sample on disk; ``img`` (size, size, 3) uint8 is one of them."""

    @abstractmethod
    def drawing(self) -> Callable[[int], np.ndarray]:
        """Return the function that draws record i; it can be sent to another process."""

    @abstractmethod
    def sample_of(self, record: np.ndarray) -> dict[str, Any]:
        """Return what a sample knows of a record."""

    def load_data_list(self) -> list[dict[str, Any]]:
        """Name the pictures, and render what is not in the cache yet."""
        if self.cache_dir is not None:
            self._records = rendered_once(
                self._path(),
                (self.num_samples,),
                self.record_type(),
                self.drawing(),
                self.jobs,
                f'{self.num_samples:,} pictures',
            )
        names = [f'synth_{self.kind}_{self.split}/{index:06d}' for index in range(self.num_samples)]
        return [{'img_id': name, 'img_path': f'{name}.jpg', 'number': n} for n, name in enumerate(names)]

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a rendered picture with its labels, in arrays of its own."""
        results = self.get_data_info(index)
        number = results.pop('number')
        if self.cache_dir is None:
            record = self.drawing()(number)
        else:
            if self._records is None:
                self._records = open_rendered(self._path(), (self.num_samples,), self.record_type())
            record = self._records[number]
        return {**results, 'img': np.array(record['img']), **self.sample_of(record)}

    def __getstate__(self) -> dict[str, Any]:
        # A loader worker that is not forked maps the file itself; numpy would send it the images.
        return {**self.__dict__, '_records': None}

    def _path(self) -> Path:
        name = (
            f'synth_{self.kind}_v{HEADSHOT_VERSION}_{self.split}_seed{self.seed}_{self.num_samples}x{self.size}px.npy'
        )
        return self.resolve(self.cache_dir or '', name)


@DATASETS.register_module()
class SynthLandmarkDataset(SynthHeadshots):
    """Rendered faces with 28, 68 or 106 points that are exact by construction: one face a sample, mmpose's keys.

    A sample carries ``img`` (size, size, 3) uint8 BGR, ``img_id``, ``id``, ``bbox`` (1, 4) float32 xyxy of the facial
    region as SynthFaces' detectors find it, ``bbox_score`` (1,), ``keypoints`` (1, K, 2) float32 in pixels (the middle of
    the first one is 0), ``keypoints_visible`` (1, K) float32 (0: the head itself, hair, something worn, a hand or the
    frame hides the point), and what mmpose's transforms want to know of the scheme. Faces have room around them, so that
    crops may shift, turn and grow.

    Args:
        num_samples: see :class:`SynthHeadshots`, also for what is not named here.
        scheme: ``anime28``, ``300w68``, ``lapa106`` or ``insightface106``; the pictures do not depend on it.
        box: ``given``, the facial region with its forehead, or ``points``, the upright box around all points, hidden ones too,
            as data sets of real faces have it whose files know no other.

    Raises:
        UserError: also for another ``box``.
    """

    def __init__(
        self,
        num_samples: int,
        scheme: Literal['anime28', '300w68', 'lapa106', 'insightface106'] = '300w68',
        box: Box = 'given',
        split: Split = 'train',
        size: int = 192,
        cache_dir: str | None = None,
        jobs: int | None = None,
        version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        known = (*SCHEMES, 'insightface106')
        if scheme not in known:
            raise UserError(f'SynthLandmarkDataset: scheme={scheme!r} is not drawn; use {", ".join(known)}')
        if box not in ('given', 'points'):
            raise UserError(f"SynthLandmarkDataset: box={box!r} is unknown; use 'given' or 'points'")
        self.scheme, self.box = scheme, box
        self.kind = f'landmarks_{scheme}'
        self.points = landmark_scheme(scheme)
        super().__init__(
            num_samples, split, size, cache_dir, jobs, version, pipeline, test_mode, seed, indices,
            metainfo, lazy_init,
        )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """Return the scheme."""
        return scheme_facts(self.scheme, self.points)

    def record_type(self) -> np.dtype:
        """Image, box and points."""
        count = self.points.num_points
        return np.dtype(
            [
                ('img', 'u1', (self.size, self.size, 3)),
                ('bbox', 'f4', (4,)),
                ('keypoints', 'f4', (count, 2)),
                ('visible', 'f4', (count,)),
            ]
        )

    def drawing(self) -> Callable[[int], np.ndarray]:
        """Draw a face with its points."""
        return partial(_draw_landmarks, self.record_type(), self.seed, self.split, self.size, self.scheme)

    def sample_of(self, record: np.ndarray) -> dict[str, Any]:
        """Return mmpose's keys."""
        points = record['keypoints']
        box = record['bbox'] if self.box == 'given' else np.concatenate([points.min(0), points.max(0)])
        return {
            'bbox': np.array(box)[None],
            'bbox_score': np.ones(1, np.float32),
            'keypoints': np.array(record['keypoints'])[None],
            'keypoints_visible': np.array(record['visible'])[None],
        }

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a picture with its points and the scheme's facts."""
        return {**super().raw_sample(index, epoch), 'id': index, **self.points.sample_info()}


def _draw_landmarks(record: np.dtype, seed: int, split: str, size: int, scheme: str, number: int) -> np.ndarray:
    # insightface106 numbers LaPa's points in another order.
    order = np.array(LAPA_OF_INSIGHTFACE) if scheme == 'insightface106' else slice(None)
    painted = 'lapa106' if scheme == 'insightface106' else scheme
    person = sample_person(FIRST_PERSON[split] + number)
    drawn = render_headshot((seed, SPLITS[split], number), person, size, painted)
    out = np.zeros((), record)
    out['img'], out['visible'] = drawn.image, drawn.visible[order]
    # The renderer counts from the corner of the first pixel.
    out['bbox'], out['keypoints'] = drawn.box - 0.5, drawn.points[order] - 0.5
    return out


@DATASETS.register_module()
class SynthParsingDataset(SynthHeadshots):
    """Rendered heads and shoulders with a mask of CelebAMask-HQ's 19 classes that is exact by construction.

    A sample carries ``img`` (size, size, 3) uint8 BGR, ``img_id``, ``gt_sem_seg`` (size, size) uint8, and the order of the
    classes with their ``flip_pairs``. Framing, and what is which class, are CelebAMask-HQ's: left and right are the
    person's, clear lenses are glasses except over eyes and brows, beards are skin, hands are background.

    Args:
        num_samples: see :class:`SynthHeadshots`, also for what is not named here.
        class_order: ``celebamask`` (the official order), ``bisenet``, ``lapa`` (11 classes), or ``face`` (face or not).
    """

    kind = 'parsing'

    def __init__(
        self,
        num_samples: int,
        class_order: Literal['bisenet', 'celebamask', 'lapa', 'face'] = 'bisenet',
        split: Split = 'train',
        size: int = 256,
        cache_dir: str | None = None,
        jobs: int | None = None,
        version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.class_order = class_order
        self.names = classes_of(class_order)
        self._classes = class_map('celebamask', class_order)
        super().__init__(
            num_samples, split, size, cache_dir, jobs, version, pipeline, test_mode, seed, indices,
            metainfo, lazy_init,
        )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """Return classes, colours and mirror pairs."""
        return {
            'classes': self.names,
            'palette': palette_of(self.names).tolist(),
            'class_order': self.class_order,
            'flip_pairs': flip_pairs(self.names),
        }

    def record_type(self) -> np.dtype:
        """Image and mask in the official order."""
        return np.dtype([('img', 'u1', (self.size, self.size, 3)), ('mask', 'u1', (self.size, self.size))])

    def drawing(self) -> Callable[[int], np.ndarray]:
        """Draw a head with its mask."""
        return partial(_draw_mask, self.record_type(), self.seed, self.split, self.size)

    def sample_of(self, record: np.ndarray) -> dict[str, Any]:
        """Return the mask in the order that was asked for."""
        return {
            'gt_sem_seg': self._classes[record['mask']],
            'class_order': self.class_order,
            'flip_pairs': flip_pairs(self.names),
        }


def _draw_mask(record: np.dtype, seed: int, split: str, size: int, number: int) -> np.ndarray:
    person = sample_person(FIRST_PERSON[split] + number)
    # Another second half of the seed than landmarks have: other pictures.
    drawn = render_headshot((seed, SPLITS[split], number, 1), person, size, framing=PORTRAIT)
    out = np.zeros((), record)
    out['img'], out['mask'] = drawn.image, celebamask_classes(drawn.parts)
    return out
