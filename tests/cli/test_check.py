from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconciler.cli.main import run

PINNED = "@sha256:" + "a" * 64
GOOD = f"FROM debian:trixie-slim{PINNED}\nWORKDIR /app\nUSER 1000\n"
MANIFEST = "version: 1\nproject: shop\nimages:\n  api: {build: {context: app}}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def project(dockerfile: str, more: str = "", manifest: str = MANIFEST) -> None:
    Path("app").mkdir()
    Path("app/Dockerfile").write_text(dockerfile)
    Path("containers.yaml").write_text(manifest + more)


def test_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD, "check: {profile: adr-049}\n")
    assert run(["check"]) == 0
    assert capsys.readouterr().err == "containers.yaml: nothing to say\n"


def test_findings_are_warnings_and_name_their_code(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD + "HEALTHCHECK CMD true\n")
    assert run(["check"]) == 0
    assert capsys.readouterr().err == (
        "warning: app/Dockerfile:4:1  Cloudflare does not read HEALTHCHECK;"
        " leave it out, and declare `checks` on the application (K010)\n"
    )


def test_with_the_profile_they_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD + "HEALTHCHECK CMD true\n", "check: {profile: adr-049}\n")
    assert run(["check"]) == 1
    assert capsys.readouterr().err.startswith("app/Dockerfile:4:1  Cloudflare does not")


@pytest.mark.parametrize("where", ["manifest", "Dockerfile"])
def test_a_code_is_switched_off(where: str) -> None:
    line = "# reconciler: ignore=K010\n" if where == "Dockerfile" else ""
    ignore = ", ignore: [k010]" if where == "manifest" else ""
    project(GOOD + line + "HEALTHCHECK CMD true\n", f"check: {{profile: adr-049{ignore}}}\n")
    assert run(["check"]) == 0


def test_a_code_that_is_none_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    project("# reconciler: ignore=K998\n" + GOOD, "check: {ignore: [K999]}\n")
    assert run(["check"]) == 0
    err = capsys.readouterr().err
    assert "no rule K998" in err
    assert "no rule K999" in err


def test_an_unknown_profile_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD, "check: {profile: adr-050}\n")
    assert run(["check"]) == 1
    assert "say adr-049" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--json"], ["--format", "json"]])
def test_json(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD + "HEALTHCHECK CMD true\n")
    assert run(["check", *args]) == 0
    [found] = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["code"], found["severity"]) == ("K010", "warning")
    assert found["source"] == {"file": "app/Dockerfile", "line": 4, "column": 1}


def test_sarif_and_github(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD + "HEALTHCHECK CMD true\n")
    assert run(["check", "--format", "sarif"]) == 0
    [result] = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["ruleId"] == "K010"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/Dockerfile"
    assert run(["check", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith("::warning file=app/Dockerfile,line=4,col=1,title=K010::")


def test_a_dockerfile_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD, "  web: {build: {context: web}}\n")
    assert run(["check"]) == 1
    assert "containers.yaml:5:3  image.web: web/Dockerfile cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "images pin"])
def test_a_pipe_is_no_dockerfile_and_nobody_waits_for_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project(GOOD)
    Path("app/Dockerfile").unlink()
    os.mkfifo("app/Dockerfile")
    assert run(command.split()) == 1
    assert "app/Dockerfile cannot be read: is a pipe, not a regular file" in capsys.readouterr().err


def test_every_environment_is_checked_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    overlay = "environments:\n  one: {}\n  two: {images: {api: {build: {dockerfile: Other}}}}\n"
    project(GOOD, overlay)
    Path("app/Other").write_text(GOOD + "HEALTHCHECK CMD true\n")
    assert run(["check"]) == 0
    assert capsys.readouterr().err.count("app/Other:4:1") == 1
    assert run(["check", "-e", "one"]) == 0
    assert "app/Other" not in capsys.readouterr().err


def test_a_secret_file_in_the_context_is_found_unless_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD + "COPY . .\n")
    Path("app/.env").touch()
    assert run(["check"]) == 0
    assert "app/Dockerfile:4:1  .env is in the context" in capsys.readouterr().err
    Path("app/.dockerignore").write_text(".env\n")
    assert run(["check"]) == 0
    assert "nothing to say" in capsys.readouterr().err


def test_a_repository_as_context_needs_an_ignore_file(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD)
    Path("app/.git").mkdir()
    assert run(["check"]) == 0
    assert "(K015)" in capsys.readouterr().err
    Path("app/Dockerfile.dockerignore").touch()
    assert run(["check"]) == 0
    assert "(K015)" not in capsys.readouterr().err


def test_a_place_that_is_known_only_outside_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    project(GOOD, "  web: {build: {context: '${env.WHERE}'}}\ncheck: {profile: adr-049}\n")
    assert run(["check"]) == 0
    assert "warning: containers.yaml:5:3  image.web: the `context` of a build" in capsys.readouterr().err
