from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness import Project

DOCKER = """\
#!{python}
import json, pathlib, sys
pathlib.Path({folder!r}, "asked.json").write_text(json.dumps([sys.argv[1:], sys.stdin.read()]))
print({says!r} or "nothing")
raise SystemExit({code})
"""


def install(project: Project, *, says: str = "Login Succeeded", code: int = 0) -> Path:
    """A `docker` that writes down what it is told."""
    path = project.folder / "my-docker"
    path.write_text(DOCKER.format(python=sys.executable, folder=str(project.folder), says=says, code=code))
    path.chmod(0o755)
    project.environ["WRANGLER_DOCKER_BIN"] = str(path)
    return project.folder / "asked.json"


def test_docker_is_handed_a_minted_password(two_environments: Project) -> None:
    import json

    asked = install(two_environments)
    ended = two_environments.run("images", "login")
    assert ended.code == 0, ended.err
    words, password = json.loads(asked.read_text())
    host = f"127.0.0.1:{two_environments.server.port}"
    assert words == ["login", "--password-stdin", "--username", "v1", host]
    assert password
    assert password not in ended.out + ended.err
    [minted] = two_environments.world("credential")
    assert set(minted["permissions"]) == {"pull", "push"}


def test_a_refusal_shows_what_docker_said_and_no_password(two_environments: Project) -> None:
    install(two_environments, says="Error: no such host", code=1)
    ended = two_environments.run("images", "login", "--pull-only")
    assert ended.code == 1
    assert "`docker login` failed: Error: no such host" in ended.err
    [minted] = two_environments.world("credential")
    assert minted["permissions"] == ["pull"]


@pytest.mark.parametrize(
    ("args", "docker", "code", "said"),
    [
        ((), "/nowhere/docker", 1, "WRANGLER_DOCKER_BIN is /nowhere/docker"),
        (("--local",), "", 3, "start `reconciler emulator`"),
    ],
)
def test_what_stands_in_the_way_is_said(
    two_environments: Project, args: tuple[str, ...], docker: str, code: int, said: str
) -> None:
    two_environments.environ["WRANGLER_DOCKER_BIN"] = docker
    ended = two_environments.run("images", "login", *args)
    assert ended.code == code
    assert said in ended.err
    assert two_environments.world("credential") == []
