"""Images that are compared as templates or searched for: IJB-B, IJB-C, TinyFace."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.pairs import warn
from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.datasets.parsers.ijb import find_meta, read_points
from faceresearch.datasets.parsers.images import IMAGE_SUFFIX
from faceresearch.datasets.parsers.tinyface import ROLES, role_and_person
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


class _ListedDataset(FaceDataset):
    """Images in the order of a protocol; see the subclasses."""

    def __init__(
        self,
        data_root: str | None,
        exclude: str | None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]],
        test_mode: bool,
        seed: int,
        indices: int | Sequence[int] | None,
        metainfo: dict[str, Any] | None,
        lazy_init: bool,
    ) -> None:
        self.exclude = exclude
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def without_excluded(self, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the images that ``exclude`` does not name."""
        if self.exclude is None:
            return images
        excluded = read_excluded(self.exclude)
        kept = [image for image in images if image['img_id'] not in excluded]
        warn(f'{self.exclude}: {len(images) - len(kept)} of {len(images)} images are left out')
        return kept


@DATASETS.register_module()
class IJBDataset(_ListedDataset):
    """The loose crops of IJB-B or IJB-C with five points each (``gt_keypoints`` (1, 5, 2)), to be aligned.

    Samples are named by file (``img_id``). The metainfo lists all images of the protocol in its order (``img_ids``),
    also those that are missing or excluded, which then count as such.

    Args:
        data_root: folder of ``loose_crop`` and ``meta``.
        files_prefix: what the names of the protocol's files start with: ``ijbb``, ``ijbc``.
        img_dir: folder of the crops, relative to ``data_root``.
        exclude: text file of image names, one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the files until they are needed.

    Raises:
        UserError: the data are not there, or a line is malformed.
    """

    def __init__(
        self,
        data_root: str | None = 'data/ijbc',
        files_prefix: str = 'ijbc',
        img_dir: str = 'loose_crop',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.files_prefix, self.img_dir = files_prefix, img_dir
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the list of images and find them.

        Raises:
            UserError: see the class.
        """
        listed = read_points(find_meta(self.data_root or '', self.files_prefix, 'name_5pts_score.txt'))
        folder = self.resolve(self.img_dir)
        if not folder.is_dir():
            raise UserError(
                f'{folder}: no such image folder; get the IJB release of insightface (loose_crop) and unpack it in'
                f' {self.data_root!r}, or judge stored features with --predictions'
            )
        there = set(os.listdir(folder))  # noqa: PTH208 (names, half a million of them)
        self._metainfo.update(img_ids=listed.names, features_listed=True)
        images = [
            {
                'img_id': name,
                'img_path': str(folder / name),
                'gt_keypoints': points[None],
                'gt_keypoints_visible': np.ones((1, 5), bool),
            }
            for name, points in zip(listed.names, listed.points)
            if name in there
        ]
        if not images:
            raise UserError(f'{folder}: none of the {len(listed.names)} images listed is there')
        if len(images) < len(listed.names):
            warn(f'{folder}: {len(listed.names) - len(images)} of {len(listed.names)} images are missing')
        return self.without_excluded(images)


@DATASETS.register_module()
class TinyFaceDataset(_ListedDataset):
    """The aligned test images of TinyFace; ``img_id`` is the path below ``Testing_Set``.

    Args:
        data_root: folder of ``Testing_Set`` with ``Probe``, ``Gallery_Match`` and ``Gallery_Distractor``.
        img_dir: folder of the (aligned) images, relative to ``data_root``.
        exclude: text file of image names, one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not list the files until they are needed.

    Raises:
        UserError: the data are not there.
    """

    def __init__(
        self,
        data_root: str | None = 'data/tinyface',
        img_dir: str = 'Testing_Set',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.img_dir = img_dir
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the images.

        Raises:
            UserError: see the class.
        """
        folder = self.resolve(self.img_dir)
        images = []
        for role in ROLES:
            if not (folder / role).is_dir():
                raise UserError(
                    f'{folder / role} does not exist; get TinyFace from https://qmul-tinyface.github.io and unpack it in'
                    f' {self.data_root!r}, or set data_root'
                )
            images += [_tinyface_image(path, folder) for path in sorted((folder / role).rglob('*')) if _is_image(path)]
        images = self.without_excluded(images)
        self._metainfo.update(img_ids=[image['img_id'] for image in images])
        return images


def _is_image(path: Path) -> bool:
    return bool(IMAGE_SUFFIX.search(path.name))


def _tinyface_image(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    role_and_person(name)  # a name that says nothing is an error now, not after hours
    return {'img_id': name, 'img_path': str(path)}
