"""A GitHub and a GitLab for tests: comments, commits, runs and what they kept, with their ways of paging and refusing."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN = "ghs_t0ken-of-the-job"
Answer = tuple[int, Any]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class GitHost:
    """What the host holds; `me` is whose token it is, "" for one that is told nothing about itself."""

    me: str = "github-actions[bot]"
    knows_me: bool = False
    page_size: int = 100
    says_more: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    pipelines: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[tuple[str, int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    before_answering: Callable[[Asked], None] = lambda _asked: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def write(self, body: str, author: str = "") -> dict[str, Any]:
        """A comment that is there already."""
        number = len(self.comments) + 101
        name = author or self.me
        made = {"id": number, "body": body, "user": {"login": name}, "author": {"username": name}}
        made["html_url"] = f"https://git.example/o/r/pull/7#issuecomment-{number}"
        self.comments.append(made)
        return made

    def keep(self, commit: str, data: bytes, name: str = "reconciler-plan", **other: Any) -> None:
        """An artefact of a run."""
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("plan.json", data)
        number = len(self.artifacts) + 1
        self.files[f"zip/{number}"] = held.getvalue()
        run = {"head_sha": commit, "repository_id": 1, "head_repository_id": 1}
        made = {"id": number, "name": name, "expired": False, "created_at": f"2026-11-2{number}"}
        self.artifacts.append({**made, "workflow_run": run, **other})

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of every request that changes something."""
        return [(one.method, urlsplit(one.path).path) for one in self.asked if one.method != "GET"]

    @property
    def bodies(self) -> list[str]:
        """The texts of all comments."""
        return [one["body"] for one in self.comments]

    # what is answered

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        """Answers a request as the host would."""
        parts = urlsplit(asked.path)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        for fault in self.faults:
            if re.search(fault[0], f"{asked.method} {path}"):
                self.faults.remove(fault)
                return fault[1], fault[2], json.dumps(fault[3]).encode()
        if path.startswith("/blob/"):
            return 200, {}, self.files[path.removeprefix("/blob/")]
        if found := re.fullmatch(r"/repos/o/r/actions/artifacts/(\d+)/zip", path):
            return 302, {"Location": f"{self.elsewhere}/blob/zip/{found[1]}"}, b""
        if found := re.fullmatch(r"/projects/7/jobs/(\d+)/artifacts/(.+)", path):
            held = self.files.get(f"{found[1]}/{found[2]}")
            return (200, {}, held) if held is not None else (404, {}, b'{"message": "404 Not Found"}')
        status, document = self._document(asked, path, query)
        headers: dict[str, str] = {}
        if isinstance(document, list):
            document, headers = self._page(document, query)
        return status, headers, b"" if document is None else json.dumps(document).encode()

    @property
    def elsewhere(self) -> str:
        """Where files lie: another host, which is not to see the token."""
        return self.url.replace("127.0.0.1", "localhost")

    def _page(self, members: list[Any], query: dict[str, str]) -> tuple[list[Any], dict[str, str]]:
        size, number = min(self.page_size, int(query.get("per_page", 30))), int(query.get("page", 1))
        here = members[(number - 1) * size : number * size]
        more = number * size < len(members)
        if not self.says_more:
            return here, {}
        if "PRIVATE-TOKEN" in self.asked[-1].headers:
            return here, {"X-Next-Page": str(number + 1) if more else ""}
        return here, {"Link": f'<{self.url}/somewhere?page={number + 1}>; rel="next"'} if more else {}

    def _document(self, asked: Asked, path: str, query: dict[str, str]) -> Answer:
        method, body = asked.method, asked.body or {}
        if path == "/user":
            who = {"login": self.me, "username": self.me}
            return (
                (200, who) if self.knows_me else (403, {"message": "Resource not accessible by integration"})
            )
        if re.fullmatch(r"/repos/o/r/issues/7/comments|/projects/7/merge_requests/7/notes", path):
            return (200, list(self.comments)) if method == "GET" else (201, self.write(body["body"]))
        if found := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)|/projects/7/.*/notes/(\d+)", path):
            return self._one(method, int(found[1] or found[2]), body)
        if re.search(r"/commits/\w+/(pulls|merge_requests)$", path):
            return 200, self.pulls
        if path == "/repos/o/r/actions/artifacts":
            return 200, {"artifacts": [one for one in self.artifacts if one["name"] == query["name"]]}
        if path == "/projects/7/merge_requests/7/pipelines":
            return 200, [{"id": number} for number in sorted(self.pipelines, reverse=True)]
        if found := re.fullmatch(r"/projects/7/pipelines/(\d+)/jobs", path):
            return 200, self.pipelines[int(found[1])]
        return 404, {"message": "Not Found"}

    def _one(self, method: str, number: int, body: Any) -> Answer:
        one = next((one for one in self.comments if one["id"] == number), None)
        if one is None:
            return 404, {"message": "Not Found"}
        if one["user"]["login"] != self.me:
            return 403, {"message": "Must have admin rights to Repository."}
        if method == "DELETE":
            self.comments.remove(one)
            return 204, None
        one["body"] = body["body"]
        return 200, one


@contextmanager
def served(host: GitHost) -> Iterator[str]:
    """The host over HTTP on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.upper(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            with host.lock:
                host.asked.append(asked)
                host.before_answering(asked)
                status, extra, content = host.answer(asked)
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        host.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield host.url
        finally:
            server.shutdown()
            thread.join()
