"""Lists of pairs of faces: LFW's pairs.txt, and lists of two paths and whether they show one person."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.images import IMAGE_SUFFIX
from faceresearch.errors import UserError

#: Lists of pairs are short; what is longer is something else.
MAX_FILE_BYTES = 512 * 2**20
_BLANKS = re.compile(r'[\s,]+')


@dataclass
class PairLines:
    """The pairs of a file.

    Attributes:
        first: image of each pair, a path below the image folder, without suffix in LFW's form.
        second: the other one.
        issame: whether they show one person.
        folds: number of each pair's fold, where the file says; empty otherwise.
    """

    first: list[str] = field(default_factory=list)
    second: list[str] = field(default_factory=list)
    issame: list[bool] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)


def read_pair_lines(path: str | Path, template: str = '{name}/{name}_{number:04d}') -> tuple[PairLines, Problems]:
    """Read a list of pairs.

    Forms, told apart line by line: ``name n m`` and ``name n other m`` (LFW; words are separated by tabs, or by blanks
    where there is no tab), and ``issame path path`` (also with commas). A first line of one or two numbers, LFW's
    folds and pairs of a kind in each, or of words that are no pair, is a heading.

    Args:
        path: the file.
        template: path of an image of LFW's form, without suffix, made of ``name`` and ``number``.

    Returns:
        The pairs, and the lines that were skipped.

    Raises:
        UserError: the file cannot be read, or holds no pair.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UserError(f'{path}: {path.stat().st_size} bytes are too many for a list of pairs')
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise UserError(f'{path}: {reason}; a list of pairs is expected there') from error
    found, problems, block, seen = PairLines(), Problems(path), 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = [word.strip() for word in line.split('\t')] if '\t' in line else _BLANKS.split(line.strip())
        if number == 1 and _is_heading(words):
            block = _pairs_of_fold(words)
            continue
        fold = seen // block if block else -1
        seen += 1
        pair = _paths(words) or _lfw(words, template)
        if pair is None:
            problems.add('malformed line', number, line.strip()[:60])
            continue
        found.first.append(pair[0])
        found.second.append(pair[1])
        found.issame.append(pair[2])
        if block:
            found.folds.append(fold)
    if not found.issame:
        raise UserError(f'{path}: holds no pair; {problems.summary() or "it is empty"}')
    return found, problems


def _is_heading(words: list[str]) -> bool:
    if all(word.isdecimal() for word in words):
        return len(words) <= 2
    return not any(word.isdecimal() for word in words)


def _pairs_of_fold(words: list[str]) -> int:
    """LFW's heading is folds and pairs of each kind in a fold; that of one number, pairs of each kind, has one fold."""
    return 2 * int(words[1]) if len(words) == 2 and words[1].isdecimal() and int(words[0]) > 1 else 0


def _lfw(words: list[str], template: str) -> tuple[str, str, bool] | None:
    if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal():
        names, numbers = (words[0], words[0]), (words[1], words[2])
    elif len(words) == 4 and words[1].isdecimal() and words[3].isdecimal():
        names, numbers = (words[0], words[2]), (words[1], words[3])
    else:
        return None
    if max(map(len, numbers)) > 9:
        return None
    first, second = (safe_name(template.format(name=n, number=int(k))) for n, k in zip(names, numbers))
    return None if first is None or second is None else (first, second, names[0] == names[1])


def _paths(words: list[str]) -> tuple[str, str, bool] | None:
    if len(words) != 3 or words[0] not in ('0', '1') or not all('/' in w or IMAGE_SUFFIX.search(w) for w in words[1:]):
        return None
    first, second = safe_name(words[1]), safe_name(words[2])
    return None if first is None or second is None else (first, second, words[0] == '1')
