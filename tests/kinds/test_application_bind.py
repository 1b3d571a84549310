from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.application import ApplicationHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import LenderOf, Uniqueness
from reconciler.model.value import Foretold, Ref, TextOf, Unknown
from tests.kinds.application_bench import ACCOUNT, HOST, Binding, bind, ref

ME = ResourceAddress("application", "api")
EDGE = ResourceAddress("worker", "edge")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me"
CHECK = {"type": "http", "port": "web", "interval": "90s", "timeout": "1m", "kind": "ready"}


def bound(**block: Any) -> Binding:
    sections = block.pop("sections", None)
    external = block.pop("external", False)
    return bind(ApplicationHandler(None), {"image": "api:1", **block}, sections=sections, external=external)  # type: ignore[arg-type]


def test_defaults_that_are_certain_are_written_out() -> None:
    assert bound(class_name="Api").attributes == {
        "scheduling_policy": "default",
        "image": f"{HOST}/{ACCOUNT}/api:1",
        "instance_type": "lite",
        "instances": 0,
        "max_instances": 20,
        "constraints": {"tiers": [1, 2]},
        "rollout_active_grace_period": 0,
    }


def test_without_a_class_it_runs_one_instance_bound_to_nothing() -> None:
    found = bound()
    assert found.attributes["instances"] == 1
    assert found.attributes["namespace"] is None
    assert found.bound.uniqueness is Uniqueness.LISTED
    assert found.bound.lends == ()


def test_a_class_is_lent_to_whoever_lends_the_namespace() -> None:
    found = bound(class_name="Api")
    (lend,) = found.lends("containers")
    assert lend.to == LenderOf("namespace")
    assert lend.member == "Api"
    assert lend.value == {"name": TextOf(ME, ("name",)), "class_name": "Api"}
    assert found.bound.uniqueness is Uniqueness.CONFLICT


@pytest.mark.parametrize("worker", ["edge", "worker.edge", "workers.edge", Ref(EDGE, ())])
def test_a_named_worker_owns_the_class(worker: object) -> None:
    found = bound(class_name="Api", worker=worker)
    assert found.messages == []
    (lend,) = found.lends("containers")
    assert lend.to == EDGE
    namespace = found.attributes["namespace"]
    assert (namespace.address, namespace.path) == (EDGE, ("namespaces", "Api"))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("dev", "lite"),
        ("standard", "standard-1"),
        ("standard-4", "standard-4"),
        ({"vcpu": 0.25, "memory_mib": 1024, "disk_mb": 4000}, "basic"),
        ({"memory_mib": 256}, "lite"),
        (
            {"vcpu": 1, "memory_mib": 4096, "disk_mb": 5000},
            {"vcpu": 1, "memory_mib": 4096, "disk_mb": 5000},
        ),
    ],
)
def test_sizes_come_to_one_form(written: object, canonical: object) -> None:
    found = bound(instance_type=written)
    assert found.attributes["instance_type"] == canonical
    assert found.messages == []


@pytest.mark.parametrize(
    ("size", "complaint"),
    [
        (
            {"memory_mib": 6144},
            "vcpu 0.0625, the default of `lite` since the manifest gives none, is less than the 1",
        ),
        ({"vcpu": 8, "memory_mib": 12288}, "8 vCPU is more than the 4"),
        ({"vcpu": 2, "memory_mib": 4096}, "memory_mib 4096 is less than 3072 MiB for each of 2 vCPU"),
        ({"vcpu": 1}, "memory_mib 256, the default of `lite`"),
        ({"vcpu": 1, "memory_mib": 3072, "disk_mb": 30000}, "30000 MB is more than the 20000"),
    ],
)
def test_a_size_that_breaks_a_limit_is_refused(size: object, complaint: str) -> None:
    (message,) = bound(instance_type=size).messages
    assert complaint in message


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ({}, {"tiers": [1, 2]}),
        ({"tier": -1}, {"tiers": []}),
        ({"tier": 3}, {"tiers": [3]}),
        ({"tiers": [2, 1, 2]}, {"tiers": [1, 2]}),
        (
            {"regions": ["weur", "EEUR"], "jurisdiction": "EU", "cities": ["AMS", "fra"], "pops": ["x1"]},
            {
                "tiers": [1, 2],
                "regions": ["EEUR", "WEUR"],
                "jurisdiction": "eu",
                "cities": ["ams", "fra"],
                "pops": ["x1"],
            },
        ),
    ],
)
def test_places_are_sorted_sets_in_the_service_s_case(written: object, canonical: object) -> None:
    assert bound(constraints=written).attributes["constraints"] == canonical


