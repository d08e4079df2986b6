"""Data sets of face parsing: CelebAMask-HQ, LaPa, and images with masks in folders of one's own."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from mmengine.logging import print_log

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.datasets.parsers.celebamask import SPLITS, part_files, read_split
from faceresearch.datasets.parsers.images import images_by_stem
from faceresearch.datasets.parsing_metainfo import FACE_PARTS, ClassOrder, classes_of, flip_pairs, palette_of
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


class _ParsingBase(FaceDataset):
    """What data sets of masks share; subclasses know the files of a sample, and set the class order before."""

    class_order: ClassOrder
    mask_order: ClassOrder
    face_parts: Sequence[str]

    def _start(self, class_order: ClassOrder, mask_order: ClassOrder, face_parts: Sequence[str] | None) -> None:
        classes_of(class_order)
        classes_of(mask_order)
        self.class_order, self.mask_order = class_order, mask_order
        self.face_parts = tuple(FACE_PARTS if face_parts is None else face_parts)

    def _facts(self, metainfo: dict[str, Any] | None) -> dict[str, Any]:
        names = classes_of(self.class_order)
        return {
            'classes': names,
            'palette': palette_of(names).tolist(),
            'flip_pairs': flip_pairs(names),
            **(metainfo or {}),
        }

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the data set: ``classes``, ``palette``, ``class_order``, ``flip_pairs``."""
        # Not among the facts above: mmengine takes a string there for the name of a file.
        return {'class_order': self.class_order, **super().metainfo}

    @abstractmethod
    def files(self, problems: Problems) -> list[dict[str, Any]]:
        """Return the samples' files: ``img_id``, ``img_path`` and ``mask_path`` or ``mask_parts``."""

    def load_data_list(self) -> list[dict[str, Any]]:
        """Find images and masks; images without a mask are left out, and one line in the log says how many.

        Raises:
            UserError: there is no image with a mask.
        """
        problems = Problems(Path(self.data_root or '.'))
        samples = self.files(problems)
        summary = problems.summary()
        if not samples:
            raise UserError(
                f'{type(self).__name__}: no image with a mask under {self.data_root!r}; {summary or "set data_root"}'
            )
        if summary:
            print_log(summary, logger='current', level=logging.WARNING)
        print_log(f'{self.data_root}: {len(samples)} images with masks', logger='current')
        facts = {
            'mask_order': self.mask_order,
            'class_order': self.class_order,
            'face_parts': self.face_parts,
            'flip_pairs': flip_pairs(classes_of(self.class_order)),
        }
        return [{**sample, **facts} for sample in samples]

    def _paired(self, images: Path, masks: Path, problems: Problems) -> list[dict[str, Any]]:
        """Return the images of a folder that have a mask of the same name in another."""
        found, labels = images_by_stem(images), images_by_stem(masks)
        samples = []
        for stem, name in found.items():
            if stem in labels:
                samples.append({'img_id': stem, 'img_path': str(images / name), 'mask_path': str(masks / labels[stem])})
            else:
                problems.add('image without a mask', 0, file=name)
        without = sorted(set(labels) - set(found))
        for stem in without:
            problems.add('mask without an image', 0, file=labels[stem])
        return samples


