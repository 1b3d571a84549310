"""A local state in a CI runner's folder: read by every command, written by none, unless the manifest says that it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.running_shop import MANIFEST, memory, running_shop
from tests.harness import Project

CLOUDFLARE = "https://api.cloudflare.com/client/v4"
WRITING = [
    "apply --yes",
    "destroy --yes",
    "rollback web",
    "restart web",
    "rollout next web",
    "rollout previous web",
    "rollout revert web",
    "jobs run purge",
    "import --all",
    "state rm --yes application.web",
    "state mv application.web application.site",
    "state restore --yes 1",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose state says that it is about Cloudflare, in a runner that has nothing else."""
    with running_shop(tmp_path_factory.mktemp("passing")) as project:
        store = memory(project)
        with store.lock("test"):
            state = store.read()
            assert state is not None
            store.commit(store.begin_run(replace(state, api_base_url=CLOUDFLARE), "run"))
        project.environ |= {"CI": "true", "CLOUDFLARE_API_BASE_URL": CLOUDFLARE}
        yield project


@pytest.mark.parametrize("command", WRITING)
def test_no_command_writes_a_state_that_goes_away(made: Project, command: str) -> None:
    before = (made.folder / "state" / "default.json").read_bytes()
    ended = made.run(*command.split())
    assert (ended.code, ended.out) == (3, "")
    assert "this is CI, and the state lies in a folder that goes away with it; keep the state" in ended.err
    assert (made.folder / "state" / "default.json").read_bytes() == before


@pytest.mark.parametrize("command", ["state list", "state history", "show"])
def test_reading_it_is_no_harm(made: Project, command: str) -> None:
    assert made.run(*command.split()).code == 0


def test_a_folder_that_is_kept_is_said_to_be(made: Project) -> None:
    made.write(MANIFEST + "state: {backend: local}\n")
    assert made.run("state", "rm", "--yes", "application.web").code == 0
    made.write(MANIFEST)


def test_elsewhere_than_in_ci_nothing_is_refused(tmp_path: Path) -> None:
    with running_shop(tmp_path) as project:
        assert project.run("state", "rm", "--yes", "application.web").code == 0
        project.environ["CI"] = "true"
        assert project.run("state", "rm", "--yes", "deployment.proxy").code == 0, "a stand-in on loopback"
