from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import IMAGE, NAMESPACE, Cloud


@pytest.fixture
def path(cloud: Cloud) -> str:
    cloud.namespace()
    link: dict[str, Any] = {"durable_objects": {"namespace_id": NAMESPACE}}
    application = cloud.application(instances=0, constraints={"regions": ["WEUR", "SAM"]}, **link)
    return f"applications/{application['id']}"


def test_the_dashboard_joins_instances_and_their_objects(cloud: Cloud, path: str) -> None:
    found = cloud.get(f"dash/{path}/instances").result
    assert len(found["instances"]) == 3
    for instance, actor in zip(found["instances"], found["durable_objects"], strict=True):
        assert actor["deployment_id"] == instance["id"]
        assert instance["app_version"] == 1
        assert instance["current_placement"]["status"]["container_status"] == "running"
    assert {item["region"] for item in found["instances"]} == {"WEUR", "SAM"}
    page = cloud.get(f"dash/{path}/instances?per_page=2").json
    assert (len(page["result"]["instances"]), page["result_info"]["next_page_token"]) == (2, "1")


def test_the_public_view_of_instances(cloud: Cloud, path: str) -> None:
    instances = cloud.get(f"{path}/instances-v2").result
    first = instances[0]
    assert len(first["id"]) == 64
    assert (first["image"], first["status"]["state"]) == (f"{IMAGE}:1", "running")
    assert first["configuration"] == {"vcpu": 0.0625, "memory": 256, "disk": 2000}
    assert cloud.get(f"{path}/instances/{first['id']}").result == first
    assert cloud.get(f"{path}/instances/{'0' * 64}").status == 404
    assert [item["name"] for item in cloud.get(f"{path}/instances-v2?name_prefix=api-2").result] == ["api-2"]
    assert cloud.get(f"{path}/instances-v2?state=not-active").result == []
    cloud.settings(unhealthy=[{"image": "1"}])
    assert cloud.get(f"{path}/instances-v2?state=active").result == []
    assert cloud.get(f"{path}/instances/{first['id']}").result["status"]["exit_code"] == 1


def test_instances_are_deployments_with_placements_and_events(cloud: Cloud, path: str) -> None:
    deployments = cloud.get(f"{path}/deployments").result
    assert [item["type"] for item in deployments] == ["durable_object"] * 3
    first = deployments[0]
    assert cloud.get(f"deployments/{first['id']}/v2").result == first
    assert cloud.get(f"{path}/deployments/{first['id']}").result == first
    (placement,) = cloud.get(f"deployments/{first['id']}/placements").result
    assert placement["id"] == first["current_placement"]["id"]
    assert [event["name"] for event in placement["events"]] == [
        "SchedulerPlaced",
        "NetworkingIPAssigned",
        "ImagePulled",
        "VMStarted",
        "ContainerStarted",
        "DurableObjectConnected",
    ]
    assert cloud.get(f"placements/{placement['id']}").result == placement


def test_recreating_one_instance_takes_up_the_present_version(cloud: Cloud, path: str) -> None:
    cloud.patch(path, {"configuration": {"image": f"{IMAGE}:2"}})
    second = cloud.get(f"{path}/deployments").result[1]
    cloud.wait(1)
    again = cloud.post(f"{path}/deployments/{second['id']}/recreate", {}).result
    assert (again["id"], again["app_version"], again["image"]) == (second["id"], 2, f"{IMAGE}:2")
    assert [item["app_version"] for item in cloud.get(f"{path}/deployments").result] == [1, 2, 1]
    assert cloud.get(f"placements/{second['current_placement']['id']}").status == 404
    cloud.post(f"placements/{again['current_placement']['id']}", {"replace": True})


def test_the_plain_list_of_deployments_leaves_out_instances_behind_objects(cloud: Cloud, path: str) -> None:
    assert cloud.get("deployments/v2").result == []
    assert len(cloud.get(f"deployments/v2?app_id={path.partition('/')[2]}").result) == 3
    cloud.application("plain")
    assert [item["type"] for item in cloud.get("deployments/v2").result] == ["default"] * 3


def test_ssh_tells_where_to_connect(cloud: Cloud, path: str) -> None:
    instance = cloud.get(f"{path}/deployments").result[0]["id"]
    assert cloud.get(f"instances/{instance}/ssh").result["url"].startswith("ws://127.0.0.1:1/")
    bad = cloud.get("instances/nonsense/ssh")
    assert (bad.status, bad.json, bad.headers["content-type"]) == (
        400,
        {"error": "INVALID_INSTANCE_ID"},
        "text/plain",
    )
    assert cloud.get("instances/11111111-1111-4111-8111-000000000000/ssh").status == 404


def test_the_world_shows_what_the_instances_run(cloud: Cloud, path: str) -> None:
    cloud.patch(path, {"configuration": {"image": f"{IMAGE}:2"}, "max_instances": 4})
    (application,) = cloud.get("/emulator/world").json["application"]
    shown = [
        (run["version"], run["image"], run["instances"], run["failed"]) for run in application["running"]
    ]
    assert shown == [(1, f"{IMAGE}:1", 3, 0), (2, f"{IMAGE}:2", 1, 0)]
