from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.emulator.server import LocalServer
from reconciler.emulator.settings import Settings
from reconciler.kinds.application import ApplicationHandler, forms
from reconciler.kinds.application.forms import (
    application_attributes,
    create_body,
    modify_body,
    overlaid,
    put_back,
    target_configuration,
)
from reconciler.kinds.application.rollout_options import Steps, steps_of
from reconciler.kinds.shared.durations import seconds, spelled
from reconciler.kinds.shared.sizes import TYPES, observed_size
from reconciler.model.value import Attributes
from tests.kinds.application_bench import ACCOUNT, IMAGE, NAMESPACE, bind

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"


def wanted(**block: Any) -> dict[str, Any]:
    """A block as its verbs see it."""
    bound = bind(ApplicationHandler(None), {"image": IMAGE, "class_name": "App", **block})  # type: ignore[arg-type]
    assert bound.messages == []
    return {"name": "w1-app", **bound.attributes, "namespace": NAMESPACE}


EVERYTHING: dict[str, Any] = {
    "scheduling_policy": "regional",
    "observability": {"enabled": True},
    "instance_type": {"vcpu": 1.5, "memory_mib": 4608, "disk_mb": 5000},
    "ssh": {"enabled": True, "port": 2222},
    "authorized_keys": [{"name": "me", "public_key": KEY}],
    "trusted_user_ca_keys": [{"name": "ca", "public_key": KEY}],
    "max_instances": 7,
    "constraints": {"regions": ["WEUR", "EEUR"], "jurisdiction": "eu"},
    "affinities": {"colocation": "datacenter", "hardware_generation": "highest-overall-performance"},
    "rollout_active_grace_period": 120,
}


def test_a_create_with_defaults_is_what_wrangler_sends() -> None:
    assert create_body(wanted()) == {
        "name": "w1-app",
        "scheduling_policy": "default",
        "configuration": {"image": IMAGE, "instance_type": "lite"},
        "instances": 0,
        "max_instances": 20,
        "constraints": {"tiers": [1, 2]},
        "durable_objects": {"namespace_id": NAMESPACE},
        "rollout_active_grace_period": 0,
    }


def test_a_create_with_everything_is_what_wrangler_sends() -> None:
    assert create_body(wanted(**EVERYTHING)) == {
        "name": "w1-app",
        "scheduling_policy": "regional",
        "observability": {"logs": {"enabled": True}},
        "configuration": {
            "image": IMAGE,
            "disk": {"size_mb": 5000},
            "memory_mib": 4608,
            "vcpu": 1.5,
            "wrangler_ssh": {"enabled": True, "port": 2222},
            "authorized_keys": [{"name": "me", "public_key": KEY}],
            "trusted_user_ca_keys": [{"name": "ca", "public_key": KEY}],
        },
        "instances": 0,
        "max_instances": 7,
        "constraints": {"tiers": [1, 2], "regions": ["EEUR", "WEUR"], "jurisdiction": "eu"},
        "affinities": {"colocation": "datacenter", "hardware_generation": "highest-overall-performance"},
        "durable_objects": {"namespace_id": NAMESPACE},
        "rollout_active_grace_period": 120,
    }


def test_a_modify_is_the_full_set_without_name_and_namespace() -> None:
    live = application(wanted())
    merged = overlaid(application_attributes(live), wanted(instance_type="basic", max_instances=5))
    assert modify_body(merged, live) == {
        "configuration": {"image": IMAGE, "instance_type": "basic"},
        "max_instances": 5,
        "constraints": {"tiers": [1, 2]},
        "scheduling_policy": "default",
        "rollout_active_grace_period": 0,
    }


def test_a_configuration_that_stays_is_not_sent_again() -> None:
    live = application(wanted())
    body = modify_body(application_attributes(live), live, with_configuration=False)
    assert "configuration" not in body


