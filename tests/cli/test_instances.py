from __future__ import annotations

from typing import Any

import pytest

from reconciler.cli.instances import state_of
from tests.cli.running_shop import BROKEN, lines
from tests.harness import Project


def application_id(running: Project, name: str = "shop-web") -> str:
    return next(str(one["id"]) for one in running.world("application") if one["name"] == name)


def change_by_hand(running: Project, **configuration: Any) -> None:
    """Gives the application another version, which its instances do not run."""
    running.by_hand(
        "PATCH", f"containers/applications/{application_id(running)}", {"configuration": configuration}
    )


def test_a_table_shows_every_instance_with_its_version(running: Project) -> None:
    ended = running.run("instances", "api")
    head, empty, heads, *rows = ended.out.splitlines()
    assert (ended.code, head, empty) == (0, "application.api  shop-api  version 1  2 running", "")
    assert heads.split() == ["STATE", "VERSION", "INSTANCE", "LOCATION", "SINCE"]
    assert [row.split()[:4] for row in rows] == [
        ["running", "1", "shop-api-0", "ams02"],
        ["running", "1", "shop-api-1", "waw01"],
    ]


def test_json_is_one_document(running: Project) -> None:
    found = running.run("instances", "application.api", "--json").document
    assert (found["intended_version"], found["applied_version"], found["rollout_under_way"]) == (1, 1, False)
    assert (found["by_state"], found["stragglers"]) == ({"running": 2}, 0)
    assert [one["as_intended"] for one in found["instances"]] == [True, True]
    assert len(found["instances"][0]["durable_object"]) == 64


def test_instances_of_another_version_are_told(running: Project) -> None:
    change_by_hand(running, command=["other"])
    out = running.run("instances", "web").out
    assert "the last apply left version 1; version 2 is in force now" in out
    assert "1 instance runs something else than is intended; no rollout is under way: `restart web`" in out
    assert lines(out)[-1][:4] == ["running", "1", "(not", "intended)"]


def test_during_a_rollout_the_version_it_leads_to_is_intended(running: Project) -> None:
    running.settings(rollout_step_seconds=1e9)
    text = (running.folder / "containers.yaml").read_text()
    running.write(text.replace("instances: 1}", "instances: 1, command: [other]}"))
    running.apply("--no-wait", "--target", "application.web")
    found = running.run("instances", "web", "--json").document
    assert (found["intended_version"], found["rollout_under_way"], found["stragglers"]) == (2, True, 1)
    assert "a rollout is under way: `rollout status web`" in running.run("instances", "web").out


def test_failed_ones_come_first(running: Project) -> None:
    [image] = {one["configuration"]["image"] for one in running.world("application")}
    running.settings(unhealthy=[{"image": image}])
    change_by_hand(running, command=["other"])
    assert running.run("instances", "api").out.splitlines()[0].endswith("2 failed")


def test_without_versions_images_are_compared(running: Project) -> None:
    running.settings(refuse=["dash"])
    ended = running.run("instances", "web")
    assert "this account is not shown versions of instances" in ended.err
    assert lines(ended.out)[-1][:2] == ["running", "?"]
    assert running.run("instances", "web", "--json").document["stragglers"] == 0
    repository = running.world("application")[0]["configuration"]["image"].partition("@")[0]
    running.settings(missing_images="accept")
    change_by_hand(running, image=f"{repository}@sha256:{'b' * 64}")
    assert running.run("instances", "web", "--json").document["stragglers"] == 1


def test_one_instance_is_looked_at_closely(running: Project) -> None:
    out = running.run("instances", "api", "shop-api-1").out
    assert "size      0.5 vCPU, 4096 MiB of memory, 8000 MB of disk" in out
    assert lines(out)[-1][1] == "DurableObjectConnected"
    found = running.run("instances", "api", "shop-api-1", "--json").document
    assert (found["instance"]["location"], found["vcpu"], found["exit_code"]) == ("waw01", 0.5, None)
    assert [one["name"] for one in found["events"]][:2] == ["SchedulerPlaced", "NetworkingIPAssigned"]


def test_the_exit_code_of_a_failed_one_is_shown(running: Project) -> None:
    [image] = {one["configuration"]["image"] for one in running.world("application")}
    running.settings(unhealthy=[{"image": image}])
    out = running.run("instances", "api", "shop-api-0").out
    assert "failed, exit code 1" in out
    assert "UserError: RuntimeStartFailed: the container exited with code 1" in " ".join(out.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("web", "x"), "application.web has no instance 'x'; `instances web` lists them"),
        (("nowhere",), "application.nowhere is not in the state"),
        (("job.purge",), "job.purge is no application"),
    ],
)
def test_what_is_not_there_is_said(running: Project, args: tuple[str, ...], said: str) -> None:
    ended = running.run("instances", *args)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_an_application_that_is_gone_is_said_to_be(running: Project) -> None:
    running.by_hand("DELETE", f"containers/applications/{application_id(running)}")
    running.clock(advance=60)
    ended = running.run("instances", "web")
    assert ended.code == 1
    assert "application.web: the account has no application" in ended.err
    assert "`plan` shows what apply would do" in ended.err


def test_a_broken_manifest_does_not_stop_it(running: Project) -> None:
    running.write(BROKEN)
    assert running.run("instances", "web").code == 0


def test_what_comes_from_outside_is_harmless(running: Project) -> None:
    running.faults({"path": "/applications/", "fault": {"echo": {"name": "\x1b[31m\n::error::x"}}})
    out = running.run("instances", "web").out
    assert "\x1b" not in out
    assert "\\x1b[31m\\n::error::x" in out.splitlines()[0]


def test_an_object_whose_container_does_not_run_is_inactive(running: Project) -> None:
    resting = [{"id": "a" * 64, "name": "shop-api-0"}, {"id": "b" * 64, "name": "shop-api-1"}]
    echo = {"instances": [], "durable_objects": resting}
    running.faults({"path": "/dash/", "fault": {"echo": echo}, "times": 0})
    out = running.run("instances", "api").out
    assert out.splitlines()[0].endswith("version 1  2 inactive")
    assert lines(out)[-1][:3] == ["inactive", "-", "shop-api-1"]


@pytest.mark.parametrize(
    ("placement", "state"),
    [
        ({}, "provisioning"),
        ({"status": {}}, "unknown"),
        ({"status": {"health": "placed"}}, "provisioning"),
        ({"status": {"health": "running", "container_status": "stopping"}}, "stopping"),
    ],
)
def test_states_are_those_of_the_public_view(placement: dict[str, Any], state: str) -> None:
    assert state_of(placement) == state
