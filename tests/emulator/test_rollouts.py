from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import IMAGE, Cloud

STEPS = [
    {"step_size": {"percentage": 10}, "description": "a tenth"},
    {"step_size": {"percentage": 100}, "description": "all"},
]


def rollout(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "description": "d",
        "strategy": "rolling",
        "target_configuration": {"image": f"{IMAGE}:2"},
    }
    return body | ({} if "step_percentage" in fields else {"steps": STEPS}) | fields


@pytest.fixture
def path(cloud: Cloud) -> str:
    return f"applications/{cloud.application(instances=10)['id']}"


def versions(cloud: Cloud, path: str) -> dict[int, int]:
    return {item["version"]: item["percentage"] for item in cloud.get(f"{path}/versions").result}


def test_a_rollout_moves_the_instances_step_by_step(cloud: Cloud, path: str) -> None:
    reply = cloud.post(f"{path}/rollouts", rollout())
    started = reply.result
    assert reply.status == 201
    assert (started["status"], started["kind"]) == ("progressing", "full_auto")
    assert (started["current_version"], started["target_version"]) == (1, 2)
    assert [step["status"] for step in started["steps"]] == ["progressing", "pending"]
    assert started["progress"]["current_step"] == 0
    application = cloud.get(path).result
    assert application["active_rollout_id"] == started["id"]
    assert application["scheduling_hint"]["target"]["version"] == application["version"] == 2
    cloud.wait(1)
    half = cloud.get(f"{path}/rollouts/{started['id']}").result
    assert (half["progress"]["updated_instances"], half["progress"]["total_instances"]) == (1, 10)
    assert [step["status"] for step in half["steps"]] == ["completed", "progressing"]
    assert versions(cloud, path) == {1: 90, 2: 10}
    cloud.wait(1)
    ended = cloud.get(f"{path}/rollouts/{started['id']}").result
    assert (ended["status"], ended["progress"]["current_step"]) == ("completed", 2)
    application = cloud.get(path).result
    assert not {"active_rollout_id", "scheduling_hint"} & set(application)
    assert application["configuration"]["image"] == f"{IMAGE}:2"


def test_patch_then_rollout_is_one_version(cloud: Cloud, path: str) -> None:
    target = {"image": f"{IMAGE}:2", "instance_type": "lite"}
    cloud.patch(path, {"configuration": target})
    started = cloud.post(f"{path}/rollouts", rollout(target_configuration=target)).result
    assert (started["current_version"], started["target_version"]) == (1, 2)
    assert started["current_configuration"]["image"] == f"{IMAGE}:1"


def test_steps_end_at_their_time_however_late_one_looks(cloud: Cloud, path: str) -> None:
    started = cloud.post(f"{path}/rollouts", rollout(step_percentage=25)).result
    cloud.wait(1000)
    steps = cloud.get(f"{path}/rollouts/{started['id']}").result["steps"]
    assert [step["step_size"]["percentage"] for step in steps] == [25, 50, 75, 100]
    assert [step["completed_at"][17:23] for step in steps] == ["01.000", "02.000", "03.000", "04.000"]


def test_a_target_that_leaves_things_out_drops_them(cloud: Cloud, path: str) -> None:
    cloud.patch(path, {"configuration": {"command": ["serve"]}})
    cloud.post(f"{path}/rollouts", rollout())
    assert "command" not in cloud.get(path).result["configuration"]


def test_the_same_configuration_restarts_without_a_new_version(cloud: Cloud, path: str) -> None:
    before = cloud.get(f"dash/{path}/instances").result["instances"]
    cloud.wait(5)
    started = cloud.post(f"{path}/rollouts", rollout(target_configuration={}, step_percentage=100)).result
    assert started["current_version"] == started["target_version"] == 1
    cloud.wait(1)
    after = cloud.get(f"dash/{path}/instances").result["instances"]
    assert [item["id"] for item in after] == [item["id"] for item in before]
    assert after[0]["current_placement"]["id"] != before[0]["current_placement"]["id"]


def test_a_manual_rollout_waits_for_next_and_goes_back(cloud: Cloud, path: str) -> None:
    started = cloud.post(f"{path}/rollouts", rollout(kind="full_manual")).result
    item = f"{path}/rollouts/{started['id']}"

    def act(action: str) -> bool:
        return bool(cloud.post(item, {"action": action}).result["success"])

    cloud.wait(100)
    assert cloud.get(item).result["status"] == "pending"
    assert not act("previous")
    assert act("next")
    assert not act("next")
    cloud.wait(1)
    assert versions(cloud, path) == {1: 90, 2: 10}
    assert act("previous")
    cloud.wait(1)
    assert versions(cloud, path) == {1: 100, 2: 0}
    for _ in range(2):
        assert act("next")
        cloud.wait(1)
    assert cloud.get(item).result["status"] == "completed"
    assert not act("revert")


