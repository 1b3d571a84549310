"""The places where a state can lie, each for real, so that one suite can run over all of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from werkzeug.serving import make_server

from reconciler.storage.disk import Disk
from reconciler.storage.encryption import Encrypted, EncryptionKey, Keyring
from reconciler.storage.envelope import Envelope, Plain
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from reconciler.storage.remote.lease import Timing
from reconciler.storage.remote.shelf import Shelf
from reconciler.storage.remote.store import RemoteStore
from reconciler.storage.store import Store
from tests.storage import samples

KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "whatever", "AWS_REGION": "us-east-1"}
BUCKET = "shop-state"


@dataclass(frozen=True)
class Place:
    """One place; `open` gives a store there, as another process would open it."""

    name: str
    folder: Path
    shelf: Callable[[str], Shelf] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    envelope: Envelope = field(default_factory=Plain)

    def open(self, identity: Identity = samples.SHOP, timing: Timing | None = None) -> Store:
        if self.shelf is None:
            return LocalStore(
                self.folder / "state",
                identity,
                marks=self.folder / "marks",
                envelope=self.envelope,
                now=lambda: samples.NOW,
            )
        return RemoteStore(
            self.name,
            self.shelf(f"shop/{identity.environment or 'default'}"),
            identity,
            marks=HighWaterMarks(self.folder / "marks", Disk()),
            envelope=self.envelope,
            timing=timing or Timing(beats=False),
            now=lambda: samples.NOW,
            **self.options,
        )

    def under(self, *keys: EncryptionKey | None, accepts_plain: bool = False) -> Place:
        """The same place under another keyring: the key that is written with, then those that are only read with."""
        return replace(self, envelope=sealed(*keys, accepts_plain=accepts_plain))

    def elsewhere(self) -> Place:
        """The same place, as seen by a user who never saw anything of it."""
        return replace(self, folder=self.folder / "elsewhere")


def key(number: int) -> EncryptionKey:
    return EncryptionKey(bytes([number]) * 32)


def sealed(*keys: EncryptionKey | None, accepts_plain: bool = False) -> Encrypted:
    present, *earlier = keys
    ring = Keyring(present, tuple(it for it in earlier if it is not None))
    return Encrypted(lambda: ring, accepts_plain=accepts_plain)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application, one request at a time: the conditions of a write are then looked at and met in one go."""
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def bucket(*, lies: bool = False) -> Iterator[str]:
    """An S3 with one bucket; one that lies takes every write, whatever its conditions."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    app = DomainDispatcherApplication(create_backend_app)
    with served(without_conditions(app) if lies else app) as url:
        make_bucket(url)

        yield url


def make_bucket(url: str) -> None:
    import boto3  # type: ignore[import-untyped]

    boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="someone",
        aws_secret_access_key="whatever",
    ).create_bucket(Bucket=BUCKET)


def without_conditions(app: Any) -> Any:
    def liar(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        environ.pop("HTTP_IF_MATCH", None)
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return liar


@dataclass
class StateServer:
    """Terraform's state protocol at any path, as GitLab's docs tell it: LOCK or POST to lock, one lock, an ID for each write.

    `checks_ids`: a POST with another ID than the lock's is refused; `locks`: LOCK means something; `quirks`: like GitLab, it
    tells of the asking one's Info instead of the holder's, and takes no serial twice.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    locks: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # `before`, `after` or empty, one for each request
    keeps_locks: bool = True
    checks_ids: bool = True
    quirks: bool = False
    authorization: str = ""

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        fault = self.faults.pop(0) if self.faults else ""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            fault = "before"  # whoever sent it was killed meanwhile
        status, answer = (502, b"") if fault == "before" else self._answer(method, path, body, environ)
        if fault == "after":
            status, answer = 502, b"<html>"
        start(f"{status} Said", [("Content-Type", "application/json"), ("Date", formatdate(usegmt=True))])
        return [answer]

    def _answer(self, method: str, path: str, body: bytes, environ: dict[str, Any]) -> tuple[int, bytes]:
        if self.authorization and environ.get("HTTP_AUTHORIZATION") != self.authorization:
            return 401, b""
        name = path.removesuffix("/lock")
        if method == "LOCK" or (method == "POST" and path != name):
            return self._lock(name, json.loads(body))
        if method == "UNLOCK" or (method == "DELETE" and path != name):
            return self._unlock(name, json.loads(body))
        if method == "GET":
            return (200, self.documents[name]) if name in self.documents else (404, b"")
        return self._post(name, body, parse_qs(environ["QUERY_STRING"]).get("ID", [""])[0])

    def _lock(self, name: str, info: dict[str, str]) -> tuple[int, bytes]:
        held = self.locks.get(name)
        if held is None or not self.keeps_locks:
            self.locks[name] = info
            return 200, b""
        told = {**info, "ID": held["ID"], "Who": held["Who"]} if self.quirks else held
        return (409 if self.quirks else 423), json.dumps(told).encode()

    def _unlock(self, name: str, info: dict[str, str]) -> tuple[int, bytes]:
        held = self.locks.get(name)
        if held and held["ID"] != info["ID"]:
            return 409, b""
        self.locks.pop(name, None)
        return 200, b""

    def _post(self, name: str, body: bytes, ticket: str) -> tuple[int, bytes]:
        held = self.locks.get(name)
        if self.checks_ids and held and held["ID"] != ticket:
            return 409, b""
        if self.quirks and name in self.documents:
            serial = json.loads(self.documents[name])["serial"]
            if json.loads(body)["serial"] <= serial:
                return 400, b""
        self.documents[name] = body
        return 200, b""


def postgres_programs() -> Path | None:
    """Debian's PostgreSQL lies outside the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def postgres(programs: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL of its own, on a socket in a folder; it refuses to run as root. Gives how to connect."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if own:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def do(*command: object) -> None:
        subprocess.run([*own, *map(str, command)], check=True, capture_output=True, cwd=folder)

    do(programs / "initdb", "-D", data, "-A", "trust", "-U", "alice", "--no-sync")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=120"
    control = (programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log")
    do(*control, "-o", settings, "start")
    try:
        yield {"host": str(folder), "database": "postgres", "user": "alice"}
    finally:
        do(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
