"""Presentation attacks as frames of videos: lists of several domains, OULU-NPU and SiW with their protocols."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.attribute_base import read_lines
from faceresearch.datasets.attribute_labels import labels_of
from faceresearch.datasets.folder_faces import images_below
from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.spoof_sets import SpoofDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@DATASETS.register_module()
class SpoofListDataset(SpoofDataset):
    """Lists of images or of videos' frames, one a line, of one or several domains: cross-domain protocols (OCIM).

    A line is ``path label`` with blanks or a comma between; a label is 1, +1, ``live`` or ``real`` for a real face, and
    0, −1, −2, ``print``, ``replay``, … for an attack (−1 is print, −2 replay, as in OULU-NPU). A path that is a folder
    stands for the images in it, the frames of a video. In train-on-three-test-on-one protocols, ``domains`` names a list
    for each of OULU-NPU, CASIA-FASD, Replay-Attack and MSU-MFSD.

    Args:
        data_root: folder that paths start from.
        domains: name of a domain → its list, relative to ``data_root``.
        labels: order of the classes.
        dev_domains: lists whose samples carry the split ``dev``: on them a threshold is fixed (``SpoofMetric``).
        split: a name that the samples of ``domains`` carry.
        frames: of a folder, use so many images, evenly spread; None: all.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: a list is not there.
    """

    title = 'lists of faces and attacks'

    def __init__(
        self,
        data_root: str = 'data/spoof',
        domains: Mapping[str, str] | None = None,
        labels: str | Sequence[str] = 'binary/spoof',
        split: str = 'test',
        frames: int | None = None,
        dev_domains: Mapping[str, str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        self.lists = [(split, *entry) for entry in (domains or {'': 'list.txt'}).items()]
        self.lists += [('dev', *entry) for entry in (dev_domains or {}).items()]
        self.frames = frames
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
        root = Path(self.data_root or '.')
        samples: list[dict[str, Any]] = []
        for split, domain, name in self.lists:
            path = root / name
            if not path.is_file():
                raise UserError(f'{path}: not there; it is to list the images of domain {domain!r}, one a line')
            for number, line in enumerate(read_lines(path), 1):
                if not line.strip():
                    continue
                parts = re.split(r'[,\s]+', line.strip())
                attack = _attack_of(parts[-1]) if len(parts) == 2 else None
                if attack is None:
                    problems.add('not a path and a label', number, line[:60], file=name)
                    continue
                facts = {'group': parts[0], 'video': parts[0], 'domain': domain, 'split': split}
                for image in self._images(root, parts[0]):
                    samples.append({**self.sample(image, attack, number), **facts})
        return samples

    def _images(self, root: Path, name: str) -> list[str]:
        # A path that leaves the data set is not looked into; it is counted as what it is.
        if safe_name(name) is None or not (root / name).is_dir():
            return [name]
        return [f'{name}/{image}' for image in _spread(list(images_below(root / name)), self.frames)]


def _spread(names: list[str], count: int | None) -> list[str]:
    if count is None or len(names) <= count:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]


def _attack_of(text: str) -> str | None:
    lowered = text.lower()
    if lowered in ('1', '+1', 'live', 'real'):
        return 'live'
    numbers = {'0': 'attack', '-1': 'print', '-2': 'replay'}
    if lowered in numbers:
        return numbers[lowered]
    return lowered if re.fullmatch(r'[a-z][\w-]*', lowered) else None


@DATASETS.register_module()
class OuluNpuDataset(SpoofDataset):
    """OULU-NPU (Boulkenafet et al., FG 2017): the frames of its videos, by one of its protocols.

    A line of ``Protocols/Protocol_1/Train.txt`` is ``+1,1_1_01_1``: label and video, phone_session_subject_access;
    access 1 is real, 2 and 3 are prints, 4 and 5 replays. The frames of a video are images in ``<frames_dir>/<video>/``.

    Args:
        data_root: folder of the data set.
        ann_file: list of the protocol, relative to ``data_root``: ``Protocols/Protocol_1/Test.txt``, in protocols 3 and 4
            one of six, ``Protocols/Protocol_3/Test_1.txt``.
        dev_file: a second list, whose samples carry the split ``dev``: the official error rates are those at the threshold
            that it fixes (``SpoofMetric(threshold='dev_eer')``).
        frames_dir: folder of the folders of frames, relative to ``data_root``.
        labels: order of the classes.
        split: a name that the samples of ``ann_file`` carry, ``dev`` or ``test``.
        frames: of a video, use so many frames, evenly spread; None: all.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: a list is not there.
    """

    title = 'OULU-NPU'
    source = 'sites.google.com/site/oulunpudatabase'
    _NAME = re.compile(r'([1-6])_([1-3])_(\d\d)_([1-5])')
    #: Of a video, so many frames from its beginning; None: all.
    first: int | None = None

    def __init__(
        self,
        data_root: str = 'data/oulu_npu',
        ann_file: str = 'Protocols/Protocol_1/Train.txt',
        frames_dir: str = 'frames',
        labels: str | Sequence[str] = 'minivision/spoof',
        split: Literal['train', 'dev', 'test'] = 'test',
        frames: int | None = None,
        dev_file: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        self.frames_dir = frames_dir
        self.split = split
        self.frames = frames
        self.dev_file = dev_file
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
        """Read the protocol's lists and list the frames."""
        samples: list[dict[str, Any]] = []
        for split, path in self._lists():
            for number, line in enumerate(read_lines(path), 1):
                if not line.strip():
                    continue
                label, _, video = (part.strip() for part in line.partition(','))
                match = self._NAME.fullmatch(video)
                if match is None or label not in ('+1', '1', '-1', '-2'):
                    problems.add('not a label and a video (+1,1_1_01_1)', number, line[:60], file=path.name)
                    continue
                attack = {'1': 'live', '2': 'print', '3': 'print', '4': 'replay', '5': 'replay'}[match.group(4)]
                if (attack == 'live') != (label in ('+1', '1')):
                    problems.add('label and name contradict each other', number, line[:60], file=path.name)
                    continue
                facts = {'group': match.group(3), 'split': split}
                samples += self._frames(video, attack, number, facts, problems, path.name)
        return samples

    def _lists(self) -> Iterator[tuple[str, Path]]:
        yield self.split, Path(self.ann_file)
        if self.dev_file is not None:
            path = self.resolve(self.dev_file)
            if not path.is_file():
                raise UserError(f'{path}: not there; it is the list (dev_file) that the threshold is fixed on')
            yield 'dev', path

    def _frames(
        self, video: str, attack: str, line: int, facts: dict[str, Any], problems: Problems, file: str
    ) -> list[dict[str, Any]]:
        folder = Path(self.data_root or '.', self.frames_dir, video)
        names = list(images_below(folder))[: self.first] if folder.is_dir() else []
        if not names:
            problems.add('video without frames', line, f'{self.frames_dir}/{video}', file=file)
        return [
            {**self.sample(f'{self.frames_dir}/{video}/{image}', attack, line), 'video': video, **facts}
            for image in _spread(names, self.frames)
        ]


