"""`doctor`: what works, what does not and what to do; it needs no environment, no manifest and no state to say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.running_shop import BROKEN
from tests.harness import Project

FORBIDDEN: dict[str, Any] = {"success": False, "errors": [{"code": 10000, "message": "no"}], "result": None}


def checks(project: Project, *args: str) -> Mapping[str, Mapping[str, Any]]:
    return {one["name"]: one for one in project.run("doctor", "--json", *args).document["checks"]}


def works(project: Project, *args: str) -> dict[str, bool]:
    """What may differ from machine to machine, and the clock of a world that runs fast, aside."""
    found = checks(project, *args)
    return {name: one["works"] for name, one in found.items() if name not in ("docker", "clock")}


def test_where_everything_is_there_everything_is_ok(running: Project) -> None:
    ended = running.run("doctor")
    assert ended.code == 0, ended.out
    lines = [line for line in ended.out.splitlines() if "docker" not in line and "clock" not in line]
    assert [line.partition(": ")[0] for line in lines] == [
        "ok    manifest",
        "ok    containers",
        "ok    workers",
        "ok    Workers Containers Write",
        "ok    Workers Scripts Write",
        "ok    state",
    ]


def test_no_environment_has_to_be_named(two_environments: Project) -> None:
    found = works(two_environments)
    assert all(found.values())
    assert {"state of staging", "state of production"} <= found.keys()
    assert "state of staging" in works(two_environments, "-e", "staging")
    assert "state of production" not in works(two_environments, "-e", "staging")


def test_a_broken_manifest_is_one_thing_among_others(running: Project) -> None:
    running.write(BROKEN)
    found = checks(running)
    assert not found["manifest"]["works"]
    assert "a bracket is never closed" in found["manifest"]["what"]
    assert found["containers"]["works"]
    assert running.run("doctor").code == 1


def test_without_a_manifest_the_account_is_looked_at(running: Project) -> None:
    (running.folder / "containers.yaml").unlink()
    found = works(running)
    assert (found["manifest"], found["containers"], found["Workers Scripts Write"]) == (False, True, True)


def test_a_variable_that_is_not_set_is_named(running: Project) -> None:
    text = (running.folder / "containers.yaml").read_text()
    running.write(text.replace("[purge]", '["${env.NOT_SET_ANYWHERE}"]'))
    assert "NOT_SET_ANYWHERE" in checks(running)["manifest"]["what"]


def test_without_credentials_that_is_said_and_the_rest_looked_at(running: Project) -> None:
    running.environ |= {
        "CLOUDFLARE_API_TOKEN": "",
        "CLOUDFLARE_API_BASE_URL": "https://api.cloudflare.com/client/v4",
    }
    ended = running.run("doctor")
    assert ended.code == 1
    assert "FAIL  credentials: " in ended.out
    assert "ok    state: " in ended.out


@pytest.mark.parametrize(("path", "name"), [("/containers/", "containers"), ("/workers/scripts$", "workers")])
def test_a_token_that_may_not_even_read_is_told_what_it_lacks(running: Project, path: str, name: str) -> None:
    running.faults({"method": "GET", "path": path, "fault": {"status": 403, "body": FORBIDDEN}, "times": 0})
    found = checks(running)[name]
    assert not found["works"]
    assert "Workers Containers Write" in found["fix"]


def test_a_state_that_was_tampered_with_is_found(running: Project) -> None:
    path = running.folder / "state" / "default.json"
    path.write_bytes(path.read_bytes().replace(b"shop", b"ship", 1))
    found = checks(running)["state"]
    assert not found["works"]


def test_a_clock_that_is_off_is_no_error_but_said(running: Project) -> None:
    running.clock(advance=86_400)
    found = checks(running)["clock"]
    assert (found["works"], found["needed"]) == (False, False)
    assert "set the clock" in found["fix"]


def test_locally_nothing_is_needed(two_environments: Project) -> None:
    found = works(two_environments, "--local")
    assert all(found.values())
    assert "Workers Scripts Write" not in found
