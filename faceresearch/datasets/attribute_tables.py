"""Age, gender, race and emotion in their official forms: csv files, lists, and names that say it all."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.attribute_base import AttributeDataset, Part, read_lines
from faceresearch.datasets.attribute_labels import ORDERS, same_class
from faceresearch.datasets.folder_faces import images_below
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

_MONTHS = ('jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec')
#: A range of ages that a spreadsheet took for a date: ``03-Sep`` was 3-9, ``Oct-19`` was 10-19.
_DATE = re.compile(rf'(\d{{1,2}})-({"|".join(_MONTHS)})|({"|".join(_MONTHS)})-(\d{{1,2}})', re.IGNORECASE)


def read_table(
    path: Path, columns: Sequence[str], problems: Problems, others: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a csv file with a heading, with their line numbers; the file may be larger than memory.

    Args:
        path: the file.
        columns: that the heading must have.
        problems: where rows of another length are counted.
        others: columns that are kept where the heading has them; the rest is left out.

    Raises:
        UserError: a column is missing, or the file is no text.
    """
    try:
        with path.open(encoding='utf-8-sig', newline='') as stream:
            reader = csv.reader(stream)
            heading = [name.strip() for name in next(reader, [])]
            missing = [name for name in columns if name not in heading]
            if missing:
                shown = ','.join(heading)
                shown = shown if len(shown) <= 200 else f'{shown[:200]}…'
                raise UserError(f'{path}:1: the heading is {shown!r}: column {missing[0]!r} is not there')
            places = {name: heading.index(name) for name in (*columns, *others) if name in heading}
            for values in reader:
                if len(values) == len(heading):
                    yield reader.line_num, {name: values[place].strip() for name, place in places.items()}
                elif values:
                    problems.add(f'{len(values)} columns instead of {len(heading)}', reader.line_num)
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: is not a text file ({error.reason})') from error
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror})') from error
    except csv.Error as error:
        raise UserError(f'{path}:{reader.line_num}: is no table ({error})') from error


def class_number(text: str, order: str, what: str, line: int, problems: Problems) -> int:
    """Return the number of a class in an order; −1, counted, where it is none, and −1 where the text is empty."""
    if not text:
        return -1
    names = [same_class(name) for name in ORDERS[order]]
    if same_class(text) in names:
        return names.index(same_class(text))
    damaged = _DATE.fullmatch(text)
    if what == 'age' and damaged:
        problems.add('age that a spreadsheet made a date', line, f'{text}, perhaps {_repaired(damaged)}')
    else:
        problems.add(f'{what} outside the list', line, text)
    return -1


def _repaired(match: re.Match[str]) -> str:
    if match.group(1):
        return f'{int(match.group(1))}-{_MONTHS.index(match.group(2).lower()) + 1}'
    return f'{_MONTHS.index(match.group(3).lower()) + 1}-{int(match.group(4))}'


@DATASETS.register_module()
class FairFaceDataset(AttributeDataset):
    """FairFace (Kärkkäinen and Joo, WACV 2021): ``race`` (7), ``gender`` (2: male, female) and ``age`` (9 ranges).

    ``fairface_label_{train,val}.csv`` has the columns file, age, gender, race. A label that is empty is not known; one
    that is none of the list is not known either and is counted, with its line. The arguments are those of
    :class:`~faceresearch.datasets.attribute_base.AttributeDataset`.
    """

    title = 'FairFace'
    source = 'github.com/joojs/fairface'

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the table."""
        samples = []
        for line, row in read_table(Path(self.ann_file), ('file', 'age', 'gender', 'race'), problems):
            labels = {
                name: class_number(row[name], f'fairface/{name}', name, line, problems)
                for name in ('race', 'gender', 'age')
            }
            if all(value < 0 for value in labels.values()):
                problems.add('no label', line, row['file'])
                continue
            samples.append({'name': row['file'], 'line': line, 'gt_attributes': labels})
        return samples


@DATASETS.register_module()
class UTKFaceDataset(AttributeDataset):
    """UTKFace: ``[age]_[gender]_[race]_[date].jpg`` says ``age`` in years, ``gender`` (0 male) and ``race`` (5).

    Some names lack a field: what they say is not certain, and they are skipped and counted. The arguments are those of
    :class:`~faceresearch.datasets.attribute_base.AttributeDataset`.
    """

    title = 'UTKFace'
    source = 'susanqq.github.io/UTKFace'
    _NAME = re.compile(r'(\d{1,3})_([01])_([0-4])_\d+.*')

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the names."""
        samples = []
        for name in images_below(Path(self.data_root or '.')):
            match = self._NAME.fullmatch(Path(name).name)
            if match is None or int(match.group(1)) > 120:
                problems.add('not age_gender_race_date', 0, name)
                continue
            age, gender, race = (int(text) for text in match.groups())
            labels = {'age': float(age), 'gender': gender, 'race': race}
            samples.append({'name': name, 'gt_attributes': labels})
        return samples


