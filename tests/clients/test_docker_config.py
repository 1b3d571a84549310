from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.docker_config import docker_credentials
from reconciler.clients.registry_auth import Credentials
from reconciler.errors import AuthenticationError


def auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def write(tmp_path: Path, config: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))


def write_helper(tmp_path: Path, name: str, script: str) -> None:
    path = tmp_path / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_a_file_there_are_no_credentials(environ: dict[str, str]) -> None:
    assert docker_credentials("ghcr.io", environ) is None


def test_the_file_of_the_home_is_read(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    write(tmp_path / ".docker", {"auths": {"ghcr.io": auth("me", "pw")}})
    assert docker_credentials("ghcr.io", {"HOME": str(tmp_path)}) == Credentials("me", "pw")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("ghcr.io", "ghcr.io"),
        ("ghcr.io", "https://ghcr.io"),
        ("ghcr.io", "https://ghcr.io/v1/"),
        ("localhost:5000", "localhost:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
    ],
)
def test_a_host_is_found_under_all_its_names(
    tmp_path: Path, environ: dict[str, str], host: str, key: str
) -> None:
    write(tmp_path, {"auths": {"other.io": auth("x", "y"), key: auth("me", "p:w")}})
    assert docker_credentials(host, environ) == Credentials("me", "p:w")


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"username": "me", "password": "pw"}, Credentials("me", "pw")),
        ({"identitytoken": "t"}, Credentials("", "", identity_token="t")),
        ({"registrytoken": "t"}, Credentials("", "", registry_token="t")),
        ({}, None),
        ({"auth": ""}, None),
        ("x", None),
    ],
)
def test_every_form_of_an_entry_is_read(
    tmp_path: Path, environ: dict[str, str], entry: Any, found: Credentials | None
) -> None:
    write(tmp_path, {"auths": {"ghcr.io": entry}})
    assert docker_credentials("ghcr.io", environ) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"auths": {"ghcr.io": {"auth": "%%"}}}',
        '{"auths": {"ghcr.io": {"auth": "bm9jb2xvbg=="}}}',
    ],
)
def test_a_damaged_file_is_named_and_not_shown(tmp_path: Path, environ: dict[str, str], text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(AuthenticationError, match=r"config\.json cannot be read") as caught:
        docker_credentials("ghcr.io", environ)
    assert "bm9jb2xvbg" not in str(caught.value)


def test_the_helper_of_the_host_comes_first(tmp_path: Path, environ: dict[str, str]) -> None:
    write_helper(tmp_path, "mine", 'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"pw\\"}"')
    write_helper(tmp_path, "general", "exit 1")
    write(tmp_path, {"credHelpers": {"ghcr.io": "mine"}, "credsStore": "general"})
    assert docker_credentials("ghcr.io", environ) == Credentials("ghcr.io", "pw")


def test_a_helper_is_asked_for_docker_hub_by_its_old_name(tmp_path: Path, environ: dict[str, str]) -> None:
    write_helper(tmp_path, "store", 'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"pw\\"}"')
    write(tmp_path, {"credsStore": "store"})
    found = docker_credentials("docker.io", environ)
    assert found is not None
    assert found.username == "https://index.docker.io/v1/"


def test_a_helper_may_give_an_identity_token(tmp_path: Path, environ: dict[str, str]) -> None:
    write_helper(tmp_path, "store", """echo '{"Username": "<token>", "Secret": "t"}'""")
    write(tmp_path, {"credsStore": "store"})
    assert docker_credentials("ghcr.io", environ) == Credentials("", "", identity_token="t")


def test_a_helper_that_knows_nothing_leaves_the_file(tmp_path: Path, environ: dict[str, str]) -> None:
    write_helper(tmp_path, "store", "echo credentials not found in native keychain; exit 1")
    write(tmp_path, {"credsStore": "store", "auths": {"ghcr.io": auth("me", "pw")}})
    assert docker_credentials("ghcr.io", environ) == Credentials("me", "pw")


@pytest.mark.parametrize("script", ["echo s3cret; exit 1", "echo s3cret >&2; exit 2", "echo s3cret"])
def test_what_a_failed_helper_prints_is_not_shown(
    tmp_path: Path, environ: dict[str, str], script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    write_helper(tmp_path, "store", script)
    write(tmp_path, {"credsStore": "store"})
    with pytest.raises(
        AuthenticationError, match=r"docker-credential-store gave no credentials for ghcr\.io"
    ) as caught:
        docker_credentials("ghcr.io", environ)
    assert "s3cret" not in str(caught.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("helper", ["absent", "../../bin/sh", "a b"])
def test_a_helper_that_is_not_there_is_named(tmp_path: Path, environ: dict[str, str], helper: str) -> None:
    write(tmp_path, {"credsStore": helper})
    with pytest.raises(AuthenticationError, match="is not installed"):
        docker_credentials("ghcr.io", environ)
