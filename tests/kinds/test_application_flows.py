from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Project
from tests.kinds.application_bench import HEAD, applied_cleanly, by_hand, change_in, sent, shop

BASE = """
images:
  api: {{archive: {image}}}
workers:
  edge: {{main: worker.js, compatibility_date: "2026-10-01"}}
applications:
  api: {{image: "${{images.api}}", class_name: Api, worker: edge, {more}}}
"""


def manifest(image: str = "one", **more: Any) -> str:
    listed = {"max_instances": 4, **more}
    keys = ", ".join(f"{key}: {value}" for key, value in listed.items())
    return HEAD + BASE.format(image=image, more=keys)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        project.write(manifest())
        yield project


def running(made: Project) -> dict[int, int]:
    """How many instances run each version."""
    (application,) = made.world("application")
    counts: dict[int, int] = {}
    for run in application["running"]:
        counts[run["version"]] = counts.get(run["version"], 0) + run["instances"]
    return counts


def test_it_is_made_behind_its_class_and_then_left_alone(made: Project) -> None:
    applied_cleanly(made)
    (application,) = made.world("application")
    (namespace,) = made.world("namespace")
    assert application["durable_objects"]["namespace_id"] == namespace["id"]
    since = made.last_request()
    made.plan()
    assert sorted(path.rpartition("/")[2] for _, path in made.requests(since)) == ["applications", "scripts"]


def test_a_new_image_is_patched_and_rolled_out(made: Project) -> None:
    made.apply()
    made.write(manifest("two"))
    assert change_in(made.plan())["effect"] == "rollout"
    applied_cleanly(made)
    (patch,), (rollout,) = (
        sent(made, "PATCH", made.world("application")[0]["id"]),
        sent(made, "POST", "/rollouts"),
    )
    assert patch["configuration"] == rollout["target_configuration"]
    assert patch.keys() == {
        "configuration",
        "max_instances",
        "constraints",
        "scheduling_policy",
        "rollout_active_grace_period",
    }
    assert rollout == {
        "description": "Progressive update",
        "strategy": "rolling",
        "target_configuration": patch["configuration"],
        "steps": [
            {"step_size": {"percentage": 10}, "description": "Step 1 of 2 - rollout at 10% of instances"},
            {"step_size": {"percentage": 100}, "description": "Step 2 of 2 - rollout at 100% of instances"},
        ],
        "kind": "full_auto",
    }
    assert running(made) == {2: 4}


def test_a_hot_change_restarts_nothing(made: Project) -> None:
    made.apply()
    made.write(manifest(max_instances=6, ssh="{enabled: false}", observability="{enabled: true}"))
    assert change_in(made.plan())["effect"] == "hot"
    applied_cleanly(made)
    assert sent(made, "POST", "/rollouts") == []
    (application,) = made.world("application")
    assert application["observability"] == {"logs": {"enabled": True}}
    assert application["configuration"]["wrangler_ssh"] == {"enabled": False}


def test_what_is_no_longer_set_goes_and_what_others_set_stays(made: Project) -> None:
    made.write(manifest(environment_variables="{A: '1', B: '2'}", constraints="{regions: [WEUR]}"))
    made.apply()
    patch_by_hand(made, environment("A=1", "B=2", "THEIRS=3"))
    made.write(manifest(environment_variables="{A: '1'}"))
    applied_cleanly(made)
    (application,) = made.world("application")
    variables = {one["name"]: one["value"] for one in application["configuration"]["environment_variables"]}
    assert variables == {"A": "1", "THEIRS": "3"}
    assert application["constraints"] == {"tiers": [1, 2]}


def environment(*pairs: str) -> dict[str, Any]:
    named = [pair.split("=") for pair in pairs]
    return {"environment_variables": [{"name": name, "value": value} for name, value in named]}


def patch_by_hand(made: Project, configuration: dict[str, Any]) -> None:
    """Somebody else changes the configuration, without a rollout."""
    with by_hand(made) as api:
        (application,) = api.list_applications()
        body = {"configuration": application["configuration"] | configuration}
        api.update_application(application["id"], body)


