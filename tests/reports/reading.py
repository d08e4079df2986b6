"""Read a page as a browser would: elements, figures, pictures, and what it would fetch."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np

_VOID = ('img', 'meta', 'br', 'link', 'input', 'hr', 'source')
#: Attributes whose value a browser fetches.
_FETCHED = ('src', 'srcset', 'poster', 'data', 'action', 'background')


class ReadPage(HTMLParser):
    """A parsed page; reading fails where elements are not closed in order."""

    def __init__(self, source: str | Path) -> None:
        super().__init__()
        self.text = source.read_text(encoding='utf-8') if isinstance(source, Path) else source
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        #: (row's heading, exact value) of every figure in a table.
        self.figures: list[tuple[str, float]] = []
        self._row = ''
        self.feed(self.text)
        self.close()
        assert not self.open, f'not closed: {self.open}'

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f'{tag} has an attribute twice'
        self.elements.append((tag, attributes))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == 'tr':
            self._row = ''
        if tag == 'data':
            self.figures.append((self._row, float(str(attributes['value']))))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f'</{tag}> closes {self.open[-3:]}'
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if 'th' in self.open and not self._row:
            self._row = data

    @property
    def shown(self) -> str:
        """All text."""
        return ' '.join(' '.join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def images(self) -> list[np.ndarray]:
        """Decode all pictures."""
        decoded = []
        for attributes in self.named('img'):
            kind, _, data = str(attributes['src']).partition(';base64,')
            assert kind in ('data:image/png', 'data:image/jpeg')
            image = cv2.imdecode(np.frombuffer(base64.b64decode(data, validate=True), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            decoded.append(image)
        return decoded


def check_self_contained(page: ReadPage) -> None:
    """Fail where the page would fetch anything, or run anything, and where a picture has no words or does not decode."""
    assert not page.named('script') and not page.named('link') and not page.named('iframe') and not page.named('base')
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith('on'), f'{tag} {name}'
            if name in _FETCHED:
                assert str(value).startswith('data:image/'), f'{tag} {name}={str(value)[:60]}'
            if name == 'href':
                assert str(value).startswith('#'), f'{tag} href={value}'
    style = page.text.partition('<style>')[2].partition('</style>')[0]
    assert style and 'url(' not in style and '@import' not in style
    assert all(attributes.get('alt') for attributes in page.named('img'))
    page.images()
    targets = {attributes['id'] for _, attributes in page.elements if 'id' in attributes}
    assert {str(a['href'])[1:] for a in page.named('a')} <= targets
