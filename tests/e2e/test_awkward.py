"""What others did to what is ours, recognised by the plan, explained, and offered its legal way out (reference 2.1, 3.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.e2e.shop import SHOP, WORKER
from tests.emulator.workers_api import upload_files
from tests.harness import ACCOUNT, Project

NEXT = WORKER + "export class New {}\nexport class Renamed {}\n"
THEIRS = "export class Theirs {}\n"
RUNS_NEW = SHOP.replace("class_name: Api", "class_name: New")


@pytest.fixture(autouse=True)
def _applied(shop: Project) -> None:
    shop.write(NEXT, "worker.js")
    shop.write(SHOP)
    shop.apply()


def application(shop: Project) -> dict[str, Any]:
    (found,) = shop.world("application")
    return dict(found)


def namespaces(shop: Project) -> dict[str, str]:
    return {one["class"]: one["id"] for one in shop.world("namespace")}


def uploads_by_hand(shop: Project, **metadata: Any) -> None:
    """Somebody else's deployment of the same script."""
    url = f"{shop.server.base_url}/accounts/{ACCOUNT}/workers/scripts/shop-edge"
    files = upload_files(
        NEXT + THEIRS + "export default { fetch() {} }", keep_bindings=["secret_text"], **metadata
    )
    answer = httpx.put(url, files=files, headers={"Authorization": "Bearer token"})
    assert answer.is_success, answer.text


def bound_to(class_name: str) -> dict[str, Any]:
    """Bindings and container marks of an upload that runs a container behind a class."""
    binding = {"type": "durable_object_namespace", "name": "API", "class_name": class_name}
    return {"bindings": [binding], "containers": [{"class_name": class_name}]}


def change(shop: Project, address: str) -> Mapping[str, Any]:
    plan = shop.plan()
    return next(one for one in plan["changes"] if one["address"] == address)


def refusal(shop: Project, address: str) -> tuple[str, str, str]:
    """Code, summary and way out."""
    [found] = [one for one in shop.plan()["diagnostics"] if one["address"] == address]
    return found["code"], found["summary"], found["detail"]


def make(shop: Project, name: str, namespace: str | None, image: str) -> str:
    """An application of somebody else; gives its id."""
    body: dict[str, Any] = {
        "name": name,
        "scheduling_policy": "default",
        "instances": 0,
        "max_instances": 2,
        "configuration": {"image": image},
    }
    if namespace is not None:
        body["durable_objects"] = {"namespace_id": namespace}
    known = {one["id"] for one in shop.world("application")}
    shop.by_hand("POST", "containers/applications", body)
    (made,) = {str(one["id"]) for one in shop.world("application")} - known
    return made


def converges(shop: Project) -> None:
    shop.apply()
    assert shop.actions() == {}


def test_a_namespace_that_another_application_has_taken_over(shop: Project) -> None:
    ours = application(shop)
    shop.by_hand("DELETE", f"containers/applications/{ours['id']}")
    shop.clock(advance=60)
    image = ours["configuration"]["image"]
    theirs = make(shop, "intruder", namespaces(shop)["Api"], image)
    code, summary, way_out = refusal(shop, "application.api")
    assert (code, summary) == (
        "P114",
        f'its place is taken by "intruder" ({theirs}), which is not in the state',
    )
    assert f"say `name: intruder` with `adopt: true`, or `import application.api {theirs}`" in way_out
    since = shop.last_request()
    shop.run("apply", "--yes")
    assert [one for one in shop.requests(since) if one[0] not in ("GET", "HEAD")] == []
    shop.write(SHOP.replace("class_name: Api\n", "class_name: Api\n    name: intruder\n    adopt: true\n"))
    assert shop.actions()["application.api"] == "adopt"
    converges(shop)
    assert application(shop)["id"] == theirs


