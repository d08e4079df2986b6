"""Faces in a folder per identity."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.images import IMAGE_SUFFIX, stem_of
from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@DATASETS.register_module()
class ImageFolderFaceDataset(RecognitionDataset):
    """A folder per identity, with its images in it or in folders below it.

    Identities are numbered in the order of their folders' names, compared byte by byte, whatever the file system's
    order; so are the images of each. A folder without an image is no identity. A sample is named by its path from
    ``data_root``, with forward slashes and without suffix (``0001/frontal/01``). Images are not opened before they are
    needed: one that cannot be read gives its place to the next in training and counts as broken in evaluation.

    Args:
        data_root: the folder of folders.
        subdirs: use only the images below these folders of an identity (``frontal``); None: all.
        identities: use only these folders, still numbered in order; None: all.
        num_classes: identities the network has centres for; see
            :class:`~faceresearch.datasets.recognition.RecognitionDataset`, also for the following.
        min_images: leave out identities with fewer images; 2 leaves out folders of one image.
        max_images: use at most so many images of an identity.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not list the folders until they are needed.

    Raises:
        UserError: the folder is missing or holds no image in a folder, or a named folder is not there.
    """

    def __init__(
        self,
        data_root: str | None = 'data/faces',
        subdirs: Sequence[str] | None = None,
        identities: Sequence[str] | None = None,
        num_classes: int | None = None,
        min_images: int = 1,
        max_images: int | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.subdirs = None if subdirs is None else tuple(subdirs)
        self.wanted = None if identities is None else set(identities)
        #: Names of the images one after the other, UTF-8, and where each begins: two arrays, which workers share.
        self._names = b''
        self._starts = np.zeros(1, np.int64)
        self._labels = np.zeros(0, np.int64)
        self.folders: list[str] = []
        super().__init__(
            data_root=data_root,
            num_classes=num_classes,
            min_images=min_images,
            max_images=max_images,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def load_identities(self) -> np.ndarray:
        """List the folders."""
        root = Path(self.data_root or '.')
        if not root.is_dir():
            raise UserError(f'{root}: no such folder; it is to hold a folder of images for each identity (data_root)')
        present = identity_folders(root)
        if self.wanted is not None:
            missing = sorted(self.wanted - set(present))
            if missing:
                raise UserError(
                    f'{root}: has no folder {missing[0]!r} (of {len(missing)} missing ones); see identities'
                )
            present = [name for name in present if name in self.wanted]
        lengths: list[int] = []
        labels: list[int] = []
        pieces: list[bytes] = []
        for folder in present:
            images = [image for image in images_below(root / folder) if self._is_wanted(image)]
            if not images:
                continue
            names = [f'{folder}/{image}'.encode('utf-8', 'surrogateescape') for image in images]
            lengths += map(len, names)
            labels += [len(self.folders)] * len(names)
            pieces.append(b''.join(names))
            self.folders.append(folder)
        if not labels:
            raise UserError(f'{root}: none of {len(present)} folders holds an image (jpg, png, bmp, webp, tif)')
        self._names = b''.join(pieces)
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._labels = np.array(labels, np.int64)
        empty = len(present) - len(self.folders)
        print_log(
            f'{root}: {len(labels):,} images of {len(self.folders):,} identities'
            f'{f", {empty:,} folders without images left out" if empty else ""}',
            logger='current',
        )
        return self._labels

    def _is_wanted(self, image: str) -> bool:
        return self.subdirs is None or image.partition('/')[0] in self.subdirs

    def image_info(self, index: int) -> dict[str, Any]:
        """Return path, name and identity of an image."""
        name = self._names[self._starts[index] : self._starts[index + 1]].decode('utf-8', 'surrogateescape')
        return {
            'img_path': f'{self.data_root or "."}/{name}',
            'img_id': stem_of(name),
            'gt_identity': int(self._labels[index]),
        }


def identity_folders(root: Path) -> list[str]:
    """Return the names of the folders in a folder, in the order of their bytes; hidden ones are passed over."""
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith('.') and entry.is_dir()]
    return sorted(names, key=os.fsencode)


def images_below(folder: Path) -> Iterator[str]:
    """Yield the images below a folder by their path from it, with forward slashes, in the order of their bytes."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith('.')]
        prefix = Path(place).relative_to(folder).as_posix()
        prefix = '' if prefix == '.' else f'{prefix}/'
        found += [f'{prefix}{name}' for name in files if not name.startswith('.') and IMAGE_SUFFIX.search(name)]
    yield from sorted(found, key=os.fsencode)
