"""The decision record's own topology, built by Docker, applied to the local stand-in, and run from what was pushed there.

No hub can be reached: Docker Hub's `python` is played by an image of this machine's Python in a local registry, so a copy of
the example names that registry and that digest in `FROM`, has no frontend fetched, and locks the wheels that are in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.clients.image_copy import copy_image
from reconciler.clients.image_source import RegistrySource
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.registry_access import mint
from reconciler.emulator.server import LocalServer
from tests.clients.images import image, push
from tests.examples.local_python import base_layer, what_is_missing, write_lock
from tests.examples.test_adr_049 import EXAMPLE

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.slow, pytest.mark.timeout(600)]

ACCOUNT = "0" * 32
BASE = "library/python"
TAG = "3.14-slim-trixie"
FROM = re.compile(r"^FROM python:3\.14-slim-trixie@sha256:[0-9a-f]{64}", re.MULTILINE)
SYNTAX = "# syntax=docker/dockerfile:1\n"
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/health').read().decode())"


@pytest.fixture(scope="module")
def base(docker_registry: str) -> str:
    """The stand-in for Docker Hub's image, in a registry of this machine; gives its name with its digest."""
    if missing := what_is_missing():
        pytest.skip(f"{missing} is not installed (apt-get install passwd coreutils busybox-static)")
    with Registry(docker_registry) as registry:
        digest = push(registry, BASE, TAG, image(base_layer()))
    return f"{docker_registry}/{BASE}:{TAG}@{digest}"


@pytest.fixture
def orders(tmp_path: Path, base: str, client: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example in a repository of its own, with the base image that can be had here."""
    folder = tmp_path / "orders"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".reconciler", "__pycache__"))
    for file in (folder / "infra" / "docker").glob("*.Dockerfile"):
        text, count = FROM.subn(f"FROM {base}", file.read_text().removeprefix(SYNTAX))
        assert count == 2
        file.write_text(text)
    write_lock(folder / "requirements.lock")
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "Begin")
    monkeypatch.chdir(folder)
    for name, value in {**client, "DATABASE_URL": "postgres://orders:s3cret@db.example/orders"}.items():
        monkeypatch.setenv(name, value)
    return folder


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", folder, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_it_keeps_every_rule_with_that_base_too(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(("environment", "images"), [("production", {"app"}), ("split", {"api", "workers"})])
def test_it_is_built_and_applied_locally(
    orders: Path,
    environment: str,
    images: set[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(["apply", "--local", "--yes", "-e", environment]) == 0, capsys.readouterr().err
    with LocalServer(orders / ".reconciler" / "local" / "world") as server:
        held = {one["repository"] for one in server.world.all("manifest", ACCOUNT)}
        deployed = {one["configuration"]["image"] for one in server.world.all("application", ACCOUNT)}
    assert held == {f"{ACCOUNT}/orders-{name}" for name in images}
    assert len(deployed) == len(images)
    capsys.readouterr()
    monkeypatch.setenv("WRANGLER_DOCKER_BIN", "/bin/false")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert run(["plan", "--local", "--detailed-exitcode", "-e", environment]) == 0, capsys.readouterr().out


def test_what_was_pushed_runs(orders: Path, docker_registry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", "--local", "--yes", "-e", "production"]) == 0, capsys.readouterr().err
    name = _handed_on(orders / ".reconciler" / "local" / "world", docker_registry)
    started = _docker(
        "run", "--detach", "--network", "none", "--env", "APP_GENERATION=7", "--hostname", "orders", name
    )
    try:
        health = _health(started)
        assert _docker("exec", started, "id", "-u") == "1000"
        _docker("stop", "--time", "20", started)
        assert _docker("inspect", "--format", "{{.State.ExitCode}}", started) == "0"
    finally:
        _docker("rm", "--force", started)
        _docker("rmi", "--force", name)
    assert health["generation"] == "7"
    assert health["sha"] == _git(orders, "rev-parse", "HEAD")
    assert health["requirements_lock_sha"]


def _handed_on(world: Path, host: str) -> str:
    """The image out of the stand-in's registry, in one that Docker can pull from."""
    with LocalServer(world) as server:
        password = mint(server.world, ACCOUNT, ["pull"], minutes=15)
        [stored] = server.world.all("manifest", ACCOUNT)
        with (
            Registry(f"127.0.0.1:{server.port}", credentials=lambda: Credentials("v1", password)) as held,
            Registry(host) as target,
        ):
            source = RegistrySource(held, stored["repository"], stored["digest"])
            digest = copy_image(source, target, "orders/app", ("1",)).digest
    assert digest == stored["digest"]
    return f"{host}/orders/app@{digest}"


def _docker(*words: str) -> str:
    program = os.environ["WRANGLER_DOCKER_BIN"]
    ended = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def _health(container: str) -> Any:
    """What /health answers, once it does."""
    program = os.environ["WRANGLER_DOCKER_BIN"]
    for _ in range(100):
        asked = subprocess.run(
            [program, "exec", container, "python", "-c", ASK], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            return json.loads(asked.stdout)
        time.sleep(0.1)
    logged = subprocess.run([program, "logs", container], capture_output=True, text=True, check=False)
    raise AssertionError(logged.stderr + logged.stdout + asked.stderr)
