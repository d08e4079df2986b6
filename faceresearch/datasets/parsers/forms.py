"""All annotation forms by name: read one, fit annotations to what another can hold, write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from faceresearch.datasets.parsers.annotations import POINTS, FaceAnnotations, Problems
from faceresearch.datasets.parsers.coco import read_coco, write_coco
from faceresearch.datasets.parsers.images import image_size
from faceresearch.datasets.parsers.wider import AnnotationFormat, detect_format, read_annotations
from faceresearch.datasets.parsers.writers import write_annotations
from faceresearch.datasets.parsers.yolo import YoloFormat, read_yolo, write_yolo
from faceresearch.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Form:
    """What a form can hold.

    Attributes:
        points: ``none``; ``all``, a face has every point or none; ``any``, of each point on its own; ``inside``, the
            same, but only points inside the image.
        ignore: regions to ignore.
        size: the form needs the image size.
        extras: which of :class:`~faceresearch.datasets.parsers.annotations.FaceAnnotations`' extras it holds.
        writable: there is a writer.
    """

    points: str
    ignore: bool
    size: bool
    extras: tuple[str, ...] = ()
    writable: bool = True


FORMS = {
    'official': Form('none', True, False, ('attributes',)),
    'mat': Form('none', True, False, writable=False),
    'retinaface': Form('all', False, False, ('quality', 'point_flags')),
    'scrfd': Form('any', True, True, ('point_flags',)),
    'coco': Form('any', True, True, ('attributes', 'quality', 'point_flags', 'hidden')),
    'yolo_face': Form('inside', False, True),
    'yolo_pose': Form('inside', False, True, ('hidden',)),
}
WRITABLE = tuple(name for name, form in FORMS.items() if form.writable)
_EXTRA_NAMES = {
    'attributes': "faces' WIDER attributes",
    'quality': "faces' quality scores",
    'point_flags': "faces' flags of points",
    'hidden': "faces' marks of hidden points",
}


def detect_form(path: str | Path) -> str:
    """Recognise a form by the file's suffix and content.

    Raises:
        UserError: it is none of them, or a folder, of which the form cannot be told.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f'{path}: is a folder; say whether it is yolo_face or yolo_pose')
    return 'coco' if path.suffix.lower() == '.json' else detect_format(path)


def read_form(
    path: str | Path,
    form: str | None = None,
    images: str | Path | None = None,
    categories: Sequence[str] | None = None,
) -> tuple[list[FaceAnnotations], Problems]:
    """Read annotations in any form.

    Args:
        path: the file, or the folder of YOLO labels.
        form: one of ``FORMS``; None: recognised by content.
        images: the image folder, which the YOLO forms need.
        categories: the categories of a COCO file that are faces; None: ``face``, or the only one.

    Raises:
        UserError: the form is unknown, or the file is not in it.
    """
    form = form or detect_form(path)
    _known(form, FORMS)
    if form == 'coco':
        return read_coco(path, categories)
    if form.startswith('yolo'):
        if images is None:
            raise UserError(f'{path}: YOLO labels give no image sizes; name the image folder (--images)')
        return read_yolo(path, images, cast(YoloFormat, form))
    return read_annotations(path, cast(AnnotationFormat, form))


def write_form(path: str | Path, annotations: Iterable[FaceAnnotations], form: str) -> None:
    """Write annotations that were fitted to the form, whole or not at all.

    Raises:
        UserError: the form cannot be written, an image lacks its size, or the output cannot be written.
    """
    _known(form, WRITABLE)
    if form == 'coco':
        write_coco(path, annotations)
    elif form.startswith('yolo'):
        write_yolo(path, annotations, cast(YoloFormat, form))
    else:
        write_annotations(path, annotations, form)


def _known(form: str, forms: Iterable[str]) -> None:
    if form not in forms:
        raise UserError(f'unknown form {form!r}; use one of {", ".join(forms)}.{did_you_mean(form, forms)}')