def test_the_managed_variant_sends_little() -> None:
    block = {"scheduling_policy": "durable_object", "class_name": "App", "ssh": {"enabled": False}}
    bound = bind(ApplicationHandler(None), block).attributes  # type: ignore[arg-type]
    assert create_body({"name": "w1-app", **bound, "namespace": NAMESPACE}) == {
        "name": "w1-app",
        "scheduling_policy": "durable_object",
        "durable_objects": {"namespace_id": NAMESPACE},
        "configuration": {"wrangler_ssh": {"enabled": False}},
    }


def test_what_is_left_of_a_managed_configuration_is_sent_even_if_it_is_nothing() -> None:
    managed = {"scheduling_policy": "durable_object"}
    live = create_body({**managed, "name": "w1-app", "ssh": {"enabled": False}})
    assert modify_body(managed, live) == {"configuration": {}}
    assert modify_body(managed, {}) == {}


def test_unsafe_is_merged_into_every_body() -> None:
    unsafe = {"configuration": {"lifecycle": {"x": 1}}, "future": True}
    attributes = wanted(unsafe=unsafe)
    live = application(wanted())
    assert create_body(attributes)["configuration"]["lifecycle"] == {"x": 1}
    merged = overlaid(application_attributes(live), attributes)
    body = modify_body(merged, live)
    assert body["future"] is True
    assert body["configuration"]["image"] == IMAGE
    assert target_configuration(merged, live)["lifecycle"] == {"x": 1}
    assert modify_body(merged, live, with_configuration=False).get("configuration") is None


def test_what_others_set_survives_a_change() -> None:
    live = application(wanted())
    live["configuration"] |= {
        "environment_variables": [{"name": "THEIRS", "value": "1"}],
        "dns": {"servers": ["1.1.1.1"]},
        "lifecycle": {"max_termination_duration": "30s"},
        "runtime": "runc",
    }
    live["constraints"]["cities"] = ["ams"]
    merged = overlaid(application_attributes(live), wanted(environment_variables={"OURS": "2"}))
    body = modify_body(merged, live)
    assert body["configuration"]["environment_variables"] == [
        {"name": "THEIRS", "value": "1"},
        {"name": "OURS", "value": "2"},
    ]
    assert body["configuration"]["dns"] == {"servers": ["1.1.1.1"]}
    assert body["configuration"]["lifecycle"] == {"max_termination_duration": "30s"}
    assert body["constraints"] == {"tiers": [1, 2], "cities": ["ams"]}
    assert not {"runtime", "memory"} & body["configuration"].keys()


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        (("environment_variables", "A"), {"environment_variables": {"B": "2"}}),
        (("environment_variables",), {"environment_variables": {}}),
        (("command",), {}),
        (("constraints", "regions"), {"constraints": {"tiers": [1, 2]}}),
    ],
)
def test_what_is_no_longer_set_is_taken_out(path: tuple[str, ...], gone: Attributes) -> None:
    before = wanted(
        environment_variables={"A": "1", "B": "2"}, command=["run"], constraints={"regions": ["WEUR"]}
    )
    after = put_back(before, path, None)
    assert {key: after[key] for key in gone} == gone
    assert ("command" in after) == (path != ("command",))


def test_what_stood_there_before_is_put_back() -> None:
    now = wanted(environment_variables={"A": "2"}, instance_type="basic")
    back = put_back(put_back(now, ("environment_variables", "A"), "1"), ("instance_type",), "lite")
    assert (back["environment_variables"], back["instance_type"]) == ({"A": "1"}, "lite")


def test_the_generation_is_a_variable_of_the_configuration() -> None:
    attributes = wanted(generation_variable="GEN", environment_variables={"A": "1"}) | {"generation": 7}
    variables = create_body(attributes)["configuration"]["environment_variables"]
    assert variables == [{"name": "A", "value": "1"}, {"name": "GEN", "value": "7"}]


# logs in the two places


def legacy(enabled: bool) -> dict[str, Any]:
    live = application(wanted())
    live["configuration"]["observability"] = {"logs": {"enabled": enabled}}
    return live


