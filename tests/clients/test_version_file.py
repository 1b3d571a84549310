from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.context_files import ContextEntry, Sort
from reconciler.clients.version_file import version_document

NOW = datetime(2026, 11, 21, 11, 30, 5, 999, tzinfo=timezone(timedelta(hours=1)))


def document(folder: Path, *paths: str) -> dict[str, Any]:
    entries = [ContextEntry(path, Sort.FILE, f"hash of {path}", 1) for path in paths]
    found: dict[str, Any] = json.loads(version_document(folder, entries, os.environ, NOW))
    return found


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_commit_tag_and_time(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "First")
    git(tmp_path, "tag", "v1.2.3")
    sha = git(tmp_path, "rev-parse", "HEAD")
    assert document(tmp_path) == {
        "sha": sha,
        "short_sha": git(tmp_path, "rev-parse", "--short", "HEAD"),
        "describe": "v1.2.3",
        "built_at": "2026-11-21T10:30:05Z",
    }


def test_outside_of_a_repository_the_commit_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = document(tmp_path)
    assert (found["sha"], found["short_sha"], found["describe"]) == (None, None, None)
    assert datetime.fromisoformat(found["built_at"]) == NOW.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("uv.lock", "uv_lock_sha"),
        ("pnpm-lock.yaml", "pnpm_lock_sha"),
        ("package-lock.json", "package_lock_sha"),
        ("npm-shrinkwrap.json", "npm_shrinkwrap_lock_sha"),
        ("Cargo.lock", "cargo_lock_sha"),
        ("Gemfile.lock", "gemfile_lock_sha"),
        ("bun.lockb", "bun_lock_sha"),
        (".terraform.lock.hcl", "terraform_lock_sha"),
        ("go.sum", "go_sum_sha"),
    ],
)
def test_every_lock_file_has_a_hash(tmp_path: Path, path: str, key: str) -> None:
    assert document(tmp_path, path)[key] == f"hash of {path}"


@pytest.mark.parametrize("path", ["src/uv.lock", "lock", "clock.py", "package.json", "blocked.json"])
def test_other_files_have_none(tmp_path: Path, path: str) -> None:
    assert set(document(tmp_path, path)) == {"sha", "short_sha", "describe", "built_at"}
