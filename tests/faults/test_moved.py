"""Something moves between plan and apply, or while an apply goes on: what it rests on is refused by name, the rest goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.engine import second_look
from tests.e2e.shop import SHOP
from tests.faults.conftest import Record
from tests.harness import Ended, Project

OTHER = 'applications:\n  other: {image: "${images.api}", instances: 0, max_instances: 3}\n'
BOTH = SHOP.replace("applications:\n", OTHER)
BIGGER = BOTH.replace("max_instances: 4", "max_instances: 5")


def application(shop: Project, name: str) -> Any:
    return next(one for one in shop.world("application") if one["name"] == name)


def patch(shop: Project, name: str, **body: Any) -> None:
    shop.by_hand("PATCH", f"containers/applications/{application(shop, name)['id']}", body)


def edited(shop: Project, **fields: Any) -> None:
    path = shop.folder / "saved.plan"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


MOVES: dict[str, tuple[Callable[[Project], object], str]] = {
    "the manifest": (lambda shop: shop.write(BIGGER + "# \n"), "containers.yaml has changed"),
    "the state": (
        lambda shop: shop.run("state", "rm", "secret.db", "--yes"),
        "the state has moved on from serial",
    ),
    "another state": (lambda shop: edited(shop, state={"lineage": "x", "serial": 1}), "another state"),
    "a live attribute": (
        lambda shop: patch(shop, "shop-api", max_instances=9),
        "application.api: somebody has changed",
    ),
    "what is gone": (
        lambda shop: shop.by_hand("DELETE", f"containers/applications/{application(shop, 'shop-api')['id']}"),
        "application.api: the plan shows update, and now",
    ),
    "a file": (lambda shop: shop.write("export default {}", "worker.js"), "worker.edge"),
    "a secret": (lambda shop: shop.environ.update(DB_PASSWORD="another"), "secret.db"),
    "the engine": (lambda shop: edited(shop, format_version="2.0"), "another version of reconciler"),
    "the account": (lambda shop: edited(shop, account_id="b" * 32), "for the account"),
    "its time": (lambda shop: edited(shop, expires_at="2020-01-01T00:00:00Z"), "expired"),
    "the environment": (lambda shop: edited(shop, environment="staging"), "environment"),
}


def planned(shop: Project) -> None:
    shop.write(BOTH)
    shop.apply()
    shop.write(BIGGER)
    assert shop.run("plan", "-o", "saved.plan").code == 0


def application_writes(shop: Project, since: int) -> int:
    return sum(
        method in ("PATCH", "POST") and "/applications" in path and "0000-0000" not in path
        for method, path in shop.requests(since)
    )


@pytest.mark.parametrize("what", MOVES)
def test_a_saved_plan_is_refused_once_what_it_rests_on_has_moved(
    shop: Project, what: str, record: Record
) -> None:
    planned(shop)
    move, said = MOVES[what]
    move(shop)
    since = shop.last_request()
    refused = shop.run("apply", "saved.plan")
    assert said in refused.err, refused
    assert refused.code == (1 if what == "the environment" else 3), refused
    assert application_writes(shop, since) == 0
    assert not list((shop.folder / "state").glob("*.lock"))
    record(
        6, "saved plan, and one of what it rests on moved", 1, "refused, named, nothing touched, no lock left"
    )


def test_what_is_outside_a_plan_may_move(shop: Project, record: Record) -> None:
    planned(shop)
    patch(shop, "shop-other", max_instances=7)
    applied = shop.run("apply", "saved.plan")
    assert applied.code == 0, applied
    assert application(shop, "shop-api")["max_instances"] == 5
    assert application(shop, "shop-other")["max_instances"] == 7
    record(6, "saved plan, and a resource outside it moved", 1, "goes on")


ASIDE = BOTH.replace("applications:\n", OTHER.replace("other:", "aside:"))


def cut_off(shop: Project) -> str:
    """A saved plan for two of three applications, killed while it changes the first; gives the other one's name."""
    shop.write(ASIDE)
    shop.apply()
    shop.write(
        ASIDE.replace("max_instances: 4", "max_instances: 5").replace(
            'other: {image: "${images.api}", instances: 0, max_instances: 3}',
            'other: {image: "${images.api}", instances: 0, max_instances: 4}',
        )
    )
    assert shop.run("plan", "-o", "saved.plan").code == 0
    shop.faults({"method": "PATCH", "path": "/applications/", "fault": {"delay": 0.3}, "times": 0})
    since = shop.last_request()
    with shop.process("apply", "saved.plan", "--parallelism", "1") as process:
        while not (begun := [path for method, path in shop.requests(since) if method == "PATCH"]):
            time.sleep(0.01)
        process.kill()
    shop.faults()
    shop.await_answers()
    return "shop-other" if begun[0].endswith(application(shop, "shop-api")["id"]) else "shop-api"


def test_a_saved_plan_that_was_cut_off_goes_on_and_does_no_more_than_it_shows(
    shop: Project, record: Record
) -> None:
    cut_off(shop)
    patch(shop, "shop-aside", max_instances=7)
    applied = shop.run("apply", "saved.plan")
    assert applied.code == 0, applied
    found = {one["name"]: one["max_instances"] for one in shop.world("application")}
    assert found == {"shop-api": 5, "shop-other": 4, "shop-aside": 7}
    record(6, "saved plan, cut off, and a resource outside it moved", 1, "goes on, and leaves it alone")


def test_what_was_not_begun_when_a_saved_plan_was_cut_off_may_not_move(shop: Project, record: Record) -> None:
    waiting = cut_off(shop)
    patch(shop, waiting, max_instances=9)
    refused = shop.run("apply", "saved.plan")
    assert (refused.code, "otherwise than shown: max_instances" in refused.err) == (3, True), refused
    assert application(shop, waiting)["max_instances"] == 9
    assert shop.run("apply", "--yes").code == 0
    assert shop.actions() == {}
    record(6, "saved plan, cut off, and what it had not begun moved", 1, "refused, named")


def applied_while(shop: Project, happens: Callable[[], object]) -> Ended:
    """An apply of a changed secret and application, and what somebody does while the secret is slow to be sent."""
    shop.environ["DB_PASSWORD"] = "another"
    shop.faults({"method": "PATCH", "path": "/secrets-bulk", "fault": {"delay": 1.5}})
    since = shop.last_request()

    def meanwhile() -> None:
        while not any(path.endswith("/secrets-bulk") for _, path in shop.requests(since)):
            time.sleep(0.01)
        happens()

    somebody = threading.Thread(target=meanwhile)
    somebody.start()
    try:
        return shop.run("apply", "--yes", "--parallelism", "1")
    finally:
        somebody.join()


@pytest.mark.parametrize("others", [False, True], ids=["in the plan", "outside it"])
def test_what_moves_while_an_apply_goes_on_is_seen_after_a_minute(
    shop: Project, monkeypatch: pytest.MonkeyPatch, others: bool, record: Record
) -> None:
    planned(shop)
    monkeypatch.setattr(second_look, "AFTER_SECONDS", 0.1)
    name = "shop-other" if others else "shop-api"
    ended = applied_while(shop, lambda: patch(shop, name, max_instances=9))
    assert ended.code == (0 if others else 4), ended
    assert ("application.api: somebody has changed it since this apply looked" in ended.err) is not others
    assert application(shop, "shop-api")["max_instances"] == (5 if others else 9)
    assert shop.run("apply", "--yes").code == 0
    assert application(shop, "shop-api")["max_instances"] == 5
    record(
        6,
        "a resource moved while an apply went on, looked at more than a minute before",
        1,
        "named; the rest goes on",
    )
