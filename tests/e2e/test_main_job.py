from __future__ import annotations

import re

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import SHOP
from tests.harness import ACCOUNT, Project


def test_a_manifest_becomes_a_running_world(shop: Project) -> None:
    shop.write(SHOP)
    assert shop.actions() == {
        "image.api": "create",
        "secret.db": "create",
        "worker.edge": "create",
        "application.api": "create",
    }
    shop.apply()
    [application] = shop.world("application")
    [worker] = shop.world("worker")
    assert application["name"] == "shop-api"
    assert application["configuration"]["image"].startswith(
        f"registry.cloudflare.com/{ACCOUNT}/shop-api@sha256:"
    )
    assert worker["id"] == "shop-edge"
    assert shop.actions() == {}
    assert shop.run("plan", "--detailed-exitcode").code == 0
    assert shop.run("output", "worker").out == "shop-edge\n"


def test_a_plan_writes_nothing_and_takes_no_lock(shop: Project) -> None:
    shop.write(SHOP)
    since = shop.last_request()
    assert shop.run("plan", "--detailed-exitcode").code == 2
    assert {method for method, path in shop.requests(since) if not path.endswith("/credentials")} <= {
        "GET",
        "HEAD",
    }
    assert not (shop.folder / "state").exists()


@pytest.mark.parametrize(
    ("was", "becomes", "action", "effect"),
    [
        ("max_instances: 4", "max_instances: 5", "update", "hot"),
        ("instance_type: basic", "instance_type: standard-1", "update", "rollout"),
        ("{LOG_LEVEL: info}\n\noutputs", "{LOG_LEVEL: debug}\n\noutputs", "update", "rollout"),
    ],
)
def test_a_change_says_what_it_does_to_what_runs(
    shop: Project, was: str, becomes: str, action: str, effect: str
) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write(SHOP.replace(was, becomes))
    [change] = shop.plan()["changes"]
    assert (change["address"], change["action"], change["effect"]) == ("application.api", action, effect)
    shop.apply()
    assert shop.actions() == {}


