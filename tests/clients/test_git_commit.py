from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.clients.git_commit import commit_of

WHO = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    ended = subprocess.run(
        ["git", "-C", str(folder), *WHO, *words], env=environ, check=True, capture_output=True, text=True
    )
    return ended.stdout.strip()


def committed(folder: Path) -> str:
    """A repository with everything in the folder, and its commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "all")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "we*b"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "other").write_text("")
    return folder


def found(web: Path, *left_out: Path) -> tuple[str, bool] | None:
    commit = commit_of(web.parent, [web], left_out, os.environ)
    return (commit.sha, commit.dirty) if commit else None


def test_only_what_is_asked_for_makes_a_commit_dirty(web: Path) -> None:
    sha = committed(web.parent)
    assert found(web) == (sha, False)
    (web.parent / "other").write_text("changed")
    assert found(web) == (sha, False)
    (web / "Dockerfile").write_text("FROM x\n")
    assert found(web) == (sha, True)


def test_what_is_not_in_the_commit_makes_it_dirty_unless_left_out(web: Path) -> None:
    sha = committed(web.parent)
    (web / "state").mkdir()
    (web / "state" / "default.json").write_text("{}")
    assert found(web) == (sha, True)
    assert found(web, web / "state") == (sha, False)


def test_without_a_commit_nothing_is_known(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(web.parent.parent))
    assert found(web) is None
    git(web.parent, "init", "-q")
    assert found(web) is None
    assert commit_of(web, [web], [], {"PATH": "/nowhere"}) is None
    assert commit_of(web, [Path("/elsewhere")], [], os.environ) is None
