"""What `compose` writes, run by Debian's docker-compose: built, started, given its settings, answering on its port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from reconciler.cli.main import run

BUSYBOX = Path("/bin/busybox")
MANIFEST = """\
version: 1
project: shop
images:
  web: {build: code}
secrets: {token: {from: {env: API_TOKEN}}}
applications:
  web:
    image: ${images.web}
    instances: 1
    environment_variables: {STAGE: "test $1"}
    secrets: {TOKEN: "${secrets.token}"}
"""
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY index.html /app/
USER 1000
EXPOSE %d
CMD ["/bin/busybox", "httpd", "-f", "-p", "%d", "-h", "/app"]
"""

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed"),
    pytest.mark.skipif(not BUSYBOX.exists(), reason="busybox-static is not installed"),
]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def folder(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    code = tmp_path / "code"
    code.mkdir()
    shutil.copy(BUSYBOX, code / "busybox")
    (code / "index.html").write_text("it runs")
    (code / "Dockerfile").write_text(DOCKERFILE % (port, port))
    (tmp_path / "containers.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"shop{os.getpid()}")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker daemon (apt-get install docker.io; dockerd &)")
    yield tmp_path
    _compose("down", "--rmi", "local", "--timeout", "0")


def _compose(*words: str) -> str:
    command = ["docker-compose", "-f", "compose.yml", *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_it_runs(folder: Path, port: int) -> None:
    assert run(["compose", "-o", "compose.yml"]) == 0
    (folder / ".env").write_text("API_TOKEN=hush\n")
    _compose("up", "--detach", "--build")
    assert _answer(port) == "it runs"
    said = _compose("exec", "-T", "web", "/bin/busybox", "env").splitlines()
    assert {"STAGE=test $1", "TOKEN=hush"} <= set(said)


def _answer(port: int) -> str:
    for _ in range(100):
        try:
            with urlopen(f"http://127.0.0.1:{port}/") as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nothing answers")