def test_a_namespace_that_was_freed_again_is_ours_again(shop: Project) -> None:
    ours = application(shop)
    shop.by_hand("DELETE", f"containers/applications/{ours['id']}")
    shop.clock(advance=60)
    theirs = make(shop, "intruder", namespaces(shop)["Api"], ours["configuration"]["image"])
    shop.by_hand("DELETE", f"containers/applications/{theirs}")
    shop.clock(advance=60)
    assert shop.actions() == {"application.api": "create"}
    converges(shop)


def test_a_class_that_gets_another_name_in_the_manifest(shop: Project) -> None:
    before = (application(shop)["id"], namespaces(shop)["Api"])
    shop.write(RUNS_NEW)
    replaced = change(shop, "application.api")
    assert (replaced["action"], replaced["reason"]) == (
        "replace",
        "it is to run behind another class, which only a new application can",
    )
    notes = change(shop, "worker.edge")["notes"]
    assert (
        "if New is Api under another name, `classes: {New: {renamed_from: Api}}` keeps data and application"
        in notes
    )
    shop.write(RUNS_NEW.replace("    vars:", "    classes: {New: {renamed_from: Api}}\n    vars:"))
    assert shop.actions() == {"worker.edge": "update"}
    converges(shop)
    assert (application(shop)["id"], namespaces(shop)) == (before[0], {"New": before[1]})


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_class_that_somebody_else_renamed(shop: Project, taken_back: bool) -> None:
    before = (application(shop)["id"], namespaces(shop)["Api"])
    renaming = {"old_tag": "v1", "new_tag": "theirs", "renamed_classes": [{"from": "Api", "to": "Renamed"}]}
    uploads_by_hand(shop, migrations=renaming, **bound_to("Renamed"))
    notes = change(shop, "worker.edge")["notes"]
    assert "somebody else renamed the class Api to Renamed; as it is, Api is made anew, without data" in notes
    assert (
        "`classes: {Api: {renamed_from: Renamed}}` takes that back, `class_name: Renamed` follows it" in notes
    )
    assert (
        "the Durable Objects of Api that it ran behind are gone" in change(shop, "application.api")["reason"]
    )
    if taken_back:
        shop.write(SHOP.replace("    vars:", "    classes: {Api: {renamed_from: Renamed}}\n    vars:"))
    else:
        shop.write(SHOP.replace("class_name: Api", "class_name: Renamed"))
    assert "application.api" not in {
        address: action for address, action in shop.actions().items() if action == "replace"
    }
    converges(shop)
    assert (application(shop)["id"], [*namespaces(shop).values()]) == (before[0], [before[1]])


def test_a_class_that_somebody_else_deleted(shop: Project) -> None:
    shop.by_hand("DELETE", f"containers/applications/{application(shop)['id']}")
    shop.clock(advance=60)
    uploads_by_hand(shop, migrations={"old_tag": "v1", "new_tag": "theirs", "deleted_classes": ["Api"]})
    said = "somebody else deleted the class Api, and its data with it; it is made anew"
    assert said in change(shop, "worker.edge")["notes"]
    assert shop.actions() == {"worker.edge": "update", "application.api": "create"}
    converges(shop)


def test_a_worker_that_was_deleted_by_hand(shop: Project) -> None:
    shop.by_hand("DELETE", "workers/scripts/shop-edge?force=true")
    plan = shop.plan()
    assert {one["address"]: one["action"] for one in plan["changes"]} == {
        "worker.edge": "create",
        "application.api": "replace",
    }
    reasons = {one["address"]: one["reason"] for one in plan["changes"]}
    assert reasons["worker.edge"] == "it is gone: somebody else deleted it"
    assert reasons["application.api"] == (
        "the Durable Objects of Api that it ran behind are gone, and only a new application can run behind new ones"
    )
    assert [(one["address"], one["verdict"]) for one in plan["drift"]] == [("worker.edge", "revert")]
    converges(shop)


