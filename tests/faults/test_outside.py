"""What the network and the service do wrong: nothing is lost, nothing is made twice, and it mostly is not even noticed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import SHOP
from tests.faults.conftest import Record
from tests.harness import Project

WRITES = [
    ("PUT", "/workers/scripts/shop-edge$"),
    ("PATCH", "/secrets-bulk"),
    ("POST", "/containers/applications$"),
    ("POST", "/v2/.*/blobs/uploads"),
    ("PUT", "/v2/.*/manifests"),
]
CHANGES = [
    ("PATCH", "/containers/applications/"),
    ("POST", "/rollouts$"),
]
FAULTS: dict[str, dict[str, Any]] = {
    "dropped before the work": {"drop": "before"},
    "dropped after the work": {"drop": "after"},
    "refused for now": {"status": 429, "headers": {"Retry-After": "1"}, "body": {}},
    "out of order": {"status": 503, "body": {}},
    "a page of a proxy": {"html": True},
}


def made(project: Project, kind: str) -> int:
    return len(
        {one["id"] for entry in project.page("ledger") for one in entry["created"] if one["kind"] == kind}
    )


def assert_converged(project: Project) -> None:
    project.faults()
    if project.actions():
        project.apply()
    assert project.actions() == {}
    assert {kind: made(project, kind) for kind in ("application", "worker", "namespace")} == {
        "application": 1,
        "worker": 1,
        "namespace": 1,
    }


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_fault_of_a_create(shop: Project, method: str, path: str, fault: str) -> None:
    shop.write(SHOP)
    shop.faults({"method": method, "path": path, "fault": FAULTS[fault]})
    ended = shop.run("apply", "--yes")
    assert ended.code in (0, 1, 4), ended.err
    assert_converged(shop)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_fault_of_a_change(shop: Project, method: str, path: str, fault: str) -> None:
    shop.write(SHOP)
    shop.apply()
    new = image(b"layer two")
    write_folder(shop.folder / "image", layout_files(new))
    shop.faults({"method": method, "path": path, "fault": FAULTS[fault]})
    ended = shop.run("apply", "--yes")
    assert ended.code in (0, 1, 4), ended.err
    assert_converged(shop)
    [application] = shop.world("application")
    assert {one["image"] for one in application["running"]} == {application["configuration"]["image"]}


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("DELETE", "/containers/applications/")])
def test_a_lost_answer_is_looked_into_in_the_same_run(shop: Project, method: str, path: str) -> None:
    shop.write(SHOP)
    if method == "DELETE":
        shop.apply()
        shop.write(
            SHOP[: SHOP.index("applications:")].replace('    bindings: {API: "${applications.api}"}\n', "")
        )
    shop.faults({"method": method, "path": path, "fault": {"drop": "after"}})
    ended = shop.run("apply", "--yes", "--allow", "DISABLES_CONTAINER")
    assert ended.code == 0, ended.err
    assert shop.actions() == {}


def test_a_wrong_echo_is_told_and_does_not_come_back(shop: Project, record: Record) -> None:
    shop.write(SHOP)
    echo = {"echo": {"result.max_instances": 9}}
    shop.faults({"method": "POST", "path": "/containers/applications$", "fault": echo})
    ended = shop.run("apply", "--yes")
    assert ended.code == 0, ended.err
    assert "application.api: max_instances: the service stored 9, and was sent 4" in ended.err
    assert shop.actions() == {}
    record(
        11, "another value in the answer than was sent", 1, "said at apply with both; no endless difference"
    )


def test_a_host_without_an_address_is_told_and_nothing_is_written(shop: Project, record: Record) -> None:
    shop.write(SHOP)
    shop.environ["CLOUDFLARE_API_BASE_URL"] = "https://nowhere.invalid/client/v4"
    ended = shop.run("apply", "--yes")
    assert ended.code == 1
    assert "the name nowhere.invalid cannot be resolved" in ended.err
    assert shop.page("ledger") == []
    record(7, "a host whose name cannot be resolved", 1, "told in a sentence, nothing sent, nothing recorded")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {
                "status": 401,
                "body": {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
            },
            "10000",
        ),
        ({"status": 403, "body": {"success": False, "errors": [{"code": 7003, "message": "no"}]}}, "7003"),
        ({"html": True}, "HTML"),
        ({"status": 500, "body": {"x": 1}}, "500"),
    ],
)
def test_what_the_service_says_reaches_the_user_in_words(
    shop: Project, fault: dict[str, Any], said: str
) -> None:
    shop.write(SHOP)
    shop.faults({"path": "/workers/scripts", "times": 0, "fault": fault})
    ended = shop.run("plan")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ended.err.startswith("error: ")
