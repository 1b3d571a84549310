"""The decision record's own topology: what can be said of it without building, since its base image comes from Docker Hub."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import run
from reconciler.clients.dockerignore import IgnoreRules

EXAMPLE = Path(__file__).parents[2] / "examples" / "adr-049"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "orders", ignore=shutil.ignore_patterns(".reconciler", "__pycache__"))
    monkeypatch.chdir(tmp_path / "orders")


def test_it_keeps_every_rule_of_the_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert "profile: adr-049" in Path("containers.yaml").read_text()
    assert run(["check"]) == 0
    assert capsys.readouterr().err == "containers.yaml: nothing to say\n"


def test_all_of_its_dockerfiles_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(Path("infra/docker").glob("*.Dockerfile"))
    for file in files:
        file.write_text(file.read_text() + "HEALTHCHECK CMD true\n")
    assert run(["check"]) == 1
    err = capsys.readouterr().err
    assert [name for name in map(str, files) if name not in err] == []
    assert len(files) == 3


def test_what_the_dockerfiles_copy_is_in_the_context() -> None:
    rules = IgnoreRules.parse(Path(".dockerignore").read_text())
    wanted = [
        "requirements.lock",
        "orders/api.py",
        "infra/docker/app_supervisor.py",
        "infra/docker/version.json",
    ]
    assert [path for path in wanted if rules.leaves_out(path)] == []
    assert [
        path for path in (".env", "worker.js", "orders/__pycache__/x") if not rules.leaves_out(path)
    ] == []


@pytest.mark.parametrize(
    ("environment", "services"), [("production", ["app"]), ("split", ["api", "workers"])]
)
def test_compose_runs_one_container_or_both_tiers(
    environment: str, services: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compose", "-e", environment]) == 0
    found = YAML(typ="safe").load(capsys.readouterr().out)["services"]
    assert list(found) == services
    variables = {"APP_GENERATION": "1", "DATABASE_URL": "${DATABASE_URL}"}
    assert [one["environment"] for one in found.values()] == [variables] * len(services)


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_takes_it() -> None:
    assert run(["compose", "-e", "split", "-o", "compose.yml"]) == 0
    subprocess.run(["docker-compose", "config", "-q"], check=True, capture_output=True)
