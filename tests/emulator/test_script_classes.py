from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.workers_api import APP_BINDING, NEW_APP, WorkersApi, refusal_of

APP = [{"name": "web", "class_name": "App"}]


@pytest.fixture
def api() -> WorkersApi:
    return WorkersApi()


def exported(**more: Any) -> dict[str, Any]:
    return {"App": {"type": "durable-object", "storage": "sqlite", **more}}


@pytest.mark.parametrize(
    "migrations",
    [
        {"new_tag": "v2", "new_sqlite_classes": ["App"], "new_classes": ["Other"]},
        {"new_tag": "v2", "steps": [{"new_sqlite_classes": ["App"]}, {"new_classes": ["Other"]}]},
    ],
)
def test_migrations_of_either_shape_make_namespaces(api: WorkersApi, migrations: dict[str, Any]) -> None:
    assert api.deploy(migrations=migrations)["migration_tag"] == "v2"
    listed = api.result("GET", "/workers/durable_objects/namespaces?per_page=1000&page=1")
    assert {one["class"]: one["use_sqlite"] for one in listed} == {"App": True, "Other": False}
    assert {(one["script"], len(one["id"])) for one in listed} == {("edge", 32)}


@pytest.mark.parametrize("old_tag", [None, "", "v0", "v2"])
def test_migrations_are_applied_once(api: WorkersApi, old_tag: str | None) -> None:
    api.deploy(migrations=NEW_APP)
    again = {"old_tag": old_tag, "new_tag": "v2", "new_classes": ["Other"]}
    assert refusal_of(api.upload(migrations=again)) == (400, 10079)
    assert set(api.namespaces()) == {"edge_App"}


def test_an_upload_without_migrations_keeps_namespace_and_tag(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP)
    before = api.namespaces()["edge_App"]["id"]
    assert api.deploy()["migration_tag"] == "v1"
    assert api.namespaces()["edge_App"]["id"] == before


def test_a_renamed_class_keeps_its_namespace(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, containers=APP)
    before = api.namespaces()["edge_App"]["id"]
    rename = {"old_tag": "v1", "new_tag": "v2", "renamed_classes": [{"from": "App", "to": "Other"}]}
    api.deploy(migrations=rename, containers=[{"class_name": "Other"}])
    assert [one["id"] for one in api.namespaces().values()] == [before]
    assert api.namespaces()["edge_Other"]["container"] == {"class_name": "Other"}


def test_a_class_moves_to_another_script(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP)
    before = api.namespaces()["edge_App"]["id"]
    move = {"new_tag": "v1", "transferred_classes": [{"from": "App", "from_script": "edge", "to": "Other"}]}
    api.deploy("heir", migrations=move)
    assert {name: one["id"] for name, one in api.namespaces().items()} == {"heir_Other": before}
    api.deploy("edge")


def test_a_deleted_class_takes_its_namespace_along(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP)
    api.deploy(migrations={"old_tag": "v1", "new_tag": "v2", "deleted_classes": ["App"]})
    assert api.namespaces() == {}


def test_a_class_stays_while_an_application_stands_on_it(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, containers=APP)
    api.add_application(api.namespaces()["edge_App"]["id"])
    for change in (
        {"migrations": {"old_tag": "v1", "new_tag": "v2", "deleted_classes": ["App"]}},
        {"exports": exported(state="deleted")},
    ):
        answer = api.upload(**change)
        assert refusal_of(answer) == (400, 10021)
        assert "application web" in answer.text
    assert set(api.namespaces()) == {"edge_App"}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"new_classes": ["App"]}, 10074),
        ({"renamed_classes": [{"from": "None", "to": "Other"}]}, 10061),
        ({"renamed_classes": [{"from": "App", "to": "App"}]}, 10074),
        ({"deleted_classes": ["None"]}, 10061),
        ({"transferred_classes": [{"from": "App", "from_script": "none", "to": "Other"}]}, 10061),
        ({"deleted_classes": "App"}, 10021),
        ({"renamed_classes": [3]}, 10021),
        ({"new_sqlite_classes": ["Unexported"]}, 10064),
    ],
)
def test_a_step_that_cannot_be_is_refused(api: WorkersApi, step: dict[str, Any], code: int) -> None:
    api.deploy(migrations=NEW_APP)
    before = api.namespaces()
    assert refusal_of(api.upload(migrations={"old_tag": "v1", "new_tag": "v2", **step})) == (400, code)
    assert api.namespaces() == before


def test_a_binding_to_a_deleted_class_is_refused(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, bindings=[APP_BINDING])
    delete = {"old_tag": "v1", "new_tag": "v2", "deleted_classes": ["App"]}
    assert refusal_of(api.upload(migrations=delete, bindings=[APP_BINDING])) == (400, 10061)


