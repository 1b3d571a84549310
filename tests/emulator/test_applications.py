from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import ACCOUNT, IMAGE, NAMESPACE, Cloud, wish

BEHIND_CLASS: dict[str, Any] = {"instances": 0, "durable_objects": {"namespace_id": NAMESPACE}}


def test_create_expands_the_type_and_fills_defaults(cloud: Cloud) -> None:
    body = wish(instances=0)
    reply = cloud.post("applications", body)
    application = reply.result
    assert reply.status == 201
    assert application["configuration"] == {
        "image": f"{IMAGE}:1",
        "vcpu": 0.0625,
        "memory": "256MB",
        "memory_mib": 256,
        "disk": {"size": "2GB", "size_mb": 2000},
    }
    assert application["version"] == 1
    assert application["account_id"] == ACCOUNT
    assert application["constraints"] == {"tiers": [1, 2]}
    assert application["rollout_active_grace_period"] == 0
    assert application["created_at"] == "2027-01-15T08:00:00.000Z"
    assert cloud.get(f"applications/{application['id']}").result == application
    assert cloud.get("applications").result == [application]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"replicas": 3}, "."),
        ({"instances": None}, "instances"),
        ({"max_instances": -1}, "max_instances"),
        ({"name": ""}, "name"),
        ({"scheduling_policy": "anywhere"}, "scheduling_policy"),
        ({"configuration": {"vcpu": 0.01}}, "configuration.vcpu"),
        ({"configuration": {"image": 3}}, "configuration.image"),
        (
            {"configuration": {"environment_variables": [{"name": "A"}]}},
            "configuration.environment_variables.0.value",
        ),
        ({"configuration": {"wrangler_ssh": {"port": 0}}}, "configuration.wrangler_ssh.port"),
        (
            {"configuration": {"secrets": [{"name": "A", "type": "env", "secret": "no"}]}},
            "configuration.secrets.0.secret",
        ),
        ({"configuration": {"ssh_public_key_ids": ["no"]}}, "configuration.ssh_public_key_ids.0"),
        ({"durable_objects": {"namespace_id": NAMESPACE, "class_name": "App"}}, "durable_objects"),
        ({"constraints": {"regions": ["WEUR", "ENAM"], "jurisdiction": "eu"}}, "constraints.regions"),
        ({"constraints": {"regions": ["ME"]}}, "constraints.regions"),
        ({"constraints": {"tier": 1, "tiers": [1]}}, "constraints.tier"),
        ({"rollout_active_grace_period": 604801}, "rollout_active_grace_period"),
        (
            {"observability": {"logs": {}}, "configuration": {"observability": {}}},
            "configuration.observability",
        ),
    ],
)
def test_create_refuses_with_the_path_of_the_field(cloud: Cloud, change: dict[str, Any], path: str) -> None:
    body = wish(**change)
    reply = cloud.post("applications", {key: value for key, value in body.items() if value is not None})
    assert (reply.status, reply.error) == (400, "VALIDATE_INPUT")
    assert list(reply.details) == [path]


def test_unknown_keys_of_the_configuration_are_kept(cloud: Cloud) -> None:
    application = cloud.application(configuration={"metadata_service": {"enabled": True}})
    assert application["configuration"]["metadata_service"] == {"enabled": True}


@pytest.mark.parametrize(
    ("configuration", "error"),
    [
        ({"instance_type": "lite", "vcpu": 2}, "VALIDATE_INPUT"),
        ({"vcpu": 0.5, "memory_mib": 256}, "VALIDATE_INPUT"),
        ({"vcpu": 2, "memory_mib": 4096}, "VALIDATE_INPUT"),
        ({"vcpu": 5, "memory_mib": 20000}, "SURPASSED_BASE_LIMITS"),
        ({"vcpu": 1, "memory_mib": 4096, "disk": {"size_mb": 20001}}, "SURPASSED_BASE_LIMITS"),
    ],
)
def test_sizes_have_limits_that_can_be_switched_off(
    cloud: Cloud, configuration: dict[str, Any], error: str
) -> None:
    body = wish()
    body["configuration"] = {"image": f"{IMAGE}:1", **configuration}
    assert cloud.post("applications", body).error == error
    cloud.settings(limits=False)
    assert cloud.post("applications", body).status == (400 if "instance_type" in configuration else 201)


