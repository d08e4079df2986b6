"""Look into recognition sets: sizes and long tails, what a test set shares with a training set, doubtful labels."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.audit.noise import FAR_COSINE, NoiseReport, label_noise, read_embeddings
from faceresearch.datasets.audit.overlap import (
    Duplicate,
    find_duplicates,
    image_identities,
    read_names,
    shared_identities,
)
from faceresearch.datasets.audit.sources import FaceSource, Scan, open_source, scan_source
from faceresearch.datasets.audit.tail import draw_tail, format_tail, tail_statistics
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path


def dataset_stats(
    data: str | Path,
    output: str | Path,
    jobs: int = 1,
    decode: bool = True,
    embeddings: str | Path | None = None,
    far_cosine: float = FAR_COSINE,
    merge_cosine: float = 0.6,
) -> dict[str, Any]:
    """Print and store the statistics of a set.

    Writes ``stats.json``, ``long_tail.png`` and, with embeddings, ``far.txt``, ``misplaced.txt`` and ``merge.txt``.

    Args:
        data: a ``.rec`` file, or a folder with ``train.rec`` or of images.
        output: folder to write.
        jobs: processes that decode.
        decode: look at every image; otherwise only count.
        embeddings: npz with ``names`` and ``embeddings`` of images of the set; adds doubtful labels.
        far_cosine: see :func:`faceresearch.datasets.audit.noise.label_noise`.
        merge_cosine: the same.

    Returns:
        What ``stats.json`` holds.

    Raises:
        UserError: the data or the embeddings cannot be read, or the folder cannot be written.
    """
    source = open_source(data)
    output = Path(output)
    stats = tail_statistics(source.identities)
    print(f'{source.path}: {format_tail(stats)}')
    if decode:
        stats.update(_image_statistics(source, scan_source(source, jobs)))
    if embeddings is not None:
        report, positions = _noise_of(source, embeddings, far_cosine, merge_cosine)
        stats['noise'] = _write_noise(source, report, positions, output)
    if stats['identities']:
        draw_tail(source.identities, output / 'long_tail.png', source.path.name)
    _write_json(output / 'stats.json', stats)
    print(f'written to {output}', file=sys.stderr)
    return stats


def audit_overlap(
    train: str | Path,
    test: str | Path,
    output: str | Path,
    jobs: int = 1,
    max_distance: int = 16,
    train_names: str | Path | None = None,
    test_names: str | Path | None = None,
) -> dict[str, Any]:
    """Print and store what a test set shares with a training set.

    Writes ``clean.txt`` and ``exclude.txt``, names of test images one a line, the second for a pair set's ``exclude``;
    ``duplicates.txt``; ``shared_identities.txt``; and ``audit.json``.

    Args:
        train: training set.
        test: test set, also a ``.bin`` of pairs.
        output: folder to write.
        jobs: processes that decode.
        max_distance: bits in which perceptual hashes of the same photograph may differ.
        train_names: names of the people in the training set, one a line; None: those of its folders.
        test_names: ``image name`` lines for the test set; None: its folders' names.

    Returns:
        What ``audit.json`` holds.

    Raises:
        UserError: a set or a list cannot be read, or the folder cannot be written.
    """
    sources = open_source(train), open_source(test)
    scans = tuple(scan_source(source, jobs) for source in sources)
    duplicates = find_duplicates(sources[0], scans[0], sources[1], scans[1], max_distance)
    known = read_names(train_names) if train_names else sources[0].identity_names
    people = image_identities(sources[1], test_names)
    named = {name for name in people if name is not None}
    compared = bool(known and named)
    shared = shared_identities(known or (), named)
    unclean = {item.test for item in duplicates}
    unclean |= {image for image, person in zip(sources[1].names, people) if person in shared}
    names = sources[1].names
    result: dict[str, Any] = {
        'train_images': len(sources[0].names),
        'test_images': len(names),
        'exact_duplicates': sum(item.distance < 0 for item in duplicates),
        'near_duplicates': sum(item.distance >= 0 for item in duplicates),
        'max_distance': max_distance,
        'test_identities': len(named),
        'shared_identities': len(shared) if compared else None,
        'clean_images': len(names) - len(unclean),
        'unreadable': [len(scan.broken) for scan in scans],
    }
    output = Path(output)
    _write_lines(output / 'clean.txt', [name for name in names if name not in unclean])
    _write_lines(output / 'exclude.txt', [name for name in names if name in unclean])
    _write_lines(output / 'duplicates.txt', ['# test image\ttraining image\tbits', *map(_duplicate_line, duplicates)])
    _write_lines(output / 'shared_identities.txt', sorted(shared))
    _write_json(output / 'audit.json', result)
    print(_format_audit(result, output))
    return result


def _duplicate_line(item: Duplicate) -> str:
    return f'{item.test}\t{item.train}\t{"same file" if item.distance < 0 else item.distance}'


def _format_audit(result: dict[str, Any], output: Path) -> str:
    tests = result['test_images']
    lines = [
        f'{tests:,} test images against {result["train_images"]:,} training images',
        f'  the same file: {result["exact_duplicates"]:,} ({result["exact_duplicates"] / tests:.2%})',
        f'  nearly the same pixels (at most {result["max_distance"]} of 256 bits): {result["near_duplicates"]:,}'
        f' ({result["near_duplicates"] / tests:.2%})',
    ]
    if result['shared_identities'] is None:
        lines.append(
            '  shared identities: not known; folders or lists with names are wanted (--train-names, --test-names)'
        )
    else:
        share = result['shared_identities'] / max(1, result['test_identities'])
        lines.append(
            f'  shared identities: {result["shared_identities"]:,} of {result["test_identities"]:,} ({share:.2%})'
        )
    if any(result['unreadable']):
        lines.append('  images that cannot be read: {} in training, {} in test'.format(*result['unreadable']))
    lines.append(f'  clean test images: {result["clean_images"]:,}; the others: exclude={output / "exclude.txt"}')
    return '\n'.join(lines)


def _image_statistics(source: FaceSource, scan: Scan) -> dict[str, Any]:
    readable = scan.sizes[scan.sizes.all(1)]
    common = Counter(map(tuple, readable.tolist())).most_common(5)
    digests = np.unique(scan.digests[scan.sizes.all(1)], axis=0) if len(readable) else readable
    repeated = len(readable) - len(digests)
    result: dict[str, Any] = {
        'sizes': [{'height': h, 'width': w, 'images': n} for (h, w), n in common],
        'repeated': repeated,
        'broken': len(scan.broken),
        'broken_images': list(scan.broken.values())[:100],
    }
    shown = ', '.join(f'{w} x {h}: {n:,}' for (h, w), n in common)
    print(f'\nsizes (width x height): {shown or "none"}{", …" if len(common) == 5 else ""}')
    print(f'files that are in it before, byte for byte: {repeated:,}')
    print(f'images that cannot be read: {len(scan.broken):,}', *list(scan.broken.values())[:3], sep='\n  ')
    return result


def _noise_of(
    source: FaceSource, path: str | Path, far_cosine: float, merge_cosine: float
) -> tuple[NoiseReport, np.ndarray]:
    names, embeddings = read_embeddings(path)
    number = {name: i for i, name in enumerate(source.names)}
    positions = np.array([number.get(name, -1) for name in names], np.int64)
    usable = positions >= 0
    usable[usable] = source.identities[positions[usable]] >= 0
    if not usable.any():
        raise UserError(f'{path}: names no image of {source.path}, such as {source.names[0]!r}; it has {names[:1]}')
    if not usable.all():
        print(
            f'{path}: {int((~usable).sum()):,} of {len(names):,} names are no image of known identity', file=sys.stderr
        )
    positions = positions[usable]
    return label_noise(embeddings[usable], source.identities[positions], far_cosine, merge_cosine), positions


def _write_noise(source: FaceSource, report: NoiseReport, positions: np.ndarray, output: Path) -> dict[str, Any]:
    names = [source.names[i] for i in positions.tolist()]
    people = source.identity_names or [str(i) for i in range(int(source.identities.max()) + 1)]
    far = [f'{names[i]}\t{cosine:.4f}' for i, cosine in report.far]
    misplaced = [
        f'{names[i]}\t{people[a]}\t{people[b]}\t{own:.4f}\t{other:.4f}' for i, a, b, own, other in report.misplaced
    ]
    merge = [f'{people[a]}\t{people[b]}\t{cosine:.4f}' for a, b, cosine in report.merge]
    _write_lines(output / 'far.txt', ['# image\tcosine to its class', *far])
    _write_lines(
        output / 'misplaced.txt', ['# image\tits class\tnearer class\tcosine\tcosine to the nearer', *misplaced]
    )
    _write_lines(output / 'merge.txt', ['# class\tclass\tcosine of their centres', *merge])
    print(f'\ncosine of an image to the centre of the others of its class: mean {report.cosine_mean:.3f}')
    print(f'images far from their class: {len(far):,}; nearer to another class: {len(misplaced):,}')
    print(f'pairs of classes that may be one person: {len(merge):,}')
    return {
        'images': len(names),
        'cosine_mean': report.cosine_mean,
        'far': len(far),
        'misplaced': len(misplaced),
        'merge': len(merge),
    }


def _write_lines(path: Path, lines: list[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8', errors='surrogateescape')


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8', errors='surrogateescape')
