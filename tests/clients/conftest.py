from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from reconciler.clients.registry import CHUNK_SIZE, Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.registry_access import mint
from reconciler.emulator.server import LocalServer
from tests.clients.clock import Clock
from tests.clients.faulty_registry import FaultyRegistry, running

ACCOUNT = "a" * 32
HOST = "registry.cloudflare.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faulty() -> Iterator[FaultyRegistry]:
    with running() as registry:
        yield registry


@pytest.fixture
def connect(faulty: FaultyRegistry, clock: Clock) -> Iterator[Callable[..., Registry]]:
    """Makes clients of the faulty registry, with the login `user:<password>` or none."""
    opened: list[Registry] = []

    def connected(password: str = "", chunk_size: int = CHUNK_SIZE) -> Registry:
        found = Credentials("user", password) if password else None
        opened.append(
            Registry(faulty.host, credentials=lambda: found, sleep=clock.sleep, chunk_size=chunk_size)
        )
        return opened[-1]

    yield connected
    for registry in opened:
        registry.close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def drive(emulator: LocalServer, method: str, page: str, document: Any = None) -> Any:
    """Asks one of the emulator's own pages."""
    content = None if document is None else json.dumps(document).encode()
    headers = {"Content-Type": "application/json"}
    url = f"http://127.0.0.1:{emulator.port}/emulator/{page}"
    with urlopen(Request(url, content, headers, method=method)) as answer:
        return json.loads(answer.read() or b"null")


@pytest.fixture
def managed(emulator: LocalServer, clock: Clock) -> Iterator[Registry]:
    """Cloudflare's registry, played by the emulator under its public name."""
    password = mint(emulator.world, ACCOUNT, ["pull", "push"], minutes=15)
    with Registry(
        HOST,
        credentials=lambda: Credentials("v1", password),
        endpoint=f"http://127.0.0.1:{emulator.port}",
        sleep=clock.sleep,
    ) as registry:
        yield registry


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's docker-registry on a free port; gives its host."""
    with debian_registry(tmp_path_factory.mktemp("docker-registry")) as host:
        yield host


@contextmanager
def debian_registry(folder: Path, auth: str = "{}") -> Iterator[str]:
    """Debian's docker-registry, its data in a folder; `auth` says how it wants to be told who asks."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    port = free_port()
    process = subprocess.Popen(
        [program, "serve", str(_configuration(folder, port, auth))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await_answer(f"http://127.0.0.1:{port}/v2/")
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _configuration(folder: Path, port: int, auth: str) -> Path:
    path = folder / "config.yml"
    path.write_text(
        "version: 0.1\n"
        "log: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
        f"auth: {auth}\n"
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(url: str) -> None:
    for _ in range(200):
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError:  # one that wants a login has answered, too
            return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("docker-registry did not start")