def test_totals_are_booked_and_given_back(cloud: Cloud) -> None:
    big = {"instance_type": "standard-4"}
    application = cloud.application(instances=375, configuration=big)
    assert cloud.post("applications", wish("more", instances=1)).error == "SURPASSED_TOTAL_LIMITS"
    assert cloud.patch(f"applications/{application['id']}", {"instances": 374}).status == 200
    assert cloud.post("applications", wish("more", instances=1)).status == 201
    cloud.delete(f"applications/{application['id']}")
    cloud.wait(1)
    assert cloud.post("applications", wish("other", instances=370, configuration=big)).status == 201


def test_a_namespace_must_be_there_enabled_and_free(cloud: Cloud) -> None:
    body = wish(**BEHIND_CLASS)
    assert cloud.post("applications", body).error == "DURABLE_OBJECT_NOT_FOUND"
    cloud.namespace(enabled=False)
    assert cloud.post("applications", body).error == "DURABLE_OBJECT_NOT_CONTAINER_ENABLED"
    cloud.namespace()
    owner = cloud.post("applications", body).result
    again = cloud.post("applications", body)
    assert again.error == "DURABLE_OBJECT_ALREADY_HAS_APPLICATION"
    assert again.details == {"name": "api", "id": owner["id"]}


def test_names_are_unique_only_behind_a_class(cloud: Cloud) -> None:
    cloud.application("twin")
    cloud.application("twin")
    assert len(cloud.get("applications?name=twin").result) == 2
    cloud.namespace()
    assert list(cloud.post("applications", wish("twin", **BEHIND_CLASS)).details) == ["name"]


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (f"registry.cloudflare.com/{'b' * 32}/app:1", "IMAGE_REGISTRY_RETURNED_ERROR"),
        ("ghcr.io/a/b:1", "IMAGE_REGISTRY_NOT_CONFIGURED"),
        ("nginx:1", "IMAGE_REGISTRY_NOT_CONFIGURED"),
        ("cf://hello:1", "IMAGE_REGISTRY_NOT_CONFIGURED"),
        (f"{IMAGE}:none", "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE"),
        (f"127.0.0.1:5000/{ACCOUNT}/app@sha256:{'0' * 64}", "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE"),
        ("docker.io/library/redis:7", None),
    ],
)
def test_images_are_looked_up(cloud: Cloud, image: str, error: str | None) -> None:
    cloud.settings(missing_images="refuse")
    reply = cloud.post("applications", wish(image=image))
    assert reply.status == 201 if error is None else reply.error == error


def test_patch_replaces_values_whole_and_raises_the_version_only_for_another_configuration(
    cloud: Cloud,
) -> None:
    application = cloud.application(
        constraints={"regions": ["WEUR"], "tiers": [1]},
        configuration={"command": ["a"], "instance_type": "basic"},
    )
    path = f"applications/{application['id']}"
    changed = cloud.patch(path, {"constraints": {"tiers": [2]}, "max_instances": 9}).result
    assert (changed["constraints"], changed["max_instances"], changed["version"]) == ({"tiers": [2]}, 9, 1)
    changed = cloud.patch(path, {"configuration": {"environment_variables": []}}).result
    assert changed["version"] == 2
    assert "command" not in changed["configuration"]
    assert (changed["configuration"]["image"], changed["configuration"]["vcpu"]) == (f"{IMAGE}:1", 0.25)
    same = {"image": f"{IMAGE}:1", "instance_type": "basic", "environment_variables": []}
    assert cloud.patch(path, {"configuration": same}).result["version"] == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"durable_objects": {"namespace_id": NAMESPACE}}, "."),
        ({"jobs": True}, "."),
        ({"scheduling_policy": "regional"}, "scheduling_policy"),
        ({"configuration": {"observability": {"logs": {"enabled": True}}}}, "configuration.observability"),
        ({"constraints": None}, "constraints"),
    ],
)
def test_patch_refuses_what_cannot_change(cloud: Cloud, body: dict[str, Any], path: str) -> None:
    application = cloud.application()
    reply = cloud.patch(f"applications/{application['id']}", body)
    assert (reply.error, list(reply.details)) == ("VALIDATE_INPUT", [path])