# between PATCH and rollout


def test_a_rollout_that_failed_to_start_is_owed(made: Project) -> None:
    made.apply()
    made.write(manifest("two"))
    made.faults({"method": "POST", "path": "/rollouts$", "fault": {"status": 400, "body": {}}})
    assert made.run("apply", "--yes").code == 4
    assert running(made) == {1: 4}
    change = change_in(made.plan())
    assert (change["action"], change["effect"]) == ("update", "rollout")
    applied_cleanly(made)
    assert running(made) == {2: 4}


def test_it_is_owed_even_if_nobody_remembers(made: Project) -> None:
    made.apply()
    patch_by_hand(made, {"environment_variables": [{"name": "A", "value": "1"}]})
    shutil.rmtree(made.folder / "state")
    made.write(manifest(adopt="true").replace("edge: {", "edge: {adopt: true, "))
    change = change_in(made.plan())
    assert (change["action"], change["effect"]) == ("adopt", "rollout")
    applied_cleanly(made)
    assert running(made) == {2: 4}


@pytest.mark.parametrize("path", ["/applications/[^/]+$", "/rollouts$"])
def test_a_lost_answer_starts_one_rollout(made: Project, path: str) -> None:
    made.apply()
    made.write(manifest("two"))
    method = "POST" if "rollouts" in path else "PATCH"
    made.faults({"method": method, "path": path, "fault": {"drop": "after"}})
    applied_cleanly(made)
    assert len(made.world("rollout")) == 1
    assert running(made) == {2: 4}


def test_a_lost_answer_makes_one_application(made: Project) -> None:
    made.faults({"method": "POST", "path": "/applications$", "fault": {"drop": "after"}})
    applied_cleanly(made)
    assert len(made.world("application")) == 1


# rollouts that go wrong


def unhealthy(made: Project) -> None:
    """Lets every instance of the image `two` fail."""
    digest = change_in(made.plan(), "image.api")["details"]["digest"]
    made.settings(unhealthy=[{"image": digest}])


def test_a_failing_rollout_is_reverted_with_its_configuration(made: Project) -> None:
    made.write(manifest(environment_variables="{A: '1'}"))
    made.apply()
    image = made.world("application")[0]["configuration"]["image"]
    made.write(manifest("two", rollout="{on_failure: revert}", environment_variables="{A: '2', B: '3'}"))
    unhealthy(made)
    ended = made.run("apply", "--yes")
    assert ended.code == 4, ended.err
    (application,) = made.world("application")
    assert application["configuration"]["image"] == image
    assert application["configuration"]["environment_variables"] == [{"name": "A", "value": "1"}]
    assert {run["image"] for run in application["running"]} == {image}
    change = change_in(made.plan())
    assert change["effect"] == "rollout"
    assert "version 2 was reverted at" in change["notes"][0]
    assert "failed at step" in change["notes"][0]


def test_a_failing_rollout_is_left_alone_by_default(made: Project) -> None:
    made.apply()
    made.write(manifest("two"))
    unhealthy(made)
    ended = made.run("apply", "--yes")
    assert ended.code == 4
    assert "failed" in ended.err
    assert "undo it with `reconciler rollout revert application.api`" in ended.err


def test_a_fix_is_not_stopped_by_instances_that_fail_already(made: Project) -> None:
    made.apply()
    made.write(manifest("two"))
    unhealthy(made)
    made.run("apply", "--yes")
    made.clock(advance=60)
    made.write(manifest("one", rollout="{on_failure: revert}"))
    applied_cleanly(made)


def test_some_failures_may_be_allowed(made: Project) -> None:
    made.apply()
    made.write(manifest("two", rollout="{gate: {max_failed: 10, for: 1s}}"))
    unhealthy(made)
    applied_cleanly(made)


# manual rollouts


def test_a_gate_in_the_manifest_drives_the_steps(made: Project) -> None:
    made.apply()
    more = {"rollout_kind": "full_manual", "rollout_step_percentage": "[50, 100]"}
    made.write(manifest("two", rollout="{gate: {for: 1ms}}", **more))
    applied_cleanly(made)
    assert running(made) == {2: 4}


