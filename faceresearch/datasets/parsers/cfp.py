"""The protocol files of Celebrities in Frontal-Profile (Sengupta et al., WACV 2016)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.pairs import PairLines
from faceresearch.errors import UserError

CFPProtocol = Literal['FF', 'FP']
_IMAGES = '../Data/Images/'


def read_cfp_pairs(folder: str | Path, protocol: CFPProtocol) -> tuple[PairLines, list[Problems]]:
    """Read the ten splits of a protocol, frontal-frontal or frontal-profile.

    Args:
        folder: ``Protocol``, with ``Pair_list_F.txt``, ``Pair_list_P.txt`` and ``Split``.
        protocol: ``FF`` or ``FP``.

    Returns:
        Pairs of paths below ``Data/Images`` with the split as fold (1 … 10), and the lines skipped in each file.

    Raises:
        UserError: files are missing or hold no pair.
    """
    folder = Path(folder)
    lists, problems = {}, []
    for letter in sorted(set(protocol)):
        lists[letter], found = _read_list(folder / f'Pair_list_{letter}.txt')
        problems.append(found)
    left, right = lists[protocol[0]], lists[protocol[1]]
    pairs = PairLines()
    splits = sorted(path for path in (folder / 'Split' / protocol).glob('*') if path.name.isdecimal())
    if not splits:
        raise UserError(
            f'{folder / "Split" / protocol}: no splits; unpack the official archive of CFP, or set data_root'
        )
    for split in splits:
        for name in ('same', 'diff'):
            found = Problems(split / f'{name}.txt')
            for number, words in _numbered(found.file, ','):
                known = len(words) == 2 and all(word in table for word, table in zip(words, (left, right)))
                if not known:
                    found.add('line that names no two images', number, ','.join(words)[:60])
                    continue
                pairs.first.append(left[words[0]])
                pairs.second.append(right[words[1]])
                pairs.issame.append(name == 'same')
                pairs.folds.append(int(split.name))
            problems.append(found)
    if not pairs.issame:
        raise UserError(f'{folder / "Split" / protocol}: the splits hold no pair')
    return pairs, [p for p in problems if p.counts]


def _read_list(path: Path) -> tuple[dict[str, str], Problems]:
    """Read lines of a number and a path."""
    found, problems = {}, Problems(path)
    for number, words in _numbered(path, None):
        name = words[1].replace('\\', '/') if len(words) == 2 else ''
        image = safe_name(name.removeprefix(_IMAGES))
        if not words[0].isdecimal() or image is None:
            problems.add('malformed line', number, ' '.join(words)[:60])
            continue
        found[words[0]] = image
    return found, problems


def _numbered(path: Path, separator: str | None) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise UserError(f'{path}: {reason}; unpack the official archive of CFP, or set data_root') from error
    lines = enumerate(text.splitlines(), 1)
    return [(n, [word.strip() for word in line.strip().split(separator)]) for n, line in lines if line.strip()]