@DATASETS.register_module()
class ListedEmotionDataset(AttributeDataset):
    """A list ``image class-number`` a line (RAF-DB: ``train_00001.jpg 5``), numbered from 0 or 1.

    Args:
        data_root: folder of the data set.
        ann_file: list, relative to ``data_root``.
        image_dir: folder of the images, relative to ``data_root``.
        labels: order that the numbers refer to.
        first: number of the first class.
        prefix: use only images whose name begins so: ``train`` or ``test``.
        suffix: what replaces the ending of a name (RAF-DB's aligned images: ``_aligned.jpg``).
        part: see :class:`~faceresearch.datasets.attribute_base.AttributeDataset`, also for the following.
        val_share: share of the groups in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'RAF-DB'
    source = 'whdeng.cn/RAF/model1.html'

    def __init__(
        self,
        data_root: str = 'data/rafdb',
        ann_file: str = 'list_patition_label.txt',
        image_dir: str = 'aligned',
        labels: str = 'rafdb/emotion',
        first: int = 1,
        prefix: str = '',
        suffix: str | None = '_aligned.jpg',
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
        if labels not in ORDERS:
            raise UserError(f'ListedEmotionDataset: there is no order of labels {labels!r}')
        self.image_dir, self.order, self.first = image_dir, labels, first
        self.prefix, self.suffix = prefix, suffix
        super().__init__(
            data_root,
            ann_file,
            part,
            val_share,
            split_seed,
            pipeline,
            test_mode,
            seed,
            indices,
            metainfo,
            lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the list."""
        samples = []
        for line, text in enumerate(read_lines(Path(self.ann_file)), 1):
            name, _, label = text.strip().rpartition(' ')
            if not text.strip() or (name and not name.startswith(self.prefix)):
                continue
            number = int(label) - self.first if label.isdecimal() else -1
            if not name or not 0 <= number < len(ORDERS[self.order]):
                problems.add('emotion outside the list', line, text[:60])
                continue
            stored = name if self.suffix is None else f'{Path(name).stem}{self.suffix}'
            samples.append({'name': f'{self.image_dir}/{stored}', 'line': line, 'gt_attributes': {'emotion': number}})
        return samples


@DATASETS.register_module()
class AffectNetDataset(AttributeDataset):
    """AffectNet's table: columns ``image`` (or ``subDirectory_filePath``) and ``expression``, and optionally valence and arousal.

    Expressions 0 to 7 are neutral, happy, sad, surprise, fear, disgust, anger, contempt; others (none, uncertain, no
    face) are skipped. Arguments: ``data_root``, ``ann_file`` and those of
    :class:`~faceresearch.datasets.attribute_base.AttributeDataset`.
    """

    title = 'AffectNet'
    source = 'mohammadmahoor.com/affectnet'
    _PATHS = ('image', 'subDirectory_filePath')

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the table."""
        path = Path(self.ann_file)
        samples = []
        for line, row in read_table(path, ('expression',), problems, (*self._PATHS, 'valence', 'arousal')):
            column = next((name for name in self._PATHS if name in row), None)
            if column is None:
                raise UserError(f'{path}:1: the heading has neither {" nor ".join(map(repr, self._PATHS))}')
            text = row['expression']
            if not text.isdecimal() or int(text) > 7:
                problems.add('expression outside the list', line, text)
                continue
            labels: dict[str, Any] = {'emotion': int(text)}
            for name in ('valence', 'arousal'):
                if name in row:
                    labels[name] = _number(row[name], name, line, problems)
            samples.append({'name': row[column], 'line': line, 'gt_attributes': labels})
        return samples


def _number(text: str, what: str, line: int, problems: Problems) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        problems.add(f'{what} is no number', line, text)
        return math.nan
    # AffectNet writes −2 where there is none.
    return value if -1 <= value <= 1 else math.nan


@DATASETS.register_module()
class CelebAAttributesDataset(AttributeDataset):
    """CelebA's forty properties: ``list_attr_celeba.txt``, a count, the names, then −1 or 1 for each image.

    The label ``attributes`` is a vector (40,) of 0 and 1. Arguments: ``data_root``, ``ann_file`` and those of
    :class:`~faceresearch.datasets.attribute_base.AttributeDataset`.
    """

    title = 'CelebA'
    source = 'mmlab.ie.cuhk.edu.hk/projects/CelebA.html'
    image_dir = 'img_align_celeba'

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the list."""
        lines = read_lines(Path(self.ann_file))
        names = lines[1].split() if len(lines) > 1 else []
        if not names or not lines[0].strip().isdecimal():
            raise UserError(
                f'{self.ann_file}:1: is not list_attr_celeba.txt: a count, then the names of the properties'
            )
        samples = []
        for number, line in enumerate(lines[2:], 3):
            parts = line.split()
            if not parts:
                continue
            if len(parts) != len(names) + 1 or not set(parts[1:]) <= {'-1', '1'}:
                problems.add(f'not an image and {len(names)} of -1 and 1', number, line[:40])
                continue
            labels = np.array([int(text) > 0 for text in parts[1:]], np.int64)
            name = f'{self.image_dir}/{parts[0]}'
            samples.append({'name': name, 'line': number, 'gt_attributes': {'attributes': labels}})
        return samples
