"""A key that is set to what is there already is managed from then on: its leaving the manifest is noticed."""

from __future__ import annotations

from tests.e2e.shop import SHOP
from tests.harness import Project

PLACED = SHOP.replace("max_instances: 4", "max_instances: 4\n    constraints: {regions: [WEUR]}")


def regions(shop: Project) -> object:
    [application] = shop.world("application")
    return application["constraints"].get("regions")


def place_by_hand(shop: Project) -> None:
    [application] = shop.world("application")
    constraints = {**application["constraints"], "regions": ["WEUR"]}
    shop.by_hand("PATCH", f"containers/applications/{application['id']}", {"constraints": constraints})


def test_what_is_there_already_is_remembered_and_later_removed(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    place_by_hand(shop)
    assert shop.actions() == {}, shop.run("plan").out
    shop.write(PLACED)
    [change] = shop.plan()["changes"]
    assert (change["action"], change["effect"]) == ("update", "none")
    assert shop.plan()["requests"] == {}
    assert change["reason"] == "constraints.regions is there already, and managed from now on"
    since = shop.last_request()
    shop.apply()
    assert {method for method, _ in shop.requests(since)} <= {"GET", "HEAD"}
    assert shop.actions() == {}
    shop.write(SHOP)
    shop.apply()
    assert not regions(shop)


def test_what_was_imported_is_removed_with_its_key(shop: Project) -> None:
    shop.write(PLACED)
    shop.apply()
    shop.run("state", "rm", "application.api", "--yes")
    [application] = shop.world("application")
    shop.run("import", "application.api", application["id"])
    assert shop.actions() == {}
    shop.write(SHOP)
    shop.apply()
    assert not regions(shop)
    assert shop.actions() == {}
