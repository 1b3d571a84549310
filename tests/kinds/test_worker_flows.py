from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Project
from tests.kinds.application_bench import HEAD, applied_cleanly, by_hand, change_in, sent, shop, write_worker

EDGE = """
workers:
  edge: {main: worker.js, compatibility_date: "2026-10-01", %s}
"""
API = """
images:
  api: {archive: one}
applications:
  api: {image: "${images.api}", class_name: %s, worker: edge, max_instances: 2, %s}
"""
SECRETS = """
secrets:
  db: {from: {env: DB}}
"""


def edge(*more: str) -> str:
    return HEAD + EDGE % ", ".join(more)


def with_api(*more: str, class_name: str = "Api", api: str = "") -> str:
    return edge(*more) + API % (class_name, api)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        yield project


def worker(made: Project) -> dict[str, Any]:
    """The script, with its live version inside."""
    (script,) = made.world("worker")
    versions = [one for one in made.world("version") if one["script"] == script["id"]]
    return {**max(versions, key=lambda one: one["number"]), **script}


def bindings(made: Project) -> dict[str, Any]:
    return {one["name"]: one for one in worker(made)["bindings"]}


def uploads(made: Project) -> list[Any]:
    return sent(made, "PUT", "/scripts/shop-edge")


def enabled(made: Project) -> dict[str, bool]:
    """Which classes are switched on for containers."""
    return {one["class"]: one["container"] is not None for one in made.world("namespace")}


# uploads