def test_without_one_a_manual_rollout_waits_for_a_person(made: Project) -> None:
    made.apply()
    made.write(manifest("two", rollout_kind="full_manual"))
    ended = made.run("apply", "--yes")
    assert ended.code == 0, ended.err
    assert "reconciler rollout next application.api" in ended.err + ended.out
    assert running(made) == {1: 4}
    assert change_in(made.plan())["action"] == "resume"


def test_instances_may_be_left_to_take_it_up_by_themselves(made: Project) -> None:
    made.apply()
    made.write(manifest("two", rollout_kind="none"))
    assert change_in(made.plan())["effect"] == "hot"
    applied_cleanly(made)
    assert sent(made, "POST", "/rollouts") == []


def test_a_rollout_is_not_forgotten_over_a_change_that_starts_none(made: Project) -> None:
    made.apply()
    made.clock(rate=0.001)
    made.write(manifest("two", rollout="{on_failure: revert}"))
    made.apply("--no-wait")
    made.write(manifest("two", rollout="{on_failure: revert}", max_instances=6))
    made.apply("--no-wait")
    assert made.actions() == {"application.api": "resume"}
    state = made.folder.joinpath("state", "default.json").read_text()
    assert '"on_failure":"revert"' in state.replace(" ", "")
    made.clock(rate=1000)
    applied_cleanly(made)


# replacements and identity


def test_an_application_that_lost_its_link_is_made_anew(made: Project) -> None:
    made.apply()
    (before,) = made.world("application")
    made.server.world.put("application", before["account_id"], before["id"], without_link(before))
    change = change_in(made.plan())
    assert change["action"] == "replace"
    applied_cleanly(made)
    (after,) = made.world("application")
    assert after["id"] != before["id"]
    assert "durable_objects" in after


def without_link(application: Any) -> dict[str, Any]:
    ours = ("durable_objects", "running", "deleting")
    return {key: value for key, value in application.items() if key not in ours}


def test_several_of_one_name_are_listed(made: Project) -> None:
    made.write(manifest().replace("class_name: Api, worker: edge, ", ""))
    body = {
        "name": "shop-api",
        "scheduling_policy": "default",
        "instances": 0,
        "max_instances": 1,
        "configuration": {"image": "docker.io/library/x:1"},
    }
    made.settings(missing_images="accept")
    with by_hand(made) as api:
        ids = [api.create_application(body)["id"] for _ in range(2)]
    ended = made.run("plan")
    assert ended.code == 1
    assert all(identity in ended.out + ended.err for identity in ids)


def test_a_removed_application_goes_before_its_worker_forgets_it(made: Project) -> None:
    made.apply()
    made.write(manifest().partition("applications:")[0])
    applied_cleanly(made)
    assert made.world("application") == []
    order = [
        (method, path.rpartition("/")[2]) for method, path in made.requests() if method in ("DELETE", "PUT")
    ]
    assert order.index(("DELETE", order[-2][1])) < len(order) - 1
    assert made.world("worker") != []
    assert made.world("namespace")[0]["container"] is None


# the managed policy

MANAGED = (
    HEAD
    + """
images:
  api: {archive: %s}
workers:
  edge: {main: worker.js, compatibility_date: "2026-10-01"}
applications:
  api: {scheduling_policy: durable_object, class_name: Api, worker: edge, images: {main: "${images.api}"}}
"""
)


def test_images_of_a_managed_application_travel_with_its_worker(made: Project) -> None:
    made.write(MANAGED % "one")
    applied_cleanly(made)
    (application,) = made.world("application")
    assert application["id"] == made.world("namespace")[0]["id"]
    made.write(MANAGED % "two")
    plan = made.plan()
    assert made.actions() == {"image.api": "update", "worker.edge": "update"}
    paths = [one["path"] for one in change_in(plan, "worker.edge")["attributes"]]
    assert paths == ["containers.Api.images.main"]
    applied_cleanly(made)
    assert made.run("destroy", "--yes", "--allow", "DELETES_DATA").code == 0
    assert made.world("application") == []