def add_sizes(
    annotations: Iterable[FaceAnnotations], images: str | Path | None, problems: Problems
) -> list[FaceAnnotations]:
    """Read from the image files' headers the sizes that the annotations lack.

    Images that cannot be read are left out and counted.

    Raises:
        UserError: sizes are lacking, and there is no image folder to read them from, or none of the images is there.
    """
    complete: list[FaceAnnotations] = []
    lacking = 0
    for item in annotations:
        if item.size is None and images is None:
            raise UserError(f'{problems.file}: gives no image sizes; name the image folder (--images)')
        size = item.size or image_size(Path(str(images)) / item.name)
        if size is None:
            problems.add('image cannot be read', item.line, item.name)
            lacking += 1
            continue
        complete.append(replace(item, size=size))
    if lacking and not complete:
        raise UserError(f'{images}: none of {lacking} images can be read (first: {problems.examples[0]})')
    return complete


def fit_to_form(item: FaceAnnotations, form: str, lost: Counter[str], keep_ignored: bool = False) -> FaceAnnotations:
    """Take away what a form cannot hold, and count it.

    Args:
        item: the faces of an image.
        form: one of ``FORMS``.
        lost: counts, by what was lost.
        keep_ignored: make faces of the regions to ignore, where the form has none; otherwise they are left out.
    """
    can = FORMS[form]
    item = replace(item, visible=item.visible.copy(), keypoints=item.keypoints.copy(), extras=dict(item.extras))
    if not can.ignore and item.ignore.any():
        lost['regions to ignore (now faces)' if keep_ignored else 'regions to ignore (left out)'] += item.ignore.sum()
        item = replace(item, ignore=np.zeros_like(item.ignore)) if keep_ignored else item.select(~item.ignore)
    if form.startswith('yolo'):
        item = _inside(item, lost)
    _fit_points(item, form, lost)
    for key in [key for key in item.extras if key not in can.extras]:
        known = ~np.isnan(item.extras.pop(key))
        lost[_EXTRA_NAMES[key]] += int((known.any(1) if known.ndim > 1 else known).sum())
    return item


def _fit_points(item: FaceAnnotations, form: str, lost: Counter[str]) -> None:
    points, visible = FORMS[form].points, item.visible
    before = visible.copy()
    if points == 'none' or (visible.shape[1] != POINTS and form != 'coco'):
        visible[:] = False
    if points == 'all':
        visible &= visible.all(1, keepdims=True)
    if form == 'scrfd':
        visible &= ~item.ignore[:, None]
    if form == 'retinaface':
        # There a face whose first point has x < 0 is one without points.
        visible &= item.keypoints[:, :1, 0] >= 0
    if points == 'inside' and item.size is not None:
        height, width = item.size
        visible &= ((item.keypoints >= 0) & (item.keypoints <= (width, height))).all(2)
    item.keypoints[~visible] = 0
    faces = (before & ~visible).any(1)
    lost["faces' landmarks"] += int((faces & ~visible.any(1)).sum())
    lost['points outside the image'] += int((before & ~visible)[faces & visible.any(1)].sum())


def _inside(item: FaceAnnotations, lost: Counter[str]) -> FaceAnnotations:
    """Cut off boxes that YOLO's loaders refuse: the centre outside the image, or larger than it."""
    if item.size is None:
        return item
    corner = np.array([item.size[1], item.size[0]], np.float64)
    centres, sizes = (item.bboxes[:, :2] + item.bboxes[:, 2:]) / 2, item.bboxes[:, 2:] - item.bboxes[:, :2]
    refused = ((centres < 0) | (centres > corner) | (sizes > corner)).any(1)
    lost['parts of boxes outside the image'] += int(refused.sum())
    clipped = np.clip(item.bboxes, 0, np.tile(corner, 2))
    item = replace(item, bboxes=np.where(refused[:, None], clipped, item.bboxes))
    # A box that only touches the image has nothing left.
    return item.select(np.asarray((item.bboxes[:, 2:] > item.bboxes[:, :2]).all(1)))
