from __future__ import annotations

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