@DATASETS.register_module()
class ParsingDataset(_ParsingBase):
    """Face images and masks of the same names in two folders.

    A sample has ``img_path``, ``img_id``, ``mask_path``, the orders of classes, and ``flip_pairs``; ``LoadFaceMask`` makes
    ``gt_sem_seg`` (H, W) uint8 of it. A mask is a palette PNG or a grey one with class ids, or a picture in the classes'
    colours. What cannot be used (a mask that is missing, of another size, or with values that are no class) is skipped
    and counted, in training and in evaluation.

    Args:
        data_root: folder that the next two start from.
        img_dir: folder of the images.
        mask_dir: folder of the masks.
        mask_order: the order of classes in the files: ``celebamask``, ``bisenet``, ``lapa`` or ``face``.
        class_order: the order that the network learns; classes are matched by name, and those that it lacks become
            background.
        face_parts: with ``class_order='face'``, the classes that are face; None: skin, brows, eyes, glasses, nose, mouth
            and lips.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N images by name, or only these.
        metainfo: facts about the data set; ``classes``, ``palette``, ``class_order`` and ``flip_pairs`` are there already.
        lazy_init: do not look at the folders until they are needed.

    Raises:
        UserError: a folder is missing, no image has a mask, or an order is unknown.
    """

    def __init__(
        self,
        data_root: str = 'data/faces',
        img_dir: str = 'images',
        mask_dir: str = 'masks',
        mask_order: ClassOrder = 'celebamask',
        class_order: ClassOrder = 'bisenet',
        face_parts: Sequence[str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self._start(class_order, mask_order, face_parts)
        self.img_dir, self.mask_dir = img_dir, mask_dir
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=self._facts(metainfo),
            lazy_init=lazy_init,
        )

    def files(self, problems: Problems) -> list[dict[str, Any]]:
        """Pair the files of the two folders by name."""
        return self._paired(self.resolve(self.img_dir), self.resolve(self.mask_dir), problems)


@DATASETS.register_module()
class CelebAMaskHQDataset(_ParsingBase):
    """CelebAMask-HQ as it is downloaded: images of 1024 px, a mask of 512 px for each part of a face, CelebA's split.

    Samples are those of :class:`ParsingDataset`, with ``mask_parts``, the file of each part, in place of ``mask_path``;
    use ``LoadFaceMask(fit='image')``. Where parts overlap, the later class in ``class_order`` lies on top, as in the scripts
    of the originals (zllrunning's for ``bisenet``, the official one for ``celebamask``). The split is that of CelebA, by
    ``CelebA-HQ-to-CelebA-mapping.txt``: 24,183 images to train on, 2,993 to validate, 2,824 to test.

    Args:
        data_root: folder that holds ``CelebA-HQ-img``, ``CelebAMask-HQ-mask-anno`` and the mapping.
        split: ``train``, ``val``, ``test`` or ``all`` (BiSeNet's repositories train on all 30,000 images).
        class_order: see :class:`ParsingDataset`, as for the others.
        face_parts: with ``class_order='face'``, the classes that are face.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not look at the folders until they are needed.

    Raises:
        UserError: the data are not there or incomplete, or the split or order is unknown.
    """

    def __init__(
        self,
        data_root: str = 'data/CelebAMask-HQ',
        split: Literal['train', 'val', 'test', 'all'] = 'train',
        class_order: ClassOrder = 'bisenet',
        face_parts: Sequence[str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in SPLITS:
            raise UserError(f'CelebAMaskHQDataset: split={split!r} is unknown; use {", ".join(SPLITS)}')
        self.split = split
        # Parts have names, not numbers: they are merged in the order that is asked for.
        self._start(class_order, 'celebamask' if class_order in ('face', 'lapa') else class_order, face_parts)
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=self._facts(metainfo),
            lazy_init=lazy_init,
        )

    def files(self, problems: Problems) -> list[dict[str, Any]]:
        """Find the images of the split, and the parts of each."""
        root = self.resolve()
        images = images_by_stem(root / 'CelebA-HQ-img') if (root / 'CelebA-HQ-img').is_dir() else {}
        parts = part_files(root / 'CelebAMask-HQ-mask-anno', classes_of('celebamask'))
        if not images or not parts:
            raise UserError(
                f'CelebAMaskHQDataset: {root} lacks CelebA-HQ-img or CelebAMask-HQ-mask-anno; unpack CelebAMask-HQ.zip'
                ' (https://github.com/switchablenorms/CelebAMask-HQ) there, or set data_root'
            )
        samples = []
        for number in read_split(root / 'CelebA-HQ-to-CelebA-mapping.txt', self.split, problems):
            name = images.get(str(number))
            if name is None:
                problems.add('image is missing', 0, file=f'{number}.jpg')
            elif number not in parts:
                problems.add('image without a mask', 0, file=name)
            else:
                samples.append(
                    {
                        'img_id': str(number),
                        'img_path': str(root / 'CelebA-HQ-img' / name),
                        'mask_parts': parts[number],
                    }
                )
        return samples


@DATASETS.register_module()
class LaPaDataset(_ParsingBase):
    """LaPa (Liu et al., AAAI 2020): 18,176 training, 2,000 validation and 2,000 test images of any size, 11 classes.

    Samples are those of :class:`ParsingDataset`.

    Args:
        data_root: the unpacked folder, with ``train``, ``val`` and ``test``, each holding ``images`` and ``labels``.
        split: one of the three.
        class_order: see :class:`ParsingDataset`, as for the others.
        face_parts: with ``class_order='face'``, the classes that are face.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not look at the folders until they are needed.

    Raises:
        UserError: the data are not there, or the split or order is unknown.
    """

    def __init__(
        self,
        data_root: str = 'data/LaPa',
        split: Literal['train', 'val', 'test'] = 'train',
        class_order: ClassOrder = 'lapa',
        face_parts: Sequence[str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in ('train', 'val', 'test'):
            raise UserError(f'LaPaDataset: split={split!r} is unknown; use train, val or test')
        self.split = split
        self._start(class_order, 'lapa', face_parts)
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=self._facts(metainfo),
            lazy_init=lazy_init,
        )

    def files(self, problems: Problems) -> list[dict[str, Any]]:
        """Pair images and labels of the split."""
        folder = self.resolve(self.split)
        if not folder.is_dir():
            raise UserError(
                f'LaPaDataset: {folder} does not exist; unpack LaPa.tar.gz (https://github.com/JDAI-CV/lapa-dataset), or'
                ' set data_root'
            )
        return self._paired(folder / 'images', folder / 'labels', problems)