def test_a_new_image_rolls_over_to_its_digest(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    new = image(b"layer two")
    write_folder(shop.folder / "image", layout_files(new))
    assert shop.actions() == {"image.api": "update", "application.api": "update"}
    shop.apply()
    [application] = shop.world("application")
    assert application["configuration"]["image"].endswith(new.top.digest)
    [rollout] = shop.world("rollout")
    assert rollout["status"] == "completed"
    assert shop.actions() == {}


def test_a_rotated_secret_is_seen_and_sent_but_never_shown(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.environ["DB_PASSWORD"] = "another-value"
    plan = shop.run("plan")
    assert "(sensitive, changed)" in plan.out
    shop.apply()
    assert shop.actions() == {}
    for path in shop.folder.rglob("*"):
        if path.is_file():
            assert b"another-value" not in path.read_bytes(), path
            assert b"s3cret-value" not in path.read_bytes(), path


def test_what_leaves_the_manifest_goes_before_its_worker_is_uploaded(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    smaller = SHOP[: SHOP.index("applications:")].replace('    bindings: {API: "${applications.api}"}\n', "")
    shop.write(smaller)
    since = shop.last_request()
    shop.apply("--allow", "DISABLES_CONTAINER")
    writes = [
        (method, path.rpartition("/")[0].rpartition("/")[2])
        for method, path in shop.requests(since)
        if method in ("PUT", "DELETE")
    ]
    assert writes[0] == ("DELETE", "applications")
    assert shop.world("application") == []
    assert shop.actions() == {}


def test_destroy_takes_everything_and_forgets_images(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    refused = shop.run("destroy", "--yes")
    assert refused.code == 3
    assert "--allow DELETES_DATA:worker.edge" in refused.err
    ended = shop.run("destroy", "--yes", "--allow", "DELETES_DATA")
    assert ended.code == 0, ended.err
    assert (shop.world("application"), shop.world("worker"), shop.world("namespace")) == ([], [], [])
    assert len(shop.world("manifest")) == 1
    assert shop.run("state", "list").out == ""


def test_a_saved_plan_is_applied_as_it_is_or_not_at_all(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write(SHOP.replace("max_instances: 4", "max_instances: 6"))
    assert shop.run("plan", "-o", "p.json").code == 0
    [application] = shop.world("application")
    shop.write(SHOP.replace("max_instances: 4", "max_instances: 7"))
    stale = shop.run("apply", "p.json")
    assert (stale.code, "containers.yaml has changed" in stale.err) == (3, True)
    shop.write(SHOP.replace("max_instances: 4", "max_instances: 6"))
    assert shop.run("apply", "p.json").code == 0
    assert shop.world("application")[0]["max_instances"] == 6
    again = shop.run("apply", "p.json")
    assert again.code == 3
    assert application["id"] == shop.world("application")[0]["id"]


def test_no_terminal_and_no_yes_is_a_refusal(shop: Project) -> None:
    shop.write(SHOP)
    ended = shop.run("apply")
    assert (ended.code, "--yes" in ended.err) == (3, True)
    assert shop.world("application") == []


def test_another_class_is_a_replacement(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    [before] = shop.world("application")
    shop.write(SHOP.replace("class_name: Api", "class_name: Jobs"))
    assert shop.actions() == {"worker.edge": "update", "application.api": "replace"}
    shop.apply("--allow", "DISABLES_CONTAINER")
    [after] = shop.world("application")
    assert after["id"] != before["id"]
    assert after["durable_objects"] != before["durable_objects"]
    assert shop.actions() == {}


def test_a_class_renamed_by_saying_so_keeps_everything(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    [before] = shop.world("application")
    renamed = SHOP.replace("class_name: Api", "class_name: Jobs")
    shop.write(renamed.replace("    vars:", "    classes: {Jobs: {renamed_from: Api}}\n    vars:"))
    assert shop.actions()["worker.edge"] == "update"
    shop.apply()
    [after] = shop.world("application")
    assert (after["id"], after["durable_objects"]) == (before["id"], before["durable_objects"])
    assert shop.actions() == {}


def test_what_is_watched_rolls_out(shop: Project) -> None:
    watching = SHOP.replace("    class_name: Api\n", "    class_name: Api\n    rollout_on: [secret.db]\n")
    shop.write(watching)
    shop.apply()
    shop.environ["DB_PASSWORD"] = "another-value"
    changes = {change["address"]: change["effect"] for change in shop.plan()["changes"]}
    assert changes["application.api"] == "rollout"
    shop.apply()
    assert [one["status"] for one in shop.world("rollout")] == ["completed"]
    assert shop.actions() == {}


def test_a_taken_name_is_refused_until_it_is_adopted_or_imported(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    for path in sorted((shop.folder / "state").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (shop.folder / "state").rmdir()
    refused = shop.run("apply", "--yes")
    assert refused.code in (1, 4)
    assert "adopt: true" in refused.out + refused.err
    assert shop.run("import", "--all").code == 0
    shop.apply()
    assert shop.actions() == {}
    assert len(shop.world("application")) == 1


def test_drift_is_told_and_ends_with_2(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    assert shop.run("drift").code == 0
    [found] = shop.world("application")
    shop.by_hand("PATCH", f"containers/applications/{found['id']}", {"max_instances": 9})
    ended = shop.run("drift")
    assert ended.code == 2
    assert re.fullmatch(
        r"application.api  max_instances: live 9, last applied 4 \(changed [\d-]+ [\d:]+ UTC\)\n", ended.out
    )
    [one] = shop.plan()["drift"]
    assert (one["path"], one["recorded"], one["live"], one["verdict"]) == ("max_instances", 4, 9, "revert")
    assert one["changed_at"] == shop.world("application")[0]["updated_at"]
    shop.apply()
    assert shop.world("application")[0]["max_instances"] == 4


def test_accepting_what_is_there_changes_memory_alone(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    [found] = shop.world("application")
    shop.by_hand("PATCH", f"containers/applications/{found['id']}", {"max_instances": 9})
    since = shop.last_request()
    assert shop.run("apply", "--yes", "--refresh-only").code == 0
    assert {method for method, _ in shop.requests(since)} == {"GET"}
    assert shop.run("drift").code == 0
    assert shop.actions() == {"application.api": "update"}


def test_the_state_can_be_tended(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    assert shop.run("state", "list").out.split() == [
        "application.api",
        "image.api",
        "secret.db",
        "worker.edge",
    ]
    assert shop.run("state", "mv", "secret.db", "secret.database").code == 0
    assert "secret.database" in shop.run("state", "list").out
    assert shop.run("state", "rm", "secret.database").code == 3
    assert shop.run("state", "rm", "secret.database", "--yes").code == 0
    serials = [one["serial"] for one in shop.run("state", "history", "--json").document]
    assert shop.run("state", "restore", str(serials[-2]), "--yes").code == 0
    assert shop.run("state", "list").out.split() == [
        "application.api",
        "image.api",
        "secret.db",
        "worker.edge",
    ]
    assert shop.actions() == {}


def test_moved_changes_nothing_in_the_cloud(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write(
        SHOP.replace("applications.api", "applications.web").replace(
            "\n  api:\n    image: $", "\n  web:\n    image: $"
        )
        + "moved: [{from: application.api, to: application.web}]\n"
    )
    assert shop.actions()["application.web"] == "move"
    [before] = shop.world("application")
    shop.apply()
    [after] = shop.world("application")
    assert (after["id"], after["name"]) == (before["id"], "shop-api")
    assert shop.actions() == {}


def test_another_key_on_the_same_class_takes_its_place(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    [before] = shop.world("application")
    shop.write(
        SHOP.replace("applications.api", "applications.web").replace(
            "\n  api:\n    image: $", "\n  web:\n    image: $"
        )
    )
    assert shop.actions() == {
        "application.api": "delete",
        "application.web": "create",
        "worker.edge": "update",
    }
    shop.apply()
    [after] = shop.world("application")
    assert after["durable_objects"] == before["durable_objects"]
    assert after["name"] == "shop-web"
    assert shop.actions() == {}


def test_two_applications_share_a_secret(shop: Project) -> None:
    second = """\
  jobs:
    image: ${images.api}
    instances: 1
    secrets: {PASSWORD: "${secrets.db}"}
"""
    both = SHOP.replace(
        "    class_name: Api\n", "    class_name: Api\n    secrets: {PASSWORD: '${secrets.db}'}\n"
    )
    shop.write(both.replace("\noutputs:", f"{second}\noutputs:"))
    shop.apply()
    [secret] = shop.world("secret")
    assert secret["name"] == "shop-db"
    assert shop.actions() == {}


def test_a_class_changes_hands(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    both = SHOP.replace("class_name: Api", "class_name: Jobs").replace(
        "\noutputs:", "  web: {image: '${images.api}', class_name: Api}\n\noutputs:"
    )
    shop.write(
        both.replace(
            'bindings: {API: "${applications.api}"}',
            "bindings: {API: '${applications.api}', WEB: '${applications.web}'}",
        )
    )
    assert shop.actions() == {
        "application.api": "replace",
        "application.web": "create",
        "worker.edge": "update",
    }
    shop.apply()
    assert {one["name"] for one in shop.world("application")} == {"shop-api", "shop-web"}
    assert shop.actions() == {}


FRONT = SHOP.replace("  edge:\n", "  front:\n    name: shop-edge\n").replace("workers.edge", "workers.front")
MOVED = f"{FRONT}\nmoved: [{{from: worker.edge, to: worker.front}}]\n"


def waits(made: Project) -> dict[str, list[str]]:
    entries = made.run("state", "pull").document["resources"]
    return {address: entry.get("depends_on", []) for address, entry in entries.items()}


@pytest.mark.parametrize("by_hand", [True, False], ids=["state mv", "moved"])
def test_what_waits_for_something_still_does_under_its_new_address(shop: Project, by_hand: bool) -> None:
    shop.write(SHOP)
    shop.apply()
    before = waits(shop)
    assert before["application.api"] == ["image.api", "worker.edge"]
    shop.write(MOVED)
    ended = shop.run("state", "mv", "worker.edge", "worker.front") if by_hand else shop.apply()
    assert ended.code == 0
    assert waits(shop)["application.api"] == ["image.api", "worker.front"]
    assert shop.actions() == {}


def test_a_targeted_destroy_takes_those_along_that_use_it(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    assert shop.actions("--destroy", "--target", "application.api") == {"application.api": "delete"}
    both = {"application.api": "delete", "worker.edge": "delete"}
    assert shop.actions("--destroy", "--target", "worker.edge") == both
    assert shop.actions("--destroy", "--exclude", "application.api") == {}
