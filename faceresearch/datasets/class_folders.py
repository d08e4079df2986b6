"""A folder of images for each class: emotions, live and spoofed faces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceresearch.datasets.attribute_base import AttributeDataset, Part
from faceresearch.datasets.attribute_labels import labels_of, same_class
from faceresearch.datasets.folder_faces import identity_folders, images_below
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@DATASETS.register_module()
class ClassFolderDataset(AttributeDataset):
    """Images in a folder named after their class (``anger/S010_004_00000017.png``).

    A folder's class is found by its name in ``labels``, where other words for the same count (``anger`` is ``angry``),
    or by its number (``0``, ``1``, ``2``, as minivision stores its crops); ``folders`` names it explicitly. Folders of
    no class are skipped and counted. The folder is also the sample's ``attack``, for error rates per kind of attack.

    Args:
        data_root: the folder of folders.
        attribute: name of the label.
        labels: names of the classes by number, or the name of an order.
        folders: folder → class, where the names do not tell.
        person: regular expression of a file's name whose first group (or whole match) is the person: all images of a
            person fall on one side of a split. None: each image for itself.
        part: see :class:`~faceresearch.datasets.attribute_base.AttributeDataset`, also for the following.
        val_share: share of the groups in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not list the folders until they are needed.

    Raises:
        UserError: the folder is not there, or ``folders`` or ``person`` has no meaning.
    """

    title = 'a folder for each class'

    def __init__(
        self,
        data_root: str = 'data/classes',
        attribute: str = 'label',
        labels: str | Sequence[str] = 'binary/spoof',
        folders: Mapping[str, str] | None = None,
        person: str | None = None,
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
        self.attribute = attribute
        self.labels = labels_of(labels)
        self.numbers = {same_class(name): number for number, name in enumerate(self.labels)}
        self.folders = dict(folders or {})
        for folder, name in self.folders.items():
            if same_class(name) not in self.numbers:
                raise UserError(f'folders: {folder!r} is to be {name!r}, which is none of {", ".join(self.labels)}')
        try:
            self.person = None if person is None else re.compile(person)
        except re.error as error:
            raise UserError(f'person={person!r} is not a regular expression: {error}') from error
        super().__init__(
            data_root=data_root,
            part=part,
            val_share=val_share,
            split_seed=split_seed,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def class_of(self, folder: str) -> int | None:
        """Return the number of a folder's class, or None."""
        name = same_class(self.folders.get(folder, folder))
        if name in self.numbers:
            return self.numbers[name]
        return int(name) if name.isdecimal() and int(name) < len(self.labels) else None

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """List the folders."""
        root = Path(self.data_root or '.')
        samples: list[dict[str, Any]] = []
        for folder in identity_folders(root):
            number = self.class_of(folder)
            if number is None:
                problems.add(f'folder of no class ({", ".join(self.labels)})', 0, folder)
                continue
            for image in images_below(root / folder):
                sample = {'name': f'{folder}/{image}', 'gt_attributes': {self.attribute: number}, 'attack': folder}
                if self.person is not None:
                    match = self.person.search(image)
                    if match is None:
                        problems.add('no person in the file name', 0, f'{folder}/{image}')
                        continue
                    sample['group'] = match.group(1) if match.re.groups else match.group()
                samples.append(sample)
        return samples