def test_top_level_logs_clear_the_legacy_ones_that_say_the_same(cloud: Cloud) -> None:
    logs = {"logs": {"enabled": True}}
    application = cloud.application(configuration={"observability": logs})
    changed = cloud.patch(f"applications/{application['id']}", {"observability": logs}).result
    assert (changed["observability"], changed["version"]) == (logs, 1)
    assert "observability" not in changed["configuration"]


def test_patch_alone_leaves_instances_on_their_version(cloud: Cloud) -> None:
    application = cloud.application()
    path = f"applications/{application['id']}"
    changed = cloud.patch(path, {"configuration": {"image": f"{IMAGE}:2"}, "instances": 5}).result
    hint = changed["scheduling_hint"]
    assert [(side["version"], side["instances"]) for side in (hint["current"], hint["target"])] == [
        (1, 3),
        (2, 2),
    ]
    shares = {item["version"]: item["percentage"] for item in cloud.get(f"{path}/versions").result}
    assert shares == {1: 60, 2: 40}
    back = cloud.patch(path, {"configuration": {"image": f"{IMAGE}:1"}, "instances": 3}).result
    assert back["version"] == 3
    assert "scheduling_hint" not in back


def test_ssh_access_is_taken_up_without_a_start(cloud: Cloud) -> None:
    application = cloud.application()
    configuration = {"image": f"{IMAGE}:1", "wrangler_ssh": {"enabled": True, "port": 2222}}
    changed = cloud.patch(f"applications/{application['id']}", {"configuration": configuration}).result
    assert changed["version"] == 2
    assert "scheduling_hint" not in changed


def test_deletion_takes_time_and_holds_the_namespace(cloud: Cloud) -> None:
    cloud.namespace()
    body = wish(**BEHIND_CLASS)
    path = f"applications/{cloud.post('applications', body).result['id']}"
    assert "message" in cloud.delete(path).result
    assert cloud.delete(path).status == 200
    assert cloud.get(path).status == 200
    assert cloud.patch(path, {"max_instances": 1}).status == 400
    assert cloud.post("applications", body).error == "DURABLE_OBJECT_ALREADY_HAS_APPLICATION"
    cloud.wait(1)
    assert (cloud.get(path).status, cloud.get(path).error) == (404, "Application not found")
    assert cloud.post("applications", body).status == 201


def test_instances_run_only_while_the_class_is_a_container(cloud: Cloud) -> None:
    cloud.namespace()
    path = f"applications/{cloud.post('applications', wish(**BEHIND_CLASS)).result['id']}"
    assert cloud.get(path).result["health"]["instances"]["active"] == 3
    cloud.namespace(enabled=False)
    assert cloud.get(path).result["health"]["instances"]["active"] == 0
    cloud.namespace()
    assert cloud.get(path).result["health"]["instances"]["active"] == 3


def test_an_id_that_is_none_is_stopped_by_the_gateway(cloud: Cloud) -> None:
    reply = cloud.get("applications/api")
    assert (reply.status, reply.json["errors"][0]["code"]) == (404, 7003)
    assert cloud.get("applications/11111111-1111-4111-8111-111111111111").error == "Application not found"


