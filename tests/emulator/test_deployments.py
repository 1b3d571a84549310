from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import IMAGE, Cloud


def wish(**fields: Any) -> dict[str, Any]:
    return {"image": f"{IMAGE}:1", "location": "sfo06", "instance_type": "basic", **fields}


def test_a_deployment_is_scheduled_then_placed(cloud: Cloud) -> None:
    reply = cloud.post("deployments/v2", wish())
    created = reply.result
    assert reply.status == 201
    assert (created["version"], created["state"]["current"]) == (0, "scheduled")
    assert created["location"] == {"name": "sfo06", "enabled": True, "region": "WNAM"}
    assert (created["vcpu"], created["memory_mib"], created["network"]) == (0.25, 1024, {"mode": "private"})
    cloud.wait(1)
    placed = cloud.get(f"deployments/{created['id']}/v2").result
    assert placed["state"]["current"] == "placed"
    assert placed["current_placement"]["status"]["health"] == "running"


def test_every_change_is_a_version_and_a_placement(cloud: Cloud) -> None:
    created = cloud.post("deployments/v2", wish(command=["a"])).result
    path = f"deployments/{created['id']}"
    cloud.wait(1)
    changed = cloud.patch(f"{path}/v2", {"image": f"{IMAGE}:2", "location": "ams02"}).result
    assert (changed["version"], changed["image"], changed["command"]) == (1, f"{IMAGE}:2", ["a"])
    assert (changed["location"]["region"], changed["vcpu"]) == ("WEUR", 0.25)
    cloud.wait(1)
    placements = cloud.get(f"{path}/placements").result
    assert [item["deployment_version"] for item in placements] == [0, 1]
    answer = cloud.post(f"placements/{placements[1]['id']}", {"replace": True}).result
    assert (answer["id"], answer["state"]["current"]) == (created["id"], "scheduled")


def test_recreate_gives_a_new_id(cloud: Cloud) -> None:
    created = cloud.post("deployments/v2", wish()).result
    again = cloud.post(f"deployments/{created['id']}/recreate", wish()).result
    assert again["id"] != created["id"]
    assert [item["id"] for item in cloud.get("deployments/v2").result] == [again["id"]]


def test_delete_takes_placements_along(cloud: Cloud) -> None:
    created = cloud.post("deployments/v2", wish()).result
    cloud.wait(1)
    (placement,) = cloud.get(f"deployments/{created['id']}/placements").result
    assert cloud.delete(f"deployments/{created['id']}/v2").result == {}
    assert cloud.get(f"deployments/{created['id']}/v2").error == "DEPLOYMENT_NOT_FOUND"
    assert cloud.get(f"placements/{placement['id']}").error == "Placement not found"


def test_filters(cloud: Cloud) -> None:
    label = {"labels": [{"name": "run", "value": "7"}]}
    network = {"network": {"mode": "public", "assign_ipv4": "account"}}
    created = cloud.post("deployments/v2", wish(**label, **network)).result
    cloud.post("deployments/v2", wish(image=f"{IMAGE}:2", location="ams02"))
    cloud.wait(1)
    for query in (
        "label=run:7",
        "location=sfo06",
        f"image={IMAGE}:1",
        f"ipv4={created['network']['ipv4']}",
    ):
        assert [item["id"] for item in cloud.get(f"deployments/v2?{query}").result] == [created["id"]]
    assert len(cloud.get("deployments/v2?state=running").result) == 2
    assert cloud.get("deployments/v2?state=stopped").result == []


def test_addresses_are_listed(cloud: Cloud) -> None:
    network = {"network": {"mode": "public", "assign_ipv4": "predefined"}}
    created = cloud.post("deployments/v2", wish(**network)).result
    cloud.wait(1)
    found = cloud.get("ips?ipType=v4").result
    assert [ip["ip"] for ip in found["ips"]] == [created["network"]["ipv4"]]
    assert found["filters"] == {"ipType": "v4"}
    assert len(cloud.get(f"ips?deployment_id={created['id']}").result["ips"]) == 2
    assert cloud.get("ips?allocated=false").result["ips"] == []


def test_checks_come_back_with_their_defaults(cloud: Cloud) -> None:
    check = {"type": "http", "port": "web", "interval": "30s", "timeout": "500ms", "kind": "ready"}
    created = cloud.post("deployments/v2", wish(checks=[check])).result
    assert created["checks"][0]["attempts_before_failure"] == 3
    assert created["checks"][0]["http"]["method"] == "GET"


def test_the_last_check_can_be_taken_away(cloud: Cloud) -> None:
    check = {"type": "tcp", "port": "web", "interval": "10s", "timeout": "1s", "kind": "health"}
    created = cloud.post("deployments/v2", wish(ports=[{"name": "web"}], checks=[check])).result
    assert cloud.patch(f"deployments/{created['id']}/v2", {"checks": []}).result["checks"] == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"location": "moon1"}, "LOCATION_NOT_ALLOWED"),
        ({"location": None}, "VALIDATE_INPUT"),
        ({"replicas": 1}, "VALIDATE_INPUT"),
        ({"image": "ghcr.io/a/b:1"}, "IMAGE_REGISTRY_NOT_CONFIGURED"),
    ],
)
def test_bad_deployments_are_refused(cloud: Cloud, change: dict[str, Any], error: str) -> None:
    body = {key: value for key, value in wish(**change).items() if value is not None}
    assert cloud.post("deployments/v2", body).error == error


def test_scarce_locations_take_smaller_containers(cloud: Cloud) -> None:
    big = wish(instance_type="standard-4")
    created = cloud.post("deployments/v2", big).result
    refusals = (
        cloud.post("deployments/v2", {**big, "location": "dxb01"}),
        cloud.patch(f"deployments/{created['id']}/v2", {"location": "dxb01"}),
    )
    assert [one.error for one in refusals] == ["LOCATION_SURPASSED_BASE_LIMITS"] * 2
    assert cloud.post("deployments/v2", wish(location="dxb01", instance_type="standard-3")).status == 201


def test_what_cannot_be_modified_is_refused(cloud: Cloud) -> None:
    created = cloud.post("deployments/v2", wish()).result
    assert cloud.patch(f"deployments/{created['id']}/v2", {"network": {"mode": "public"}}).status == 400


def test_an_unhealthy_image_fails(cloud: Cloud) -> None:
    cloud.settings(unhealthy=[{"image": "1"}])
    created = cloud.post("deployments/v2", wish()).result
    cloud.wait(1)
    (placement,) = cloud.get(f"deployments/{created['id']}/placements").result
    assert (placement["status"]["health"], placement["events"][-1]["name"]) == (
        "failed",
        "RuntimeStartFailed",
    )