def test_a_migration_history_that_is_not_ours(shop: Project) -> None:
    theirs = {"old_tag": "v1", "new_tag": "release-7", "new_sqlite_classes": ["Theirs"]}
    uploads_by_hand(shop, migrations=theirs, **bound_to("Api"))
    shop.write(SHOP.replace("LOG_LEVEL: info}", "LOG_LEVEL: debug}", 1))
    code, summary, way_out = refusal(shop, "worker.edge")
    assert (code, summary) == (
        "W131",
        "the live script has Durable Objects of the class Theirs, which its modules do not export",
    )
    assert way_out == "export it, or say `classes: {Theirs: {deleted: true}}`, which deletes its data"
    assert shop.run("apply", "--yes").code == 1
    shop.write(NEXT + THEIRS, "worker.js")
    jobs = "{JOBS: {type: durable_object_namespace, class_name: Jobs}, API: "
    shop.write(SHOP.replace("bindings: {API: ", f"bindings: {jobs}"))
    converges(shop)
    [upload] = [
        one for one in shop.page("ledger") if one["method"] == "PUT" and one["path"].endswith("shop-edge")
    ][-1:]
    assert upload["body"]["migrations"] == {
        "old_tag": "release-7",
        "new_tag": "release-8",
        "steps": [{"new_sqlite_classes": ["Jobs"]}],
    }
    assert sorted(namespaces(shop)) == ["Api", "Jobs", "Theirs"]


def test_an_application_that_lost_its_durable_object(shop: Project) -> None:
    ours, world = application(shop), shop.server.world
    kept = {key: value for key, value in ours.items() if key != "durable_objects"}
    world.put("application", ours["account_id"], ours["id"], kept)
    lost = change(shop, "application.api")
    assert (lost["action"], lost["effect"], lost["reason"]) == (
        "replace",
        "downtime",
        "it lost its link to the Durable Object, which only a new application can have",
    )
    assert [one["code"] for one in lost["hazards"]] == ["DOWNTIME"]
    converges(shop)
    assert application(shop)["durable_objects"] == {"namespace_id": namespaces(shop)["Api"]}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", "renamed", 'it answers with the name "renamed", not "shop-api"'),
        ("durable_objects", {"namespace_id": "d" * 32}, f"it answers with the namespace {'d' * 32}, not "),
    ],
)
def test_an_id_that_is_not_what_it_was(shop: Project, key: str, value: Any, said: str) -> None:
    ours, world = application(shop), shop.server.world
    changed = {**ours, key: value, "updated_at": "2099-01-01T00:00:00.000Z"}
    world.put("application", ours["account_id"], ours["id"], changed)
    code, summary, way_out = refusal(shop, "application.api")
    assert (code, said in summary) == ("P110", True), summary
    assert way_out == (
        "take over the right one with `import application.api ID`, or let go of it with `state rm application.api`"
    )
    world.put("application", ours["account_id"], ours["id"], ours)
    assert shop.actions() == {}


def test_two_applications_of_one_name(shop: Project) -> None:
    ours = application(shop)
    theirs = make(shop, "shop-api", None, ours["configuration"]["image"])
    assert shop.actions() == {}, "its id tells ours from the other"
    shop.run("state", "rm", "--yes", "application.api")
    code, summary, way_out = refusal(shop, "application.api")
    assert (code, way_out) == ("P113", "say which one is meant with `import application.api ID`")
    assert 'there are 2 of the name "shop-api"' in summary
    assert all(one in summary for one in (ours["id"], theirs))
    assert shop.run("import", "application.api", ours["id"]).code == 0
    assert shop.actions() == {}


def test_what_is_refused_is_told_in_json_too(shop: Project) -> None:
    make(shop, "shop-api", None, application(shop)["configuration"]["image"])
    shop.run("state", "rm", "--yes", "application.api")
    plan = json.loads(shop.run("plan", "--json").out)
    assert plan["summary"]["refused"] == 1
    assert [one["action"] for one in plan["changes"]] == ["refused"]
