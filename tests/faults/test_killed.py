"""SIGKILL in the middle of an apply: the next run ends in the world that an uninterrupted one would have made."""

from __future__ import annotations

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import SHOP
from tests.harness import Project


def killed_at(project: Project, request: int, *args: str) -> None:
    """Runs an apply as a process of its own, and kills it when that many requests have arrived."""
    since = project.last_request()
    project.faults({"fault": {"delay": 0.02}, "times": 0})
    with project.process("apply", "--yes", *args) as process:
        project.await_requests(since, request, process)
        process.kill()
        process.communicate()
    project.faults()


def assert_whole(project: Project, digest: str, max_instances: int) -> None:
    [application] = project.world("application")
    [worker] = project.world("worker")
    [namespace] = project.world("namespace")
    assert application["configuration"]["image"].endswith(digest)
    assert application["max_instances"] == max_instances
    assert application["durable_objects"]["namespace_id"] == namespace["id"]
    assert worker["id"] == "shop-edge"
    assert project.actions() == {}


@pytest.mark.parametrize("request_number", range(1, 26, 2))
def test_killed_while_creating(shop: Project, request_number: int) -> None:
    shop.write(SHOP)
    killed_at(shop, request_number)
    shop.apply()
    assert_whole(shop, image(b"layer one").top.digest, 4)
    created = [one for entry in shop.page("ledger") for one in entry["created"]]
    for kind in ("application", "worker", "namespace"):
        assert len({one["id"] for one in created if one["kind"] == kind}) == 1, kind


@pytest.mark.parametrize("request_number", range(1, 26, 2))
def test_killed_while_rolling_out(shop: Project, request_number: int) -> None:
    shop.write(SHOP)
    shop.apply()
    new = image(b"layer two")
    write_folder(shop.folder / "image", layout_files(new))
    shop.write(SHOP.replace("max_instances: 4", "max_instances: 6"))
    killed_at(shop, request_number)
    shop.apply()
    assert_whole(shop, new.top.digest, 6)
    assert {one["image"] for one in shop.world("application")[0]["running"]} == {
        shop.world("application")[0]["configuration"]["image"]
    }


@pytest.mark.parametrize("request_number", range(1, 20, 3))
def test_killed_while_destroying(shop: Project, request_number: int) -> None:
    shop.write(SHOP)
    shop.apply()
    smaller = SHOP[: SHOP.index("workers:")]
    shop.write(smaller)
    allow = ("--allow", "DELETES_DATA", "--allow", "DISABLES_CONTAINER", "--allow-destroy", "2")
    killed_at(shop, request_number, *allow)
    shop.run("apply", "--yes", *allow)
    assert shop.actions() == {}
    assert (shop.world("application"), shop.world("worker")) == ([], [])