def test_a_worker_is_uploaded_with_all_that_belongs_to_it(made: Project) -> None:
    made.write(with_api("bindings: {API: '${applications.api}'}", "vars: {A: x, N: 1}"))
    applied_cleanly(made)
    (upload,) = uploads(made)
    assert upload["migrations"] == {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Api"]}]}
    assert upload["containers"] == [{"name": "shop-api", "class_name": "Api"}]
    assert upload["keep_bindings"] == ["secret_text", "secret_key"]
    assert len(upload["annotations"]["workers/tag"]) == 32
    assert worker(made)["subdomain"]["enabled"] is True
    assert enabled(made) == {"Api": True}


def test_an_unchanged_worker_costs_one_list(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    applied_cleanly(made)
    since = made.last_request()
    made.plan()
    assert [path.rpartition("/")[2] for _, path in made.requests(since) if "workers" in path] == ["scripts"]


def test_changed_code_is_uploaded_without_migrations(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    made.write(made.folder.joinpath("worker.js").read_text() + "// more\n", "worker.js")
    plan = made.plan()
    assert change_in(plan, "worker.edge")["details"]["modules"]["changed"] == ["worker.js"]
    since = made.last_request()
    applied_cleanly(made)
    assert "migrations" not in uploads(made)[-1]
    assert uploads(made)[-1]["containers"] == [{"name": "shop-api", "class_name": "Api"}]
    writes = [method for method, _ in made.requests(since) if method not in ("GET", "HEAD")]
    assert writes == ["PUT"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('import "./gone.js"\nexport class Api {}\nexport default {}\n', "./gone.js"),
        ('import x from "lodash"\nexport class Api {}\nexport default {}\n', "bundle it first"),
        ("export default {}\n", "does not export the class Api"),
    ],
)
def test_code_that_cannot_run_is_an_error_of_the_plan(made: Project, source: str, complaint: str) -> None:
    made.write(with_api())
    made.write(source, "worker.js")
    ended = made.run("plan")
    assert ended.code == 1
    assert complaint in ended.err + ended.out


def test_what_others_set_on_the_script_survives(made: Project) -> None:
    made.write(edge("workers_dev: false", "observability: {enabled: true}"))
    made.apply()
    with by_hand(made) as api:
        api.update_script_settings("shop-edge", {"limits": {"cpu_ms": 77}})
    made.write(edge("workers_dev: false", "vars: {A: x}"))
    applied_cleanly(made)
    assert worker(made)["limits"] == {"cpu_ms": 77}
    assert worker(made)["observability"] == {"enabled": False}


def test_bindings_made_by_hand_are_shown_before_they_go(made: Project) -> None:
    made.write(edge("workers_dev: false", "vars: {A: x}"))
    made.apply()
    with by_hand(made) as api:
        variables = [{"name": name, "type": "plain_text", "text": "x"} for name in ("A", "THEIRS")]
        api.update_script_settings("shop-edge", {"bindings": variables})
    made.write(edge("workers_dev: false", "vars: {A: y}"))
    hazards = change_in(made.plan(), "worker.edge")["hazards"]
    assert hazards[0]["message"] == "the upload takes away THEIRS, which the live script has"
    applied_cleanly(made)
    assert sorted(bindings(made)) == ["A"]


def test_drift_of_a_variable_is_put_back(made: Project) -> None:
    made.write(edge("workers_dev: false", "vars: {A: x}"))
    made.apply()
    with by_hand(made) as api:
        api.update_script_settings(
            "shop-edge", {"bindings": [{"name": "A", "type": "plain_text", "text": "z"}]}
        )
    [drift] = made.plan()["drift"]
    assert drift["changed_by"].startswith("local@example.com, with ")
    applied_cleanly(made)
    assert bindings(made)["A"]["text"] == "x"


# secrets


def test_secrets_go_apart_and_only_when_they_differ(made: Project) -> None:
    made.environ["DB"] = "first-value"
    made.write(
        edge("workers_dev: false", "secrets: {URL: 'pg://${secrets.db}@x', TOKEN: '${secrets.db}'}") + SECRETS
    )
    applied_cleanly(made)
    made.environ["DB"] = "second-value"
    change = change_in(made.plan(), "worker.edge")
    assert [hazard["code"] for hazard in change["hazards"]] == ["ROTATES_SECRET"]
    applied_cleanly(made)
    assert len(uploads(made)) == 1
    assert len(sent(made, "PATCH", "/secrets-bulk")) == 2
    assert "second-value" not in str(made.page("world"))


def test_a_dropped_secret_is_deleted_and_others_are_left(made: Project) -> None:
    made.environ["DB"] = "first-value"
    made.write(edge("workers_dev: false", "secrets: {A: '${secrets.db}', B: '${secrets.db}'}") + SECRETS)
    made.apply()
    with by_hand(made) as api:
        api.put_script_secret("shop-edge", "THEIRS", "x")
    made.write(edge("workers_dev: false", "secrets: {A: '${secrets.db}'}") + SECRETS)
    applied_cleanly(made)
    assert sorted(bindings(made)) == ["A", "THEIRS"]


def test_a_secret_deleted_by_hand_is_sent_again(made: Project) -> None:
    made.environ["DB"] = "first-value"
    made.write(edge("workers_dev: false", "secrets: {A: '${secrets.db}'}") + SECRETS)
    made.apply()
    with by_hand(made) as api:
        api.delete_script_secret("shop-edge", "A")
    applied_cleanly(made)
    assert sorted(bindings(made)) == ["A"]


# classes


def test_a_renamed_class_keeps_namespace_and_application(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    before = made.world("namespace")[0]["id"], made.world("application")[0]["id"]
    write_worker(made, "New")
    made.write(with_api("workers_dev: false", "classes: {New: {renamed_from: Api}}", class_name="New"))
    assert made.actions() == {"worker.edge": "update"}
    applied_cleanly(made)
    assert (made.world("namespace")[0]["id"], made.world("application")[0]["id"]) == before
    assert enabled(made) == {"New": True}


def test_a_changed_class_name_is_a_new_class_and_a_new_application(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    write_worker(made, "Api", "New")
    made.write(with_api("workers_dev: false", class_name="New"))
    assert made.actions() == {"worker.edge": "update", "application.api": "replace"}
    applied_cleanly(made)
    assert sorted(enabled(made)) == ["Api", "New"]


def test_a_deleted_class_needs_to_be_allowed(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    write_worker(made)
    made.write(edge("workers_dev: false", "classes: {Api: {deleted: true}}"))
    assert made.run("apply", "--yes").code == 3
    applied_cleanly(made, "--allow", "DELETES_DATA")
    assert (made.world("namespace"), made.world("application")) == ([], [])


def test_a_class_counts_as_a_container_for_as_long_as_something_runs_behind_it(made: Project) -> None:
    made.write(with_api("workers_dev: false", api="retain: true"))
    applied_cleanly(made)
    made.write(edge("workers_dev: false"))
    assert set(made.actions().values()) == {"forget"}
    made.apply("--allow-destroy", "1")
    assert made.actions() == {}
    (application,) = made.world("application")
    made.by_hand("DELETE", f"containers/applications/{application['id']}")
    made.clock(advance=60)
    (change,) = made.plan()["changes"]
    assert [one["path"] for one in change["attributes"]] == ["container_classes"]
    applied_cleanly(made)
    assert enabled(made) == {"Api": False}


def test_an_upload_never_switches_off_an_application_that_was_retained(made: Project) -> None:
    made.write(with_api("workers_dev: false", api="retain: true"))
    made.apply()
    made.write(edge("workers_dev: false", "vars: {A: x}"))
    applied_cleanly(made)
    assert enabled(made) == {"Api": True}
    assert uploads(made)[-1]["containers"] == [{"name": "shop-api", "class_name": "Api"}]


def test_a_target_leaves_the_flags_of_all_applications(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    made.write(edge("workers_dev: false", "vars: {A: x}"))
    made.apply("--target", "worker.edge")
    assert enabled(made) == {"Api": True}


def test_a_second_worker_binds_the_class_of_the_first(made: Project) -> None:
    other = '  other: {main: worker.js, bindings: {API: "${applications.api}"}, workers_dev: false}\n'
    text = with_api("workers_dev: false", "bindings: {API: '${applications.api}'}")
    made.write(text.replace("\nimages:", other + "images:", 1))
    applied_cleanly(made)
    (upload,) = sent(made, "PUT", "/scripts/shop-other")
    assert upload["bindings"] == [
        {
            "name": "API",
            "type": "durable_object_namespace",
            "class_name": "Api",
            "script_name": "shop-edge",
        }
    ]


def test_somebody_else_s_worker_must_have_the_class(made: Project) -> None:
    text = with_api().replace(
        'edge: {main: worker.js, compatibility_date: "2026-10-01", }', "edge: {external: true}"
    )
    made.write(text)
    assert "nothing is there under" in made.run("plan").out
    write_elsewhere(made)
    applied_cleanly(made)
    assert len(made.world("application")) == 1


def write_elsewhere(made: Project) -> None:
    """Somebody else uploads the worker, with its class among the containers."""
    from reconciler.clients.multipart import Part

    code = Part("w.js", b"export class Api {}\nexport default {}", "application/javascript+module", "w.js")
    metadata = {
        "main_module": "w.js",
        "containers": [{"class_name": "Api"}],
        "migrations": {"new_tag": "t1", "new_sqlite_classes": ["Api"]},
    }
    with by_hand(made) as api:
        api.upload_script("shop-edge", metadata, [code])


def test_an_adopted_worker_goes_on_from_its_own_tag(made: Project) -> None:
    write_elsewhere(made)
    write_worker(made, "Api", "New")
    made.write(with_api("adopt: true", "workers_dev: false", class_name="New"))
    assert made.actions()["worker.edge"] == "adopt"
    applied_cleanly(made)
    assert uploads(made)[-1]["migrations"]["old_tag"] == "t1"


# addresses and schedules


def test_addresses_and_schedules_are_sent_where_they_are_set(made: Project) -> None:
    made.write(edge("routes: ['a.example/*']", "triggers: {crons: ['5 * * * *']}", "preview_urls: true"))
    applied_cleanly(made)
    script = worker(made)
    assert script["subdomain"] == {"enabled": False, "previews_enabled": True}
    assert [one["cron"] for one in script["schedules"]] == ["5 * * * *"]
    assert [one["pattern"] for one in made.world("route")] == ["a.example/*"]
    made.write(edge())
    applied_cleanly(made)
    assert worker(made)["schedules"] == []
    assert made.world("route") == []


def test_a_custom_domain_comes_and_goes(made: Project) -> None:
    made.write(edge("routes: [{pattern: a.example, custom_domain: true, zone_name: a.example}]"))
    applied_cleanly(made)
    assert [one["hostname"] for one in made.world("domain")] == ["a.example"]
    made.write(edge("routes: []"))
    applied_cleanly(made)
    assert made.world("domain") == []


def test_a_workers_dev_that_was_never_set_is_left_alone(made: Project) -> None:
    made.write(edge())
    made.apply()
    with by_hand(made) as api:
        api.set_script_subdomain("shop-edge", {"enabled": False})
    made.write(edge("vars: {A: x}"))
    applied_cleanly(made)
    assert worker(made)["subdomain"]["enabled"] is False


# what goes wrong


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_migrates_once(made: Project, times: int) -> None:
    made.write(with_api("workers_dev: false"))
    made.faults({"method": "PUT", "path": "/scripts/shop-edge$", "fault": {"drop": "after"}, "times": times})
    ended = made.run("apply", "--yes")
    if ended.code:
        made.faults()
        made.apply()
    assert made.run("plan", "--detailed-exitcode").code == 0
    assert len(made.world("namespace")) == 1


def test_what_came_after_the_upload_is_owed(made: Project) -> None:
    made.environ["DB"] = "first-value"
    made.write(edge("workers_dev: false") + SECRETS)
    made.apply()
    made.write(edge("workers_dev: false", "vars: {A: x}", "secrets: {S: '${secrets.db}'}") + SECRETS)
    made.faults({"method": "PATCH", "path": "secrets-bulk$", "fault": {"status": 400, "body": {}}})
    assert made.run("apply", "--yes").code != 0
    made.faults()
    applied_cleanly(made)
    assert sorted(bindings(made)) == ["A", "S"]


def test_a_renamed_worker_takes_its_data_along_and_must_be_allowed(made: Project) -> None:
    made.write(with_api("workers_dev: false"))
    made.apply()
    made.write(with_api("workers_dev: false", "name: shop-front"))
    ended = made.run("apply", "--yes")
    assert ended.code == 3
    assert "DELETES_DATA:worker.edge" in ended.err + ended.out
    applied_cleanly(made, "--allow", "DELETES_DATA")
    assert [one["id"] for one in made.world("worker")] == ["shop-front"]
    assert len(made.world("application")) == 1


def test_a_worker_that_is_still_used_is_not_deleted(made: Project) -> None:
    made.write(edge("workers_dev: false"))
    made.apply()
    from reconciler.clients.multipart import Part

    code = Part("w.js", b"export default {}", "application/javascript+module", "w.js")
    service = {"name": "EDGE", "type": "service", "service": "shop-edge"}
    with by_hand(made) as api:
        api.upload_script("theirs", {"main_module": "w.js", "bindings": [service]}, [code])
    ended = made.run("destroy", "--yes")
    assert ended.code in (1, 4)
    assert "shop-edge is still used by theirs" in ended.err + ended.out


def test_a_script_that_declares_its_classes_goes_on_declaring_them(made: Project) -> None:
    from reconciler.clients.multipart import Part

    code = Part("w.js", b"export class Old {}\nexport default {}", "application/javascript+module", "w.js")
    entry = {"type": "durable-object", "storage": "sqlite"}
    with by_hand(made) as api:
        api.upload_script("shop-edge", {"main_module": "w.js", "exports": {"Old": entry}}, [code])
    write_worker(made, "Api", "Old")
    made.write(with_api("adopt: true", "workers_dev: false"))
    applied_cleanly(made)
    assert "migrations" not in uploads(made)[-1]
    assert uploads(made)[-1]["exports"] == {"Api": {**entry, "container": "shop-api"}, "Old": entry}
    assert enabled(made) == {"Api": True, "Old": False}
