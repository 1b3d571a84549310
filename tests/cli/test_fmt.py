from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reconciler.cli.main import run

UNTIDY = "project: shop\nversion: 1\nimages:\n    a: {archive: x}  # why\n"
TIDY = "version: 1\nproject: shop\n\nimages:\n  a: {archive: x}  # why\n"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "containers.yaml"
    path.write_text(UNTIDY)
    path.chmod(0o640)
    return path


def test_it_names_what_it_changes_and_keeps_the_mode(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == "containers.yaml\n"
    assert manifest.read_text() == TIDY
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o640
    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == ""


def test_check_writes_nothing(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fmt", "--check"]) == 1
    assert capsys.readouterr().out == "containers.yaml\n"
    assert manifest.read_text() == UNTIDY
    run(["fmt"])
    assert run(["fmt", "--check"]) == 0


def test_several_files_and_a_byte_order_mark(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = manifest.with_name("other.yaml")
    other.write_bytes(b"\xef\xbb\xbf" + UNTIDY.encode())
    assert run(["fmt", "--json", "containers.yaml", "other.yaml"]) == 0
    assert '"other.yaml"' in capsys.readouterr().out
    assert other.read_bytes() == b"\xef\xbb\xbf" + TIDY.encode()


def test_what_is_no_manifest_is_left_alone(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text("version: 1\nversion: 1\n")
    assert run(["fmt"]) == 1
    assert "containers.yaml:2:1" in capsys.readouterr().err
    assert manifest.read_text() == "version: 1\nversion: 1\n"
