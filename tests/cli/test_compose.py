from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import run

MANIFEST = """\
version: 1
project: shop
environments: {staging: {}, production: {applications: {api: {environment_variables: {STAGE: live}}}}}
images:
  api: {build: {context: code}}
secrets: {token: {from: {env: API_TOKEN}}}
applications:
  api:
    image: ${images.api}
    environment_variables: {STAGE: "test $1"}
    secrets: {TOKEN: "${secrets.token}"}
    labels: {compose.profiles: web}
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("code").mkdir()
    Path("code/Dockerfile").write_text("FROM scratch\nENV PORT=3000\nEXPOSE 8080 ${PORT}/tcp $X\n")
    Path("containers.yaml").write_text(MANIFEST)


def test_printed_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compose", "-e", "production"]) == 0
    [api] = YAML(typ="safe").load(capsys.readouterr().out)["services"].values()
    assert api["build"] == {"context": "./code"}
    assert api["ports"] == ["8080:8080", "3000:3000"]
    assert api["environment"] == {"STAGE": "live", "TOKEN": "${API_TOKEN}"}
    assert not Path(".env.example").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda _: None])
def test_a_dockerfile_that_is_none_exposes_nothing(
    make: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("code/Dockerfile").unlink()
    make("code/Dockerfile")
    assert run(["compose", "-e", "production"]) == 0
    assert "ports" not in capsys.readouterr().out


def test_written_with_an_example_beside_it() -> None:
    Path("infra/local").mkdir(parents=True)
    assert run(["compose", "-e", "staging", "-o", "infra/local/compose.yml"]) == 0
    file = Path("infra/local/compose.yml")
    assert YAML(typ="safe").load(file.read_text())["services"]["api"]["build"] == {"context": "../../code"}
    assert Path("infra/local/.env.example").read_text().endswith("# secret.token\nAPI_TOKEN=\n")
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_place_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compose", "-e", "staging", "-o", "nowhere/compose.yml"]) == 1
    assert "nowhere/compose.yml cannot be written" in capsys.readouterr().err


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_takes_it() -> None:
    assert run(["compose", "-e", "staging", "-o", "compose.yml"]) == 0
    Path(".env").write_text("API_TOKEN=hush\n")
    told = subprocess.run(["docker-compose", "config"], capture_output=True, text=True, check=True)
    api = YAML(typ="safe").load(told.stdout)["services"]["api"]
    assert api["environment"] == {"STAGE": "test $$1", "TOKEN": "hush"}
    assert api["profiles"] == ["web"]
    assert told.stderr == ""