def test_logs_that_sit_in_the_configuration_are_changed_by_a_rollout_alone() -> None:
    live = legacy(enabled=True)
    merged = overlaid(application_attributes(live), wanted(observability={"enabled": False}))
    body = modify_body(merged, live)
    assert "observability" not in body
    assert body["configuration"]["observability"] == {"logs": {"enabled": True}}
    assert target_configuration(merged, live)["observability"] == {"logs": {"enabled": False}}


def test_logs_are_written_at_the_top_once_the_old_place_is_off() -> None:
    live = legacy(enabled=False)
    merged = overlaid(application_attributes(live), wanted(observability={"enabled": True}))
    assert modify_body(merged, live)["observability"] == {"logs": {"enabled": True}}


def test_logs_that_were_never_on_are_not_mentioned() -> None:
    live = application(wanted())
    assert application_attributes(live)["observability"] == {"logs": {"enabled": False}}
    assert "observability" not in modify_body(application_attributes(live), live)


# reading


def application(attributes: dict[str, Any]) -> dict[str, Any]:
    """An application as the service answers one: numbers for the type, old twins beside them."""
    body = create_body(attributes)
    configuration = dict(body["configuration"])
    size = TYPES.get(configuration.pop("instance_type", ""))
    if size:
        configuration |= {"vcpu": size[0], "memory_mib": size[1], "disk": {"size_mb": size[2]}}
    configuration["memory"] = f"{configuration['memory_mib']}MB"
    configuration["disk"] = {**configuration["disk"], "size": "2GB"}
    return {**body, "id": "1-2", "version": 1, "account_id": ACCOUNT, "configuration": configuration}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_recognised_by_its_numbers(name: str) -> None:
    vcpu, memory, disk = TYPES[name]
    assert observed_size({"vcpu": vcpu, "memory_mib": memory, "disk": {"size_mb": disk}}) == name
    assert observed_size({"vcpu": vcpu, "memory_mib": memory}) == name


@pytest.mark.parametrize(
    ("configuration", "size"),
    [
        ({"instance_type": "dev"}, "lite"),
        ({"vcpu": 0.0625, "memory": "256MB", "disk": {"size": "2GB"}}, "lite"),
        ({"vcpu": 2, "memory": "4GB", "disk": {"size_mb": 1}}, {"vcpu": 2, "memory_mib": 4096, "disk_mb": 1}),
        ({}, None),
    ],
)
def test_sizes_are_read_in_every_form(configuration: dict[str, Any], size: object) -> None:
    assert observed_size(configuration) == size


@pytest.mark.parametrize(
    ("constraints", "canonical"),
    [
        ({}, {"tiers": []}),
        ({"tier": 1, "region": "WEUR"}, {"tiers": [1], "regions": ["WEUR"]}),
        ({"tiers": [2, 1], "regions": [], "jurisdiction": "eu"}, {"tiers": [1, 2], "jurisdiction": "eu"}),
    ],
)
def test_old_forms_of_constraints_are_understood(constraints: dict[str, Any], canonical: object) -> None:
    assert forms.canonical_constraints(constraints) == canonical


def test_an_application_without_its_link_has_no_namespace() -> None:
    live = application(wanted())
    del live["durable_objects"]
    assert "namespace" not in application_attributes(live)


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("90s", 90, "1m30s"),
        ("1h30m", 5400, "1h30m"),
        ("3d1h3m", 262980, "73h3m"),
        ("500ms", 0.5, "500ms"),
        ("1.5s", 1.5, "1s500ms"),
        ("0s", 0, "0s"),
    ],
)
def test_durations_have_one_spelling(text: str, length: float, short: str) -> None:
    assert seconds(text) == length
    assert spelled(text) == short
    assert seconds(short) == length


def test_what_is_no_duration_stays_and_says_so() -> None:
    assert spelled("soon") == "soon"
    with pytest.raises(ValueError, match="no duration"):
        seconds("soon")


# steps


