from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.worker import WorkerHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.value import Ref, TextOf, Unknown
from tests.kinds.application_bench import Binding, bind, ref

API = ResourceAddress("application", "api")
EDGE = ResourceAddress("worker", "edge")
OTHER = ResourceAddress("worker", "other")
DO = "durable_object_namespace"


def bound(**block: Any) -> Binding:
    applications = block.pop("applications", {"api": {"class_name": "Api"}})
    external = block.pop("external", False)
    sections = {"applications": applications, "workers": {"edge": {}, "other": {}}}
    written = {"main": "worker.js", **block}
    return bind(WorkerHandler(None), written, key="edge", sections=sections, external=external)  # type: ignore[arg-type]


def test_binding_an_application_binds_the_namespace_of_its_class_and_lends_it() -> None:
    found = bound(bindings={"API": ref("application", "api")})
    assert found.messages == []
    assert found.attributes["bindings"] == {"API": {"type": DO, "class_name": "Api"}}
    assert found.attributes["classes"] == {"Api": "present"}
    (lend,) = found.lends("namespace")
    assert lend.to == API
    assert (lend.value.address, lend.value.path) == (EDGE, ("namespaces", "Api"))


@pytest.mark.parametrize("worker", ["other", "worker.other", Ref(OTHER, ())])
def test_a_class_that_another_worker_owns_is_bound_by_its_script(worker: object) -> None:
    applications = {"api": {"class_name": "Api", "worker": worker}}
    found = bound(bindings={"API": ref("application", "api")}, applications=applications)
    binding = found.attributes["bindings"]["API"]
    assert binding == {"type": DO, "class_name": "Api", "script_name": TextOf(OTHER, ("name",))}
    assert found.attributes["needs"]["API"].path == ("namespaces", "Api")
    assert "classes" not in found.attributes
    assert found.bound.lends == ()


def test_an_application_that_names_it_gets_its_namespace_unbound() -> None:
    found = bound(applications={"api": {"class_name": "Api", "worker": "edge"}, "x": {"class_name": "X"}})
    assert [lend.to for lend in found.lends("namespace")] == [API]


def test_a_worker_is_bound_as_a_service() -> None:
    found = bound(bindings={"AUTH": ref("worker", "other")})
    service = found.attributes["bindings"]["AUTH"]
    assert service["type"] == "service"
    assert (service["service"].address, service["service"].path) == (OTHER, ("name",))
    assert found.attributes["needs"]["AUTH"].path == ("version_id",)


def test_cloudflare_s_own_objects_are_bound_as_written() -> None:
    kv = {"type": "kv_namespace", "namespace_id": "abc"}
    own = {"type": DO, "class_name": "Room"}
    foreign = {"type": DO, "class_name": "Hall", "script_name": "elsewhere"}
    found = bound(bindings={"KV": kv, "ROOM": own, "HALL": foreign})
    assert found.attributes["bindings"] == {"KV": kv, "ROOM": own, "HALL": foreign}
    assert found.attributes["classes"] == {"Room": "present"}


def test_classes_are_renamed_and_deleted_by_saying_so() -> None:
    found = bound(
        bindings={"API": ref("application", "api")},
        classes={"Api": {"renamed_from": "Old"}, "Gone": {"deleted": True}},
    )
    assert found.messages == []
    assert found.attributes["classes"] == {"Api": "present", "Gone": "deleted"}
    assert found.bound.settings["renamed"] == {"Api": "Old"}


def test_everything_else_comes_to_one_form() -> None:
    found = bound(
        vars={"A": "x", "N": 1},
        compatibility_flags=["b", "a"],
        tags=["t"],
        tail_consumers=["logs", {"service": "more"}],
        triggers={"crons": ["5 * * * *", "0 0 * * *"]},
        routes=["a.example/*", {"pattern": "b.example", "custom_domain": True}],
        workers_dev=False,
        modules=["lib/**/*.js"],
    )
    assert found.messages == []
    attributes = found.attributes
    assert attributes["vars"] == {"A": "x", "N": 1}
    assert attributes["compatibility_flags"] == ["a", "b"]
    assert attributes["tail_consumers"] == [{"service": "logs"}, {"service": "more"}]
    assert attributes["triggers"] == {"crons": ["0 0 * * *", "5 * * * *"]}
    assert attributes["routes"] == {"a.example/*": {}, "b.example": {"custom_domain": True}}
    assert attributes["workers_dev"] is False
    assert found.bound.settings["modules"] == ["lib/**/*.js"]
    assert found.bound.lane == "worker:shop-edge"
    assert "main" not in attributes


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"main": None}, "it has no `main`"),
        ({"bindings": {"API": "text"}}, "neither an application nor a worker"),
        ({"bindings": {"API": ref("image", "x", "ref")}}, "neither an application nor a worker"),
        ({"bindings": {"API": ref("application", "y")}}, "application.y has no `class_name`"),
        ({"bindings": {"R": {"type": DO}}}, "R has no `class_name`"),
        ({"vars": {"A": "1"}, "secrets": {"A": "x"}}, "A is under `vars` and under `secrets`"),
        (
            {"bindings": {"API": ref("application", "api")}, "classes": {"Api": {"deleted": True}}},
            "Api is deleted here and bound above",
        ),
        (
            {"bindings": {"API": ref("application", "api")}, "classes": {"New": {"renamed_from": "Api"}}},
            "Api cannot be renamed and stay",
        ),
        ({"routes": [{"pattern": "a.example/*", "custom_domain": True}]}, "is no host name"),
    ],
)
def test_what_contradicts_itself_is_refused(block: dict[str, Any], complaint: str) -> None:
    (message,) = bound(**block).messages
    assert complaint in message


def test_somebody_else_s_worker_only_lends() -> None:
    applications = {"api": {"class_name": "Api", "worker": "edge"}}
    found = bound(main=None, external=True, applications=applications)
    assert found.messages == []
    assert found.attributes == {}
    assert len(found.lends("namespace")) == 1


def test_values_that_are_not_known_yet_are_passed_on() -> None:
    later = Unknown(None, "${env.X}")
    found = bound(bindings={"X": later}, vars={"A": later}, compatibility_date=later, tags=[later])
    assert found.messages == []
    assert found.attributes["vars"] == {"A": later}
