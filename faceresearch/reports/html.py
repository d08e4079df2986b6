"""HTML from plain text: everything is escaped unless it is markup made here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

#: Elements without content.
_VOID = ('img', 'meta', 'br')
#: No address is ever followed from a page: names of files and classes are other people's text.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup | Iterable['str | Markup']


def tag(name: str, /, *content: Content, **attributes: str | int | bool | None) -> Markup:
    """Return an element.

    Args:
        name: of the element.
        content: text, which is escaped, markup, or iterables of these.
        attributes: escaped; a trailing underscore is dropped (``class_``), other underscores become dashes, True stands
            alone, None and False are left out.
    """
    parts = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written = key.rstrip('_').replace('_', '-')
        parts.append(f' {written}' if value is True else f' {written}="{escape(_printable(str(value)))}"')
    opening = f'<{name}{"".join(parts)}>'
    return Markup(opening) if name in _VOID else Markup(f'{opening}{join(*content)}</{name}>')


def join(*content: Content) -> Markup:
    """Return the contents one after the other, text escaped."""
    parts = []
    for item in content:
        if isinstance(item, str):
            parts.append(item if isinstance(item, Markup) else escape(_printable(item), quote=False))
        else:
            parts.append(join(*item))
    return Markup(''.join(parts))


def table(
    caption: str, head: Sequence[Content], rows: Iterable[Sequence[Content]], class_: str | None = None
) -> Markup:
    """Return a table; the first cell of each row is its heading.

    A row may also be a ``tr`` element, and a cell of the head a ``th`` element.
    """
    columns = tag('tr', [cell if isinstance(cell, Markup) else tag('th', cell, scope='col') for cell in head])
    lines = [
        row if isinstance(row, Markup) else tag('tr', tag('th', row[0], scope='row'), [tag('td', c) for c in row[1:]])
        for row in rows
    ]
    body = tag('table', tag('caption', caption), tag('thead', columns), tag('tbody', lines))
    # Focusable, so that a wide table can be scrolled from the keyboard.
    return tag('div', body, class_=f'scroll {class_ or ""}'.strip(), tabindex='0', role='region', aria_label=caption)


def image(data: bytes, kind: str, alt: str, class_: str | None = None) -> Markup:
    """Return a picture that is part of the page; ``kind`` is ``png`` or ``jpeg``."""
    source = f'data:image/{kind};base64,{base64.b64encode(data).decode("ascii")}'
    return tag('img', src=source, alt=alt, class_=class_)


def figure(picture: Markup, *caption: Content, class_: str | None = None) -> Markup:
    """Return a picture with what is said of it."""
    return tag('figure', picture, tag('figcaption', *caption), class_=class_)


def plot(path: Path, title: str, caption: str) -> Markup:
    """Return a plot (PNG file) with its title and caption."""
    return figure(image(path.read_bytes(), 'png', f'{title}. {caption}', 'plot'), tag('strong', title), ' ', caption)


def section(heading: str, anchor: str, *content: Content) -> Markup:
    """Return a section of a page."""
    return tag('section', tag('h2', heading), *content, id=anchor)


def page(title: str, subtitle: Content, sections: Sequence[tuple[str, str, Content]], style: str) -> str:
    """Return a whole page.

    Args:
        title: of the page.
        subtitle: below it.
        sections: (heading, anchor, content) in order; empty ones are left out.
        style: CSS.
    """
    shown = [(heading, anchor, content) for heading, anchor, content in sections if content]
    head = join(
        tag('meta', charset='utf-8'),
        tag('meta', name='viewport', content='width=device-width, initial-scale=1'),
        tag('meta', http_equiv='Content-Security-Policy', content=_POLICY),
        tag('meta', name='color-scheme', content='light dark'),
        tag('title', title),
        Markup(f'<style>{style}</style>'),
    )
    links = [tag('li', tag('a', heading, href=f'#{anchor}')) for heading, anchor, _ in shown]
    body = join(
        tag('a', 'Skip to the content', href='#content', class_='skip'),
        tag('header', tag('h1', title), tag('p', subtitle)),
        tag('nav', tag('ul', links), aria_label='Sections'),
        tag('main', [section(*entry) for entry in shown], id='content'),
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _printable(text: str) -> str:
    """Replace what a page cannot hold: control characters, and the surrogates of file names that are no UTF-8."""
    clean = ''.join(c if c in '\n\t' or (ord(c) >= 32 and not 0x7F <= ord(c) < 0xA0) else '\ufffd' for c in text)
    return clean.encode('utf-8', 'replace').decode('utf-8')
