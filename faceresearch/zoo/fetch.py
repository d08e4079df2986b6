"""Fetch a file over HTTP: resumed where it was cut off, checked before it gets its name."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from filelock import FileLock

from faceresearch import __version__
from faceresearch.errors import UserError

_BLOCK = 2**17
#: Bytes; what no published face model reaches. An address that sends more is not what it should be.
MAX_SIZE = 8 * 2**30
#: Called with the bytes there are so far, and with those there will be, if known.
OnProgress = Callable[[int, int | None], None]
_TRY_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_BROKEN = (http.client.HTTPException, ConnectionError, ssl.SSLError)


@dataclass(frozen=True)
class Patience:
    """How much a transfer puts up with.

    Attributes:
        timeout: seconds without a byte after which an attempt is given up.
        attempts: how often it is tried.
        pause: seconds before the second attempt; twice as long before each further one.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0


class _InterruptedError(Exception):
    """The connection failed in a way that another attempt may mend."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects over the web only, and never from https down to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new != 'https' and (new != 'http' or old == 'https'):
            raise UserError(f'{req.full_url}: redirects to {newurl}, which is not safe to follow')
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(
    url: str,
    target: str | Path,
    sha256: str | None = None,
    size: int | None = None,
    on_progress: OnProgress | None = None,
    patience: Patience | None = None,
) -> str:
    """Fetch a file unless it is there already, and return its sha256.

    What has arrived is kept in ``<target>.part``, from which the next attempt, or the next call, goes on. The file
    gets its name only when it is complete and its checksum right. Two processes that want the same file take turns.

    Args:
        url: http or https address.
        target: where the file goes.
        sha256: expected checksum; None accepts what comes.
        size: expected bytes, if known.
        on_progress: is told how far it is.
        patience: with slow and broken connections.

    Raises:
        UserError: the address is gone or not safe, the connection keeps breaking, or the file is not the right one.
    """
    target = Path(target)
    if urlsplit(url).scheme not in ('http', 'https'):
        raise UserError(f'{url}: is no http or https address')
    part = target.with_name(f'{target.name}.part')
    transfer = _Transfer(url, part, size, on_progress or _silent, patience or Patience())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f'{target}.lock'):
            if target.is_file():
                found = file_sha256(target)
                if sha256 in (None, found):
                    return found
            found = transfer.run(sha256)
            part.replace(target)
            return found
    except OSError as error:
        raise UserError(f'cannot write {target}: {error.strerror or error}; choose another folder') from error


def file_sha256(path: str | Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with Path(path).open('rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def _silent(done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class _Transfer:
    """One address on its way to one partial file."""

    url: str
    part: Path
    size: int | None
    on_progress: OnProgress
    patience: Patience

    def run(self, sha256: str | None) -> str:
        """Complete the partial file and return its sha256; a wrong file is deleted."""
        resumed = self.kept() > 0
        found = self._complete()
        if sha256 not in (None, found) and resumed:
            # The beginning was of another file: once more from the start.
            self.part.unlink()
            found = self._complete()
        if sha256 not in (None, found):
            self.part.unlink()
            raise UserError(
                f'{self.url}: what arrived has sha256 {found}, expected is {sha256}; it was deleted.'
                ' The file may have been replaced at its source: do not use it unless you know why'
            )
        return found

    def kept(self) -> int:
        """Return the bytes that are there."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def _complete(self) -> str:
        reason = ''
        for attempt in range(self.patience.attempts):
            if attempt:
                time.sleep(self.patience.pause * 2 ** (attempt - 1))
            try:
                self._attempt()
                return file_sha256(self.part)
            except _InterruptedError as error:
                reason = str(error)
        raise UserError(
            f'{self.url}: {reason} ({self.patience.attempts} attempts); {self.kept():,} bytes are kept, and the next'
            ' call goes on from there'
        )

    def _attempt(self) -> None:
        start = self.kept()
        if self.size is not None and start >= self.size:
            if start == self.size:
                return
            self.part.unlink()
            start = 0
        response = self._open(start)
        if response is None:
            return
        with response:
            described = response.headers.get('Content-Range', '')
            if response.status != HTTPStatus.PARTIAL_CONTENT or not described.startswith(f'bytes {start}-'):
                start = 0  # the whole file comes again
            self._receive(response, start)

    def _open(self, start: int) -> http.client.HTTPResponse | None:
        """Ask for the file from byte ``start`` on; None if the server has nothing beyond."""
        request = urllib.request.Request(self.url, headers={'User-Agent': f'faceresearch/{__version__}'})
        if start:
            request.add_header('Range', f'bytes={start}-')
        try:
            return urllib.request.build_opener(_Redirects).open(request, timeout=self.patience.timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if start and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None  # complete already, or of another file: the checksum decides
            if error.code >= 500 or error.code in _TRY_AGAIN:
                raise _InterruptedError(f'the server answers {error.code} {error.reason}') from error
            raise UserError(f'{self.url}: the server answers {error.code} {error.reason}') from error
        except TimeoutError as error:
            raise self._too_slow() from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._too_slow() from error
            raise _InterruptedError(f'cannot be reached: {error.reason}') from error
        except _BROKEN as error:
            raise _broken(error) from error

    def _receive(self, response: http.client.HTTPResponse, start: int) -> None:
        announced = response.headers.get('Content-Length', '')
        total = start + int(announced) if announced.isdigit() else None
        self._check(start, total)
        done, limit = start, self.size or MAX_SIZE
        with self.part.open('ab' if start else 'wb') as stream:
            self.on_progress(done, total)
            while block := self._read(response):
                done += len(block)
                if done > limit:
                    stream.truncate(0)
                    raise UserError(f'{self.url}: sends more than the {limit:,} bytes expected; it is another file')
                stream.write(block)
                self.on_progress(done, total)
        wanted = total if total is not None else self.size
        if wanted is not None and done < wanted:
            raise _InterruptedError(f'only {done:,} of {wanted:,} bytes arrived')

    def _check(self, start: int, total: int | None) -> None:
        if total is None:
            return
        if self.size not in (None, total) or total > MAX_SIZE:
            raise UserError(f'{self.url}: sends {total:,} bytes, expected are {self.size or MAX_SIZE:,}; another file')
        free = shutil.disk_usage(self.part.parent).free
        if total - start > free:
            raise UserError(f'{self.part.parent}: {free:,} bytes are free, {total - start:,} are needed; make room')

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(_BLOCK)
        except TimeoutError as error:
            raise self._too_slow() from error
        except _BROKEN as error:
            raise _broken(error) from error

    def _too_slow(self) -> _InterruptedError:
        return _InterruptedError(f'nothing arrived for {self.patience.timeout:g} seconds')


def _broken(error: BaseException) -> _InterruptedError:
    return _InterruptedError(f'the connection broke: {error or type(error).__name__}')