def test_an_unknown_region_names_the_nearest() -> None:
    assert bound(constraints={"regions": ["WEURR"]}).messages == [
        'there is no region "WEURR"; did you mean WEUR?'
    ]


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ({"regions": ["ME"]}, "ME has limited capacity and cannot be used alone; add a region beside it"),
        ({"regions": ["ME", "WEUR"]}, ""),
        (
            {"regions": ["ENAM"], "jurisdiction": "eu"},
            "ENAM is outside the jurisdiction eu; it holds EEUR, WEUR",
        ),
        ({"regions": ["ENAM"], "jurisdiction": "US"}, ""),
    ],
)
def test_places_that_contradict_themselves_are_errors(constraints: object, said: str) -> None:
    assert bound(constraints=constraints).messages == ([said] if said else [])


@pytest.mark.parametrize(
    ("key", "as_list", "as_map"),
    [
        ("environment_variables", [{"name": "A", "value": 1}], {"A": "1"}),
        ("labels", [{"name": "team", "value": "x"}], {"team": "x"}),
        ("authorized_keys", [{"name": "me", "public_key": f" {KEY}\n"}], {"me": KEY}),
        ("ports", [{"name": "web", "port": 80}], {"web": {"port": 80}}),
        ("checks", [{"name": "up", **CHECK, "port": "web"}], {"up": {**CHECK, "interval": "1m30s"}}),
    ],
)
def test_lists_of_named_things_come_to_a_map(key: str, as_list: object, as_map: object) -> None:
    assert bound(**{"ports": {"web": {"port": 80}}, key: as_list}).attributes[key] == as_map
    assert bound(**{"ports": {"web": {"port": 80}}, key: as_map}).attributes[key] == as_map


def test_what_has_no_name_gets_a_stable_one() -> None:
    found = bound(ports={"web": {}}, checks=[CHECK], trusted_user_ca_keys=[{"public_key": KEY}])
    assert list(found.attributes["checks"]) == ["ready-http-web"]
    assert list(found.attributes["trusted_user_ca_keys"]) == ["key-fcb2d496cdab"]


def test_variables_are_texts() -> None:
    variables = {"A": 1, "B": True, "C": 1.5, "D": "no", "E": None}
    found = bound(environment_variables=variables).attributes["environment_variables"]
    assert found == {"A": "1", "B": "true", "C": "1.5", "D": "no"}


def test_a_secret_of_the_manifest_is_wanted_in_the_account() -> None:
    found = bound(secrets={"PASSWORD": ref("secret", "db", "name")})
    assert found.messages == []
    assert found.attributes["secrets"]["PASSWORD"].path == ("name",)
    (lend,) = found.lends("targets")
    assert (lend.to, lend.member, lend.value) == (ResourceAddress("secret", "db"), "account", True)


def test_the_image_of_the_manifest_is_meant_by_its_pinned_name() -> None:
    found = bound(image=ref("image", "api"))
    assert found.attributes["image"].path == ("ref",)
    assert found.attributes["image_disk_mb"].path == ("disk_mb",)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ({"enabled": True}, {"logs": {"enabled": True}}),
        ({"enabled": True, "logs": {"enabled": False}}, {"logs": {"enabled": False}}),
        ({"target_instance_count": 3}, {"logs": {"enabled": True}, "target_instance_count": 3}),
    ],
)
def test_observability_means_logs(written: object, canonical: object) -> None:
    assert bound(observability=written).attributes["observability"] == canonical


def test_observability_is_the_worker_s_where_there_is_none_of_its_own() -> None:
    workers = {"edge": {"bindings": {"API": "${applications.api}"}, "observability": {"enabled": True}}}
    found = bound(class_name="Api", sections={"workers": workers})
    assert found.attributes["observability"] == {"logs": {"enabled": True}}
    other = bound(class_name="Api", worker="other", sections={"workers": {**workers, "other": {}}})
    assert "observability" not in other.attributes


def test_a_generation_that_the_worker_gets_too_is_foretold() -> None:
    found = bound(class_name="Api", generation_variable={"name": "GEN", "vars": True})
    assert found.attributes["generation_variable"] == {"name": "GEN", "vars": True}
    (lend,) = found.lends("foretold_vars")
    assert lend.member == "GEN"
    assert isinstance(lend.value, Foretold)