@pytest.mark.parametrize(
    ("code", "is_fine"),
    [
        ("export class App {}", True),
        ("export class App extends Container {}", True),
        ("class X {}\nexport { X as App };", True),
        ("export {\n  A,\n  App\n}", True),
        ("export{a as App,b as default};", True),
        ("export const App = make()", True),
        ('export { App } from "./app.js"', True),
        ("class App {}\nexport default {}", False),
        ("export class Application {}", False),
        ("export default {}", False),
        ('export * from "./app.js"', False),
    ],
)
def test_a_class_must_be_exported(api: WorkersApi, code: str, is_fine: bool) -> None:
    answer = api.upload(code=code, migrations=NEW_APP)
    assert answer.status_code == 200 if is_fine else refusal_of(answer) == (400, 10064)


def test_a_class_must_stay_exported(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP)
    assert refusal_of(api.upload(code="export default {}")) == (400, 10064)


def test_a_container_is_what_the_last_upload_lists(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, containers=APP)
    assert api.namespaces()["edge_App"]["container"] == APP[0]
    api.deploy()
    assert api.namespaces()["edge_App"]["container"] is None


def test_the_images_of_a_container_are_kept(api: WorkersApi) -> None:
    images = {"main": "registry.cloudflare.com/x/app@sha256:" + "0" * 64}
    api.deploy(migrations=NEW_APP, containers=[APP[0] | {"images": images}])
    assert api.namespaces()["edge_App"]["container"]["images"] == images
    assert refusal_of(api.upload(containers=[APP[0] | {"images": {"main": "app:1"}}])) == (400, 10021)


@pytest.mark.parametrize(
    ("containers", "code"),
    [([{"class_name": "Other"}], 10021), ([{"class_name": "None"}], 10061), ([{"name": "unlinked"}], 10061)],
)
def test_a_container_needs_a_class_with_sqlite(api: WorkersApi, containers: list[Any], code: int) -> None:
    migrations = {"new_tag": "v1", "new_classes": ["Other"]}
    assert refusal_of(api.upload(migrations=migrations, containers=containers)) == (400, code)


def test_exports_make_namespaces_and_link_containers_by_name(api: WorkersApi) -> None:
    api.deploy(exports=exported(container="linked"), containers=[{"name": "linked"}])
    namespace = api.namespaces()["edge_App"]
    assert namespace["use_sqlite"]
    assert namespace["container"] == {"name": "linked"}
    api.deploy(exports=exported())
    assert api.namespaces()["edge_App"] == namespace | {"container": None}


def test_a_container_that_exports_link_must_be_listed(api: WorkersApi) -> None:
    assert refusal_of(api.upload(exports=exported(container="linked"))) == (400, 10021)


def test_exports_rename_and_delete(api: WorkersApi) -> None:
    api.deploy(exports=exported())
    before = api.namespaces()["edge_App"]["id"]
    renamed = exported(state="renamed", renamed_to="Other")
    for _ in range(2):
        api.deploy(exports=renamed | {"Other": {"type": "durable-object"}})
        assert {name: one["id"] for name, one in api.namespaces().items()} == {"edge_Other": before}
    api.deploy(exports={"Other": {"type": "durable-object", "state": "deleted"}})
    assert api.namespaces() == {}


def test_exports_take_a_class_from_another_script(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP)
    before = api.namespaces()["edge_App"]["id"]
    api.deploy("heir", exports=exported(state="expecting-transfer", transfer_from="edge"))
    assert {name: one["id"] for name, one in api.namespaces().items()} == {"heir_App": before}


@pytest.mark.parametrize("exports", [{"fetch": {"type": "worker"}}, exported(storage="legacy-kv")])
def test_exports_that_do_not_fit_the_namespaces_are_blocked(api: WorkersApi, exports: dict[str, Any]) -> None:
    api.deploy(migrations=NEW_APP)
    answer = api.upload(exports=exports)
    assert refusal_of(answer) == (400, 100402)
    assert answer.json()["errors"][0]["meta"]["details"][0]["class_name"] == "App"


def test_namespaces_come_in_pages(api: WorkersApi) -> None:
    for script in "abc":
        api.deploy(script, migrations=NEW_APP)
    answer = api.send("GET", "/workers/durable_objects/namespaces?per_page=2&page=2").json()
    assert [one["name"] for one in answer["result"]] == ["c_App"]
    info = {"page": 2, "per_page": 2, "count": 1, "total_count": 3, "total_pages": 2}
    assert answer["result_info"] == info
    assert api.refusal("GET", "/workers/durable_objects/namespaces?page=x") == (400, 10025)
    namespace = api.namespaces()["a_App"]["id"]
    assert api.result("GET", f"/workers/durable_objects/namespaces/{namespace}/objects") == []