def test_revert_moves_instances_back_at_once_and_leaves_the_configuration(cloud: Cloud, path: str) -> None:
    started = cloud.post(f"{path}/rollouts", rollout()).result
    cloud.wait(1)
    answer = cloud.post(f"{path}/rollouts/{started['id']}", {"action": "revert"}).result
    assert (answer["success"], answer["rollout"]["status"]) == (True, "reverted")
    assert [step["status"] for step in answer["rollout"]["steps"]] == ["reverted", "reverted"]
    cloud.wait(100)
    application = cloud.get(path).result
    assert "active_rollout_id" not in application
    assert application["configuration"]["image"] == f"{IMAGE}:2"
    assert application["scheduling_hint"]["target"]["instances"] == 0
    assert versions(cloud, path) == {1: 100, 2: 0}


def test_a_newer_rollout_replaces_the_older(cloud: Cloud, path: str) -> None:
    first = cloud.post(f"{path}/rollouts", rollout()).result
    cloud.wait(1)
    second = cloud.post(f"{path}/rollouts", rollout(target_configuration={"image": f"{IMAGE}:3"})).result
    assert cloud.get(f"{path}/rollouts/{first['id']}").result["status"] == "replaced"
    assert cloud.get(path).result["active_rollout_id"] == second["id"]
    cloud.wait(2)
    assert versions(cloud, path) == {1: 0, 2: 0, 3: 100}
    assert [item["id"] for item in cloud.get(f"{path}/rollouts").result] == [second["id"], first["id"]]
    assert len(cloud.get(f"{path}/rollouts?limit=1").result) == 1
    assert [item["id"] for item in cloud.get(f"{path}/rollouts?last={second['id']}").result] == [first["id"]]


def test_an_unhealthy_target_shows_in_health(cloud: Cloud, path: str) -> None:
    cloud.settings(unhealthy=[{"image": "2"}])
    started = cloud.post(f"{path}/rollouts", rollout()).result
    cloud.wait(1)
    health = cloud.get(f"{path}/rollouts/{started['id']}").result["health"]
    assert (health["instances"]["failed"], health["summary"]) == (1, "degraded")
    first = cloud.get(f"dash/{path}/instances").result["instances"][0]
    assert (first["app_version"], first["current_placement"]["status"]["health"]) == (2, "failed")


def test_only_an_ended_rollout_is_deleted(cloud: Cloud, path: str) -> None:
    item = f"{path}/rollouts/{cloud.post(f'{path}/rollouts', rollout()).result['id']}"
    assert cloud.delete(item).status == 400
    cloud.wait(2)
    assert cloud.delete(item).status == 200
    assert cloud.get(item).status == 404


def test_a_share_of_new_instances(cloud: Cloud, path: str) -> None:
    body = {"description": "d", "strategy": "new_instances", "target_configuration": {"image": f"{IMAGE}:2"}}
    started = cloud.post(f"{path}/rollouts", body | {"percentage": 30}).result
    cloud.wait(1)
    shares = cloud.get(f"{path}/rollouts/{started['id']}").result["version_distribution"]
    assert shares == {"current_version_percentage": 70, "target_version_percentage": 30}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": list(reversed(STEPS))}, "steps"),
        ({"step_percentage": 25, "steps": STEPS}, "steps"),
        ({"step_percentage": 30}, "step_percentage"),
        ({"kind": "durable_objects_auto"}, "kind"),
        ({"speed": 3}, "."),
        ({"percentage": 10}, "percentage"),
    ],
)
def test_bad_rollouts_are_refused(cloud: Cloud, path: str, change: dict[str, Any], field: str) -> None:
    reply = cloud.post(f"{path}/rollouts", rollout() | change)
    assert (reply.error, list(reply.details)) == ("VALIDATE_INPUT", [field])
    assert cloud.get(f"{path}/rollouts").result == []


def test_an_unknown_action_and_a_foreign_rollout(cloud: Cloud, path: str) -> None:
    item = f"rollouts/{cloud.post(f'{path}/rollouts', rollout()).result['id']}"
    assert cloud.post(f"{path}/{item}", {"action": "faster"}).status == 400
    other = cloud.application("other")["id"]
    assert cloud.get(f"applications/{other}/{item}").error == "Rollout not found"