@DATASETS.register_module()
class SiWDataset(OuluNpuDataset):
    """Spoof in the Wild (Liu et al., CVPR 2018): the frames of its videos, by one of its protocols.

    Videos are named subject-sensor-type-medium-session (``003-1-2-1-1``), type 1 live, 2 print, 3 replay. Subjects of
    the official training and test sets are in ``ann_file``'s two lists, here a text file of video names. Protocol 1
    trains on the first 60 frames; protocol 2 leaves one replay medium out, protocol 3 prints or replays.

    Args:
        data_root: folder of the data set.
        ann_file: text file of video names, one a line, relative to ``data_root``.
        frames_dir: folder of the folders of frames, relative to ``data_root``.
        labels: order of the classes.
        split: a name that samples carry, ``dev`` or ``test``.
        frames: of a video, use so many frames, evenly spread; None: all.
        first: use only the first so many frames of a video, and ``frames`` of them; 60 in the training of protocol 1.
        media: use only replays of these media; protocol 2 trains on three and tests on the fourth.
        attacks: use only these attacks, ``print`` or ``replay``; protocol 3.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'SiW'
    source = 'cvlab.cse.msu.edu/siw-spoof-in-the-wild-database.html'
    _NAME = re.compile(r'(\d{3})-(\d)-([123])-(\d)-(\d)')

    def __init__(
        self,
        data_root: str = 'data/siw',
        ann_file: str = 'train.txt',
        frames_dir: str = 'frames',
        labels: str | Sequence[str] = 'minivision/spoof',
        split: Literal['train', 'dev', 'test'] = 'test',
        frames: int | None = None,
        first: int | None = None,
        media: Sequence[int] | None = None,
        attacks: Sequence[str] = ('print', 'replay'),
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.first = first
        self.media = None if media is None else {str(number) for number in media}
        self.attacks = {'live', *attacks}
        super().__init__(
            data_root,
            ann_file,
            frames_dir,
            labels,
            split,
            frames,
            None,
            pipeline,
            test_mode,
            seed,
            indices,
            metainfo,
            lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the list of videos and list the frames."""
        samples: list[dict[str, Any]] = []
        for number, line in enumerate(read_lines(Path(self.ann_file)), 1):
            video = line.strip().removesuffix('.mov')
            if not video:
                continue
            match = self._NAME.fullmatch(video)
            if match is None:
                problems.add('not a video (003-1-2-1-1)', number, line[:60])
                continue
            attack = {'1': 'live', '2': 'print', '3': 'replay'}[match.group(3)]
            other_medium = attack == 'replay' and self.media is not None and match.group(4) not in self.media
            if attack not in self.attacks or other_medium:
                continue
            facts = {'group': match.group(1), 'split': self.split}
            samples += self._frames(video, attack, number, facts, problems, Path(self.ann_file).name)
        return samples
