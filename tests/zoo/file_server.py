"""An HTTP server on the loopback that sends files well, and in the ways in which real ones fail."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves ``content`` under paths that name the fault.

    ``/good/…`` (with ranges), ``/plain/…`` (without), ``/truncated/…`` (half, then the connection ends), ``/cut-once/…`` (half the
    first time, then good), ``/corrupt/…``, ``/endless/…`` (no length, never ends), ``/stalls/…`` (half, then silence),
    ``/redirect/…`` (to good), ``/elsewhere/…`` (to a file: address), ``/busy-once/…`` (503 the first time), ``/404/…``.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.content = content
        self.requests: list[tuple[str, str | None]] = []
        self.stopping = threading.Event()

    def url(self, path: str) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}/{path}'


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = 'HTTP/1.1'

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        first = self.path not in [path for path, _ in self.server.requests]
        self.server.requests.append((self.path, self.headers.get('Range')))
        kind = self.path.split('/')[1]
        content = self.server.content
        if kind == '404':
            self.send_error(404)
        elif kind == 'busy-once' and first:
            self.send_error(503)
        elif kind in ('redirect', 'elsewhere'):
            self.send_response(302)
            target = '/good/' + self.path.split('/')[2] if kind == 'redirect' else 'file:///etc/hostname'
            self.send_header('Location', target)
            self.send_header('Content-Length', '0')
            self.end_headers()
        elif kind == 'corrupt':
            self._send(content[:-1] + bytes([content[-1] ^ 1]))
        elif kind == 'truncated' or (kind == 'cut-once' and first):
            self._send(content, len(content) // 2)
        elif kind == 'stalls':
            self._send(content, len(content) // 2, wait=True)
        elif kind == 'endless':
            self._endless()
        elif kind == 'plain':
            self._send(content)
        else:
            self._range(content)

    def _range(self, content: bytes) -> None:
        wanted = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range', ''))
        if not wanted:
            self._send(content)
        elif int(wanted[1]) >= len(content):
            self.send_error(416)
        else:
            self._send(content, start=int(wanted[1]))

    def _send(self, content: bytes, end: int | None = None, start: int = 0, wait: bool = False) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(content) - 1}/{len(content)}')
        self.send_header('Content-Length', str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:end])
        self.wfile.flush()
        if wait:
            self.server.stopping.wait(20)
        if end is not None:
            self.close_connection = True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header('Connection', 'close')
        self.end_headers()
        self.close_connection = True
        deadline = time.monotonic() + 5
        try:
            while time.monotonic() < deadline:
                self.wfile.write(bytes(2**16))
        except ConnectionError:
            pass


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """Run a server for the block."""
    server = FileServer(content)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
