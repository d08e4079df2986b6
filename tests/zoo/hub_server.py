"""A hub on the loopback: as much of the Hugging Face hub's interface as pushing and pulling needs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_COMMIT = '0' * 39 + '1'


class Hub(ThreadingHTTPServer):
    """Keeps repositories as ``repos[owner/name][path]``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}'


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = 'HTTP/1.1'

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.server.requests.append(f'POST {self.path}')
        if self.path == '/api/repos/create':
            asked = json.loads(body)
            repo = f'{asked.get("organization") or "me"}/{asked["name"]}'
            self.server.repos.setdefault(repo, {})
            self._json({'url': f'{self.server.url}/{repo}', 'id': repo, 'name': repo})
        elif self.path == '/api/validate-yaml':
            self._json({'errors': [], 'warnings': []})
        elif found := re.fullmatch(r'/api/models/([^/]+/[^/]+)/preupload/main', self.path):
            files = [
                {'path': file['path'], 'uploadMode': 'regular', 'shouldIgnore': False}
                for file in json.loads(body)['files']
            ]
            self._json({'files': files})
        elif found := re.fullmatch(r'/api/models/([^/]+/[^/]+)/commit/main', self.path):
            for line in body.splitlines():
                entry = json.loads(line)
                if entry['key'] == 'file':
                    content = base64.b64decode(entry['value']['content'])
                    self.server.repos[found[1]][entry['value']['path']] = content
            self._json({'commitUrl': f'{self.server.url}/{found[1]}/commit/{_COMMIT}', 'commitOid': _COMMIT})
        elif found := re.fullmatch(r'/api/models/([^/]+/[^/]+)/paths-info/\w+', self.path):
            if (repo := self._repo(found[1])) is not None:
                asked = json.loads(body)['paths'] if body[:1] == b'{' else re.findall(r'paths=([\w.]+)', body.decode())
                self._json(
                    [{'type': 'file', 'path': p, 'size': len(repo[p]), 'oid': _COMMIT} for p in asked if p in repo]
                )
        else:
            self._json({'error': self.path}, 404)

    def do_GET(self) -> None:
        self.server.requests.append(f'{self.command} {self.path}')
        found = re.fullmatch(r'/([^/]+/[^/]+)/resolve/\w+/([\w.]+)', self.path)
        repo = self._repo(found[1]) if found else None
        if found is None or repo is None:
            if found is None:
                self._json({'error': self.path}, 404)
            return
        if found[2] not in repo:
            self._json({}, 404, {'X-Error-Code': 'EntryNotFound'})
            return
        content = repo[found[2]]
        self._send(content, 200, {'ETag': f'"{hashlib.sha256(content).hexdigest()}"', 'X-Repo-Commit': _COMMIT})

    do_HEAD = do_GET

    def _repo(self, name: str) -> dict[str, bytes] | None:
        if name not in self.server.repos:
            self._json({'error': 'Repository not found'}, 404, {'X-Error-Code': 'RepoNotFound'})
        return self.server.repos.get(name)

    def _json(self, content: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(content).encode(), status, {'Content-Type': 'application/json', **(headers or {})})

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content)
