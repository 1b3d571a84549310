"""A small registry in this process that fails on request, for what no real one does when asked."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from reconciler.clients.content_digest import digest_of


@dataclass
class Canned:
    """An answer given instead of the right one, to the first `times` requests it matches."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


class Hold:
    """Stops at the request of that number, half of its body read, until somebody lets go; its work is done or is not."""

    def __init__(self, number: int, *, works: bool) -> None:
        self.number = number
        self.works = works
        self.reached = threading.Event()
        self.released = threading.Event()


class FaultyRegistry:
    """What the registry holds, how it fails, and what it was asked."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.uploads: dict[str, bytes] = {}
        self.seen: list[Seen] = []
        self.canned: list[Canned] = []
        self.password = ""
        self.token = ""
        self.realm = ""
        self.takes_chunks = True
        self.cut_patch_after: list[int] = []
        self.cut_blob_after: list[int] = []
        self.drop_after: list[str] = []
        self.keeps_broken_chunks = True
        self.ranges = True
        self.hold: Hold | None = None
        self.numbers = count(1)
        self.lock = threading.Lock()
        self.server = _Server(self)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def settle(self) -> None:
        """Returns once no request is worked on any more."""
        for thread in list(self.server.working):
            thread.join(20)

    def answers(self, method: str, path: str, status: int, times: int = 1, **more: Any) -> None:
        self.canned.append(Canned(method, path, status, times=times, **more))

    def asked(self, method: str, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and re.search(path, seen.path)]

    def canned_for(self, method: str, path: str) -> Canned | None:
        with self.lock:
            for each in self.canned:
                if each.times and each.method == method and re.search(each.path, path):
                    each.times -= 1
                    return each
        return None


@contextmanager
def running() -> Iterator[FaultyRegistry]:
    registry = FaultyRegistry()
    thread = threading.Thread(target=registry.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.server.shutdown()
        registry.server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, registry: FaultyRegistry) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry = registry
        self.working: list[threading.Thread] = []

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, in a thread that others may wait for."""
        self.working.append(threading.current_thread())
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what the tests are about."""


class _CutError(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    @property
    def registry(self) -> FaultyRegistry:
        return cast("_Server", self.server).registry

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stays quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except _CutError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return lambda: self.answer(name.removeprefix("do_"))
        raise AttributeError(name)

    def answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        seen = Seen(
            method, parts.path, parse_qs(parts.query), {k.lower(): v for k, v in self.headers.items()}
        )
        with self.registry.lock:
            self.registry.seen.append(seen)
            number = len(self.registry.seen)
        if method == "PATCH" and self.registry.cut_patch_after:
            self.cut_patch(parts.path, self.registry.cut_patch_after.pop(0))
        if self.registry.hold and self.registry.hold.number == number:
            self.stop_at(self.registry.hold, seen)
        seen.body += self.rfile.read(int(self.headers.get("Content-Length") or 0) - len(seen.body))
        if canned := self.registry.canned_for(method, parts.path):
            return self.reply(canned.status, canned.body, canned.headers)
        if parts.path == "/token":
            return self.give_token(seen)
        if not self.is_let_in():
            return self.challenge()
        return self.operate(seen)

    def stop_at(self, hold: Hold, seen: Seen) -> None:
        seen.body = self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
        hold.reached.set()
        hold.released.wait(20)
        if not hold.works:
            raise _CutError

    def operate(self, seen: Seen) -> None:
        kind = next((k for k in ("/blobs/uploads/", "/blobs/", "/manifests/") if k in seen.path), "")
        name = seen.path.rpartition("/")[2]
        if kind == "/blobs/uploads/":
            return self.upload(seen, seen.path)
        if kind == "/blobs/":
            return self.blob(seen, name)
        if kind == "/manifests/":
            return self.manifest(seen, name)
        return self.reply(404)

    def cut_patch(self, path: str, length: int) -> None:
        received = self.rfile.read(length)
        if self.registry.keeps_broken_chunks:
            self.registry.uploads[path] += received
        raise _CutError

    def upload(self, seen: Seen, path: str) -> None:
        uploads = self.registry.uploads
        if seen.method == "POST":
            with self.registry.lock:
                path = f"{path}{next(self.registry.numbers)}"
                uploads[path] = b""
            return self.reply(202, headers={"Location": f"{path}?state=x"})
        if path not in uploads:
            return self.reply(404)
        if seen.method == "DELETE":
            del uploads[path]
            return self.reply(204)
        if seen.method == "PATCH" and not self.registry.takes_chunks:
            return self.reply(405)
        uploads[path] += seen.body
        if seen.method == "PUT":
            return self.close_upload(seen, uploads.pop(path))
        headers = {"Location": f"{path}?state=x", "Range": f"0-{max(0, len(uploads[path]) - 1)}"}
        return self.reply(202 if seen.method == "PATCH" else 204, headers=headers)

    def close_upload(self, seen: Seen, content: bytes) -> None:
        digest = seen.query["digest"][0]
        if digest_of(content) != digest:
            return self.reply(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "no match"}]}')
        self.registry.blobs[digest] = content
        return self.reply(201)

    def blob(self, seen: Seen, digest: str) -> None:
        content = self.registry.blobs.get(digest)
        if content is None:
            return self.reply(404)
        start = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
        if seen.method == "GET" and self.registry.ranges and start:
            return self.send_blob(206, content[int(start[1]) :])
        return self.send_blob(200, content)

    def send_blob(self, status: int, content: bytes) -> None:
        if self.command == "GET" and self.registry.cut_blob_after:
            self.start(status, {"Content-Length": str(len(content))})
            self.wfile.write(content[: self.registry.cut_blob_after.pop(0)])
            raise _CutError
        self.reply(status, content)

    def manifest(self, seen: Seen, reference: str) -> None:
        manifests = self.registry.manifests
        if seen.method == "PUT":
            digest, media_type = digest_of(seen.body), seen.headers["content-type"]
            manifests[reference] = manifests[digest] = media_type, seen.body
            return self.reply(201, headers={"Docker-Content-Digest": digest})
        if reference not in manifests:
            return self.reply(404)
        media_type, content = manifests[reference]
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(content)}
        return self.reply(200, content, headers)

    def is_let_in(self) -> bool:
        sent = self.headers.get("Authorization", "")
        if self.registry.realm:
            return sent == f"Bearer {self.registry.token}"
        return not self.registry.password or sent == _basic(self.registry.password)

    def challenge(self) -> None:
        wanted = 'Basic realm="test"'
        if self.registry.realm:
            wanted = f'Bearer realm="{self.registry.realm}",service="test"'
        self.reply(401, headers={"WWW-Authenticate": wanted})

    def give_token(self, seen: Seen) -> None:
        if self.registry.password and seen.headers.get("authorization") != _basic(self.registry.password):
            return self.reply(401)
        return self.reply(200, json.dumps({"token": self.registry.token}).encode())

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self.registry.drop_after and self.registry.drop_after[0] == self.command:
            self.registry.drop_after.pop(0)
            raise _CutError
        length = {} if status == 204 else {"Content-Length": str(len(body))}
        self.start(status, length | (headers or {}))
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"user:{password}".encode()).decode()