def test_lists_are_whole_or_paged(cloud: Cloud) -> None:
    names = [cloud.application(f"a{number}")["name"] for number in range(5)]
    assert "result_info" not in cloud.get("applications").json
    seen: list[str] = []
    token = ""
    while True:
        reply = cloud.get(f"applications?per_page=2&page_token={token}")
        seen += [item["name"] for item in reply.result]
        token = reply.json["result_info"].get("next_page_token", "")
        if not token:
            break
    assert seen == names
    for bad in ("per_page=0", "per_page=501", "per_page=x", "page_token=gone"):
        assert cloud.get(f"applications?{bad}").status == 400


def test_lists_are_filtered(cloud: Cloud) -> None:
    cloud.application("one", image=f"{IMAGE}:one", configuration={"labels": [{"name": "team", "value": "a"}]})
    cloud.application("two")
    for query in ("name=one", f"image={IMAGE}:one", "label=team:a"):
        assert [item["name"] for item in cloud.get(f"applications?{query}").result] == ["one"]


def test_unhealthy_images_fail_instances(cloud: Cloud) -> None:
    digest = f"sha256:{'e' * 64}"
    application = cloud.application(image=f"{IMAGE}@{digest}")
    cloud.settings(unhealthy=[{"image": digest}])
    health = cloud.get(f"applications/{application['id']}").result["health"]
    assert (health["instances"]["failed"], health["instances"]["active"], health["summary"]) == (
        3,
        0,
        "unhealthy",
    )
    assert len(health["errors"]) == 3
    assert health["errors"][0]["event"]["name"] == "RuntimeStartFailed"
    cloud.settings(unhealthy=[])
    assert cloud.get(f"applications/{application['id']}").result["health"]["summary"] == "healthy"


def test_the_summaries_of_the_dashboard(cloud: Cloud) -> None:
    application = cloud.application()
    (summary,) = cloud.get("dash/applications").result
    assert (summary["id"], summary["image"]) == (application["id"], f"{IMAGE}:1")
    assert set(summary["health"]["instances"]) >= {"failed", "starting", "scheduling", "active"}


def test_an_application_managed_by_its_durable_object(cloud: Cloud) -> None:
    cloud.namespace()
    link = {"durable_objects": {"namespace_id": NAMESPACE}}
    body = {"name": "managed", "scheduling_policy": "durable_object", **link}
    assert list(cloud.post("applications", {**body, "max_instances": 3}).details) == ["."]
    assert cloud.get(f"applications/{NAMESPACE}").status == 404
    application = cloud.post(
        "applications", body | {"configuration": {"wrangler_ssh": {"enabled": True}}}
    ).result
    assert application["id"] == NAMESPACE
    assert not {"version", "instances", "max_instances"} & set(application)
    logs = {"observability": {"logs": {"enabled": True}}}
    assert cloud.patch(f"applications/{NAMESPACE}", logs).result["observability"] == logs["observability"]
    assert cloud.patch(f"applications/{NAMESPACE}", {"max_instances": 3}).status == 400
    assert cloud.get("dash/applications").result[0]["health"]["instances"]["failed"] == 0
    cloud.delete(f"applications/{NAMESPACE}")
    cloud.wait(1)
    assert cloud.get("applications").result == []


def test_accounts_do_not_see_each_other(cloud: Cloud) -> None:
    application = cloud.application()
    other = f"/client/v4/accounts/{'b' * 32}/containers/applications"
    assert cloud.get(other).result == []
    assert cloud.get(f"{other}/{application['id']}").status == 404


def test_the_older_gateway_has_no_envelope(cloud: Cloud) -> None:
    base = f"/client/v4/accounts/{ACCOUNT}/cloudchamber/applications"
    assert cloud.post(base, wish()).json["name"] == "api"
    assert cloud.post(base, wish(name="")).json["error"] == "VALIDATE_INPUT"
