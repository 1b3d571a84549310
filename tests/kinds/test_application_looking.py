from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.clients.image_rules import ImageRules
from reconciler.errors import NotFoundError
from reconciler.kinds.application import ApplicationHandler
from reconciler.kinds.application.looking import ApplicationList, freshness_of
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look, PrepareContext, Sighting, Subject
from reconciler.model.resource import Desired, Prior
from tests.kinds.application_bench import ACCOUNT, HOST, IMAGE, NAMESPACE, bind, change_of
from tests.kinds.test_application_forms import application, wanted

ME = ResourceAddress("application", "api")
ID = "0b5a0000-0000-4000-8000-000000000001"


@dataclass
class Api:
    """The part of the API that looking needs."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    unlisted: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def list_applications(self) -> list[dict[str, Any]]:
        self.asked.append("list")
        return self.listed

    def get_application(self, identity: str) -> dict[str, Any]:
        self.asked.append("get")
        if identity not in self.unlisted:
            raise NotFoundError("no such application")
        return self.unlisted[identity]

    def list_application_versions(self, identity: str) -> list[dict[str, Any]]:
        self.asked.append("versions")
        return self.versions


def live(identity: str = ID, *, running: int = 0, **more: Any) -> dict[str, Any]:
    health = {"instances": {"active": running}}
    return {**application(wanted()), "id": identity, "updated_at": "2026-01-01", "health": health, **more}


def prior(**more: Any) -> Prior:
    return Prior(ME, ID, "w1-app", **{"attributes": {"namespace": NAMESPACE}, **more})


def look(api: Api, *subjects: Subject, **how: bool) -> Sighting:
    return ApplicationHandler(api).observe(Look(1, subjects, **how))  # type: ignore[arg-type]


def known(**more: Any) -> Subject:
    return Subject(ME, "w1-app", identity=ID, prior=prior(**more))


def test_one_that_is_remembered_is_found_by_its_id() -> None:
    api = Api([live(), live("other", name="theirs")])
    sighting = look(api, known(freshness=freshness_of(live())), others=True)
    assert sighting.by_identity[ME].identity == ID
    assert [one.name for one in sighting.others] == ["theirs"]
    assert api.asked == ["list"]


def test_outputs_are_the_service_s() -> None:
    found = look(Api([live()]), known()).by_identity[ME]
    assert found.outputs == {
        "id": ID,
        "name": "w1-app",
        "version": 1,
        "namespace_id": NAMESPACE,
        "image": IMAGE,
        "instances": 0,
    }
    assert found.freshness == "2026-01-01 v1"


def test_one_that_is_not_remembered_is_found_by_name_or_namespace() -> None:
    link = {"namespace_id": "d" * 32}
    api = Api([live(), live("2", durable_objects=link), live("3", name="theirs")])
    subject = Subject(ME, "w1-app", wanted={"namespace": NAMESPACE})
    found = look(api, subject).by_key[ME]
    assert [one.identity for one in found] == [ID, "2", "3"]


def test_a_gone_id_is_looked_for_by_name() -> None:
    sighting = look(Api([live("2")]), known())
    assert ME not in sighting.by_identity
    assert [one.identity for one in sighting.by_key[ME]] == ["2"]


def test_another_namespace_under_the_id_is_not_ours() -> None:
    found = look(Api([live()]), known(attributes={"namespace": "e" * 32})).by_identity[ME]
    assert found.elsewhere == f"it answers with the namespace {NAMESPACE}, not {'e' * 32}"


def test_a_lost_link_is_still_ours() -> None:
    one = live()
    del one["durable_objects"]
    found = look(Api([one]), known()).by_identity[ME]
    assert found.elsewhere == ""
    assert "namespace" not in found.attributes


def test_a_managed_application_is_asked_for_where_the_list_leaves_it_out() -> None:
    managed = {"id": NAMESPACE, "name": "w1-app", "scheduling_policy": "durable_object"}
    api = Api(unlisted={NAMESPACE: managed})
    subject = Subject(ME, "w1-app", identity=NAMESPACE, prior=prior())
    assert look(api, subject).by_identity[ME].identity == NAMESPACE
    unknown = {"namespace": NAMESPACE, "scheduling_policy": "durable_object"}
    assert look(api, Subject(ME, "w1-app", wanted=unknown)).by_key[ME][0].identity == NAMESPACE
    assert look(Api(), subject).by_identity == {}


def test_the_generation_is_read_from_its_variable() -> None:
    one = live()
    one["configuration"]["environment_variables"] = [{"name": "GEN", "value": "7"}]
    subject = Subject(ME, "w1-app", identity=ID, wanted={"generation_variable": {"name": "GEN"}})
    assert look(Api([one]), subject).by_identity[ME].attributes["generation"] == 7


# what is owed


OTHER = {"image": IMAGE.replace("1" * 64, "2" * 64)}


@pytest.mark.parametrize(
    ("there", "versions", "remembered", "owes"),
    [
        ({"running": 2}, [], {}, ()),
        ({"running": 2}, [{"version": 0, "percentage": 100, "configuration": OTHER}], {}, ("rollout",)),
        ({"running": 2}, [{"version": 0, "percentage": 0, "configuration": OTHER}], {}, ()),
        ({"running": 0}, [{"version": 0, "percentage": 100, "configuration": OTHER}], {}, ()),
        ({"running": 2, "active_rollout_id": "r"}, [{"version": 0, "percentage": 100}], {}, ()),
        (
            {"running": 2},
            [{"version": 0, "percentage": 100, "configuration": OTHER}],
            {"facts": {"rollout_kind": "none"}},
            (),
        ),
        ({"scheduling_hint": {"current": {"instances": 1, "configuration": OTHER}}}, [], {}, ("rollout",)),
        ({"scheduling_hint": {"current": {"instances": 0, "configuration": OTHER}}}, [], {}, ()),
    ],
)
def test_instances_that_run_something_else_are_owed_a_rollout(
    there: dict[str, Any], versions: list[dict[str, Any]], remembered: dict[str, Any], owes: tuple[str, ...]
) -> None:
    found = look(Api([live(**there)], versions=versions), known(**remembered)).by_identity[ME]
    assert found.owes == owes


def test_what_needs_no_rollout_is_not_owed_one() -> None:
    before = live()["configuration"] | {"wrangler_ssh": {"enabled": True}}
    api = Api([live(running=2)], versions=[{"version": 0, "percentage": 100, "configuration": before}])
    assert look(api, known()).by_identity[ME].owes == ()


def test_a_remembered_entry_is_not_looked_at_again_unless_thoroughly() -> None:
    api = Api([live(running=2)])
    remembered = known(freshness=freshness_of(live()))
    look(api, remembered)
    assert api.asked == ["list"]
    look(api, remembered, thorough=True)
    assert api.asked[-1] == "versions"


def test_a_rollout_in_flight_is_seen() -> None:
    found = look(Api([live(active_rollout_id="r")]), known()).by_identity[ME]
    assert found.unsettled is not None
    assert (found.unsettled.what, found.unsettled.token["rollout"]) == ("rollout", "r")


def test_the_list_is_shared_within_one_look() -> None:
    api = Api()
    listing = ApplicationList(api)  # type: ignore[arg-type]
    for number in (1, 1, 2, 0, 0):
        listing(number)
    assert len(api.asked) == 4


# images that are named by themselves


def prepare(image: str, resolve: Any, recorded: dict[str, str] | None = None) -> Any:
    handler = ApplicationHandler(None, resolve_image=resolve)  # type: ignore[arg-type]
    bound = bind(handler, {"image": image}, sections={"registries": {"hub": {"domain": "docker.io"}}}).bound
    wish = Desired(ME, bound.attributes, settings=bound.settings)
    return handler.prepare([wish], PrepareContext({}, recorded or {}))[ME]


def test_a_tag_is_pinned_and_remembered() -> None:
    asked: list[Any] = []

    def resolve(text: str, rules: ImageRules, recorded: str) -> dict[str, Any]:
        asked.append((text, rules.account_id, recorded))
        return {"ref": IMAGE, "disk_mb": 100, "origin": "sha256:0"}

    found = prepare("api:1", resolve)
    assert found.attributes == {"image": IMAGE, "image_disk_mb": 100}
    assert found.recorded == {"api:1": "sha256:0"}
    assert asked == [("api:1", ACCOUNT, "")]
    prepare("api:1", resolve, {"api:1": "sha256:0"})
    assert asked[-1] == ("api:1", ACCOUNT, "sha256:0")


def test_an_image_that_is_not_there_is_an_error_of_the_plan() -> None:
    def resolve(*_: object) -> dict[str, Any]:
        raise NotFoundError("api:1 is not there", fix="check name and tag")

    (problem,) = prepare("api:1", resolve).diagnostics
    assert (problem.summary, problem.detail, problem.address) == (
        "api:1 is not there",
        "check name and tag",
        "application.api",
    )


# limits


def problems(**more: Any) -> list[str]:
    handler = ApplicationHandler(Api())  # type: ignore[arg-type]
    return [one.summary for one in handler.preflight([change_of(handler, wanted() | more)])]


def test_an_image_beyond_the_instance_s_disk_is_said_before() -> None:
    assert problems(image_disk_mb=2500) == [
        "the image is too large: it needs 2500 MB of disk, and an instance has 2000 MB"
    ]
    assert problems(image_disk_mb=None) == []


def test_names_are_written_in_full() -> None:
    assert bind(ApplicationHandler(None), {"image": "x:1"}).attributes["image"] == f"{HOST}/{ACCOUNT}/x:1"  # type: ignore[arg-type]
