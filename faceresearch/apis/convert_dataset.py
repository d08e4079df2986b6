"""Convert face annotations from one public form to another."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.datasets.parsers.forms import (
    FORMS,
    WRITABLE,
    add_sizes,
    detect_form,
    fit_to_form,
    read_form,
    write_form,
)
from faceresearch.errors import UserError, did_you_mean


def convert_dataset(
    source: str | Path,
    output: str | Path,
    target: str,
    form: str | None = None,
    images: str | Path | None = None,
    categories: Sequence[str] | None = None,
    keep_ignored: bool = False,
) -> Problems:
    """Convert annotations, and say on stderr how much was converted, skipped and lost.

    Args:
        source: annotation file, or folder of YOLO labels.
        output: file or, for the YOLO forms, folder to write.
        target: the form to write; see ``FORMS`` in :mod:`faceresearch.datasets.parsers.forms`.
        form: the form of ``source``; None: recognised by content.
        images: image folder, for forms that need what the source does not say: sizes, or suffixes.
        categories: the categories of a COCO file that are faces; None: ``face``, or the only one.
        keep_ignored: make faces of the regions to ignore, where the target has none, instead of leaving them out.

    Returns:
        What was skipped.

    Raises:
        UserError: a form is unknown, the source is not in its form or holds no image, or the output cannot be written.
    """
    if target not in WRITABLE:
        raise UserError(
            f'--to {target}: cannot be written; use one of {", ".join(WRITABLE)}.{did_you_mean(target, WRITABLE)}'
        )
    source = Path(source)
    if not source.exists():
        raise UserError(f'{source}: no such file or folder')
    if Path(output).resolve() == source.resolve():
        raise UserError(f'-o {output}: is the source itself; choose another output')
    form = form or detect_form(source)
    annotations, problems = read_form(source, form, images, categories)
    if FORMS[target].size:
        annotations = add_sizes(annotations, images, problems)
    if not annotations:
        raise UserError(f'{source}: lists no image that can be used. {problems.summary() or ""}'.rstrip())
    lost: Counter[str] = Counter()
    fitted = [fit_to_form(item, target, lost, keep_ignored) for item in annotations]
    write_form(output, fitted, target)
    faces = sum(len(item.bboxes) for item in fitted)
    landmarks = sum(int(item.visible.any(1).sum()) for item in fitted)
    print(
        f'{output}: {len(fitted)} images, {faces} faces, {landmarks} of them with landmarks ({form} to {target})',
        file=sys.stderr,
    )
    summary = problems.summary()
    if summary:
        print(summary, file=sys.stderr)
    if any(lost.values()):
        counts = ', '.join(f'{count} {what}' for what, count in lost.most_common() if count)
        print(f'lost, because {target} cannot hold them: {counts}', file=sys.stderr)
    return problems
