"""The XML form of dlib's imglab: images with boxes, and points as their parts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.landmarks import FacePoints
from faceresearch.datasets.parsers.wider import read_text
from faceresearch.errors import UserError


def read_dlib_xml(path: Path, problems: Problems) -> list[FacePoints]:
    """Read an imglab file: one :class:`FacePoints` for each box with parts; the parts are ordered by their numbers.

    A box without parts, or with ``ignore``, is passed over; one that lacks some numbers is counted as malformed.
    Entities, which a file might multiply beyond all memory, are refused.

    Raises:
        UserError: the file cannot be read, or is no XML.
    """
    reader = _Reader(problems)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = _refuse
    reader.parser = parser
    try:
        parser.Parse(read_text(path).encode('utf-8'), True)
    except expat.ExpatError as error:
        raise UserError(f'{path}:{error.lineno}: not XML ({expat.errors.messages[error.code]})') from error
    except _EntityError as error:
        raise UserError(f'{path}: declares the entity {error}; such files are not read') from error
    return reader.faces


class _EntityError(Exception):
    pass


def _refuse(name: str, *rest: Any) -> None:
    raise _EntityError(name)


class _Reader:
    """Collects faces while the parser goes through the file."""

    def __init__(self, problems: Problems) -> None:
        self.parser: Any = None
        self.problems = problems
        self.faces: list[FacePoints] = []
        self.image: str | None = None
        self.size: tuple[int, int] | None = None
        self.box: dict[str, str] | None = None
        self.parts: dict[str, tuple[float, float]] = {}
        self.line = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        if tag == 'image':
            self.image = safe_name(attributes.get('file', ''))
            if self.image is None:
                self.problems.add('path leaves the image folder', self.parser.CurrentLineNumber)
            height, width = (attributes.get(key, '') for key in ('height', 'width'))
            self.size = (int(height), int(width)) if height.isdigit() and width.isdigit() else None
        elif tag == 'box':
            self.box, self.parts, self.line = attributes, {}, self.parser.CurrentLineNumber
        elif tag == 'part' and self.box is not None:
            self.parts[attributes.get('name', '')] = (_number(attributes, 'x'), _number(attributes, 'y'))

    def end(self, tag: str) -> None:
        """Close an element; a box is a face."""
        if tag != 'box' or self.box is None:
            return
        box, self.box = self.box, None
        if self.image is None or not self.parts or box.get('ignore') == '1':
            return
        names = sorted(self.parts, key=lambda name: int(name) if name.isdigit() else -1)
        if [name.lstrip('0') or '0' for name in names] != [str(number) for number in range(len(names))]:
            self.problems.add('parts are not numbered from 0', self.line, self.image)
            return
        left, top = _number(box, 'left'), _number(box, 'top')
        corners = np.array([left, top, left + _number(box, 'width'), top + _number(box, 'height')])
        points = np.array([self.parts[name] for name in names])
        self.faces.append(FacePoints(self.image, points, box=corners, line=self.line, size=self.size))


def _number(attributes: dict[str, str], key: str) -> float:
    try:
        return float(attributes.get(key, 'nan'))
    except ValueError:
        return math.nan