def test_rollout_options_are_complete_settings() -> None:
    found = bound(rollout_step_percentage=[10, 100], rollout={"gate": {"for": "90s"}}).bound.settings
    assert found["rollout_kind"] == "full_auto"
    assert found["rollout"] == {
        "wait": True,
        "timeout": 3600.0,
        "on_failure": "continue",
        "gate": {"max_failed": 0, "for": 90.0, "drives": True},
    }
    assert "rollout_kind" not in bound().attributes


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"image": None}, "it has no image"),
        ({"image": "ghcr.io/x/y:1"}, "is not in Cloudflare's registry"),
        ({"image": "nginx"}, "has neither tag nor digest"),
        ({"class_name": "A", "instances": 2}, "`instances` has no meaning behind a class"),
        ({"worker": "edge"}, "`worker` has no meaning without a `class_name`"),
        ({"class_name": "A", "worker": ref("image", "x", "ref")}, "`worker` does not name a worker"),
        ({"images": {"a": "b:1"}}, "`images` belongs to applications that are managed"),
        ({"constraints": {"tier": 1, "tiers": [1]}}, "`tier` and `tiers` exclude each other"),
        ({"labels": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, '`labels` has "a" twice'),
        ({"authorized_keys": {"me": "ssh-rsa AAAA"}}, 'the key "me" is no Ed25519 key'),
        ({"ports": {"web": {"port": 1, "assign_port": []}}}, "`port` and `assign_port` exclude each other"),
        ({"checks": {"up": CHECK}}, 'asks the port "web", which `ports` does not name'),
        (
            {
                "checks": {"up": {**CHECK, "type": "tcp", "http": {"path": "/"}}},
                "ports": {"web": {"port": 1}},
            },
            "asks nothing by `http`",
        ),
        ({"network": {"mode": "public-by-port"}}, "needs at least one of `ports`"),
        ({"secrets": {"A": "inline"}}, "A does not name a secret of this manifest"),
        ({"secrets": {"A": ref("secret", "x", "name")}, "environment_variables": {"A": "1"}}, "A is among"),
        ({"generation_variable": "A", "environment_variables": {"A": "1"}}, "A is among"),
        ({"rollout_step_percentage": 30}, "30 is no step percentage"),
        ({"rollout_step_percentage": [50, 10, 100]}, "does not rise"),
        ({"rollout_step_percentage": [10, 50]}, "does not rise"),
        (
            {"rollout_step_percentage": [10, 50, 100], "max_instances": 2},
            "3 steps are more than max_instances",
        ),
        ({"rollout": {"on_failure": "pause"}}, "only a manual rollout can pause"),
        (
            {"observability": {"target_instance_percentage": 5, "target_instance_count": 1}},
            "target_instance_count and target_instance_percentage exclude each other",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(block: dict[str, Any], complaint: str) -> None:
    (message,) = bound(**block).messages
    assert complaint in message


def test_a_moving_tag_is_warned_of() -> None:
    assert bound(image="api:latest").warnings[0][1] == "UNPINNED_IMAGE"


def test_values_that_are_not_known_yet_are_passed_on() -> None:
    later = Unknown(None, "${env.X}")
    keys = ("image", "instance_type", "max_instances", "class_name", "constraints", "environment_variables")
    found = bound(**dict.fromkeys(keys, later), command=["run", later], labels={"a": later})
    assert found.messages == []
    assert found.attributes["labels"] == {"a": later}
    assert found.attributes["command"] == ["run", later]


def test_defaults_for_all_applications_are_nothing_to_those_that_cannot_have_them() -> None:
    block = {"scheduling_policy": "durable_object", "class_name": "Api", "max_instances": 5, "instances": 2}
    found = bind(ApplicationHandler(None), block, defaulted=("max_instances", "instances"))  # type: ignore[arg-type]
    assert found.messages == []
    assert "max_instances" not in found.attributes


def test_what_is_somebody_else_s_needs_nothing() -> None:
    assert bound(image=None, external=True).errors == []


MANAGED = {"image": None, "scheduling_policy": "durable_object", "class_name": "Api"}


def test_a_managed_application_sends_no_default_and_lends_its_images() -> None:
    found = bound(**MANAGED, images={"main": ref("image", "api"), "other": "tool:2"}, ssh={"enabled": True})
    assert found.messages == []
    assert found.attributes == {"scheduling_policy": "durable_object", "ssh": {"enabled": True}}
    images = found.lends("containers")[0].value["images"]
    assert images["main"].path == ("ref",)
    assert images["other"] == f"{HOST}/{ACCOUNT}/tool:2"


def test_nothing_that_is_scaled_may_stand_beside_the_managed_policy() -> None:
    messages = bound(**MANAGED, max_instances=3, constraints={}).messages
    assert [message.split("`")[1] for message in messages] == ["constraints", "max_instances"]
    assert "needs a `class_name`" in bound(image=None, scheduling_policy="durable_object").messages[0]