@pytest.mark.parametrize(
    ("written", "most", "fields"),
    [
        (None, 20, [10, 100]),
        (None, 2, [10, 100]),
        (None, 1, 100),
        (None, 0, 100),
        (25, 20, 25),
        ([10, 50, 100], 20, [10, 50, 100]),
    ],
)
def test_steps_are_wrangler_s(written: object, most: int, fields: int | list[int]) -> None:
    steps = steps_of({"rollout_step_percentage": written}, most).fields()
    if isinstance(fields, int):
        assert steps == {"step_percentage": fields}
        return
    count = len(fields)
    assert steps["steps"] == [
        {
            "step_size": {"percentage": share},
            "description": f"Step {at} of {count} - rollout at {share}% of instances",
        }
        for at, share in enumerate(fields, 1)
    ]


def test_a_step_reaches_at_least_one_instance() -> None:
    assert [one["instances"] for one in Steps((10, 50, 100)).reached(4)] == [1, 2, 4]


# the law: what is wanted is what is seen


@pytest.fixture(scope="module")
def api() -> Iterator[Cloudflare]:
    with LocalServer(settings=Settings(limits=False, missing_images="accept")) as server:
        transport = Transport(server.base_url, ApiCredentials(token="t"), user_agent="test")
        yield Cloudflare(transport, ACCOUNT)
        transport.close()


NAMES = st.sampled_from(["A", "B", "LOG_LEVEL"])
TEXTS = st.text("abc ", max_size=4)
PORTS = st.dictionaries(
    st.sampled_from(["web", "admin"]),
    st.one_of(st.just({}), st.builds(lambda port: {"port": port}, st.integers(1, 65535))),
)
BLOCKS = st.fixed_dictionaries(
    {},
    optional={
        "instance_type": st.sampled_from([*TYPES, "dev", {"vcpu": 1, "memory_mib": 4096}]),
        "max_instances": st.integers(0, 50),
        "constraints": st.sampled_from(
            [{}, {"tier": -1}, {"tiers": [3, 1]}, {"regions": ["WEUR", "EEUR"], "jurisdiction": "eu"}]
        ),
        "rollout_active_grace_period": st.integers(0, 604800),
        "environment_variables": st.dictionaries(NAMES, TEXTS),
        "labels": st.dictionaries(NAMES, TEXTS),
        "command": st.lists(TEXTS, max_size=2),
        "entrypoint": st.lists(TEXTS, max_size=2),
        "ports": PORTS,
        "ssh": st.sampled_from([{"enabled": False}, {"enabled": True, "port": 2222}]),
        "observability": st.sampled_from([{"enabled": True}, {"enabled": False}]),
        "network": st.sampled_from([{"mode": "private"}, {"mode": "public", "assign_ipv4": "predefined"}]),
        "dns": st.sampled_from([{"servers": ["1.1.1.1"]}, {"searches": ["a.example"]}]),
        "authorized_keys": st.just([{"name": "me", "public_key": KEY}]),
        "trusted_user_ca_keys": st.just([{"public_key": KEY}]),
        "experimental_flags": st.just(["b", "a"]),
        "affinities": st.just({"colocation": "datacenter"}),
        "provisioner": st.just({"type": "none"}),
    },
)


def shows(there: object, sought: object) -> bool:
    """Whether everything that is sought is there; empty and absent maps are the same."""
    if isinstance(sought, dict):
        return all(
            shows(there.get(key) if isinstance(there, dict) else None, value) for key, value in sought.items()
        )
    return there == sought


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=BLOCKS, after=BLOCKS)
def test_what_is_sent_is_what_is_seen(api: Cloudflare, before: dict[str, Any], after: dict[str, Any]) -> None:
    first, then = (attributes_of(block) for block in (before, after))
    made = api.create_application(create_body(first))
    try:
        assert shows(application_attributes(made), first)
        merged = overlaid(application_attributes(made), then)
        changed = api.update_application(made["id"], modify_body(merged, made))
        assert shows(application_attributes(changed), then)
    finally:
        api.delete_application(made["id"])


def attributes_of(block: dict[str, Any]) -> dict[str, Any]:
    bound = bind(ApplicationHandler(None), {"image": IMAGE, **block})  # type: ignore[arg-type]
    assert bound.messages == []
    return {"name": "w1-app", **bound.attributes}
