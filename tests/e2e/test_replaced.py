"""A replacement whose old object could not be deleted: it is known until it is gone."""

from __future__ import annotations

import pytest

from tests.harness import Project

OLD = "secret.db (replaced first)"
REFUSED = {"method": "DELETE", "path": "/containers/secrets", "fault": {"status": 403}, "times": 0}


def named(name: str) -> str:
    source = "from: {env: DB_PASSWORD}, targets: [account]"
    return f"version: 1\nproject: shop\nsecrets:\n  db: {{name: {name}, {source}}}\n  kept: {{{source}}}\n"


@pytest.fixture
def renamed(shop: Project) -> Project:
    shop.write(named("first"))
    shop.apply()
    shop.faults(REFUSED)
    shop.write(named("second"))
    assert shop.run("apply", "--yes").code == 4
    shop.faults()
    return shop


def names(shop: Project) -> list[str]:
    return sorted(one["name"] for one in shop.world("secret") if one["name"] != "shop-kept")


def test_it_is_listed_planned_and_deleted_by_the_next_run(renamed: Project) -> None:
    assert names(renamed) == ["first", "second"]
    assert OLD in renamed.run("state", "list").out
    assert renamed.actions() == {OLD: "delete"}
    assert OLD in renamed.run("plan").out
    renamed.apply()
    assert names(renamed) == ["second"]
    assert renamed.actions() == {}


def test_it_is_no_drift(renamed: Project) -> None:
    assert renamed.run("drift").code == 0


def test_a_saved_plan_deletes_it(renamed: Project) -> None:
    renamed.plan("-o", "plan.json")
    assert renamed.run("apply", "plan.json", "--yes").code == 0
    assert names(renamed) == ["second"]


def test_destroy_takes_both(renamed: Project) -> None:
    ended = renamed.run("destroy", "--yes", "--allow", "DELETES_DATA")
    assert (ended.code, names(renamed)) == (0, []), ended.err


def test_going_back_to_its_name_waits_for_its_end(renamed: Project) -> None:
    renamed.write(named("first"))
    renamed.apply()
    assert names(renamed) == ["first"]
    assert renamed.actions() == {}


def test_it_can_be_let_go_of(renamed: Project) -> None:
    assert renamed.run("state", "rm", OLD, "--yes").code == 0
    assert renamed.actions() == {}


@pytest.mark.parametrize("request_number", range(1, 6))
def test_killed_between_the_two(shop: Project, request_number: int) -> None:
    shop.write(named("first"))
    shop.apply()
    shop.write(named("second"))
    since = shop.last_request()
    shop.faults({"fault": {"delay": 0.02}, "times": 0})
    with shop.process("apply", "--yes") as process:
        shop.await_requests(since, request_number, process)
        process.kill()
        process.communicate()
    shop.faults()
    shop.apply()
    assert names(shop) == ["second"]
    assert shop.actions() == {}


def test_two_secrets_exchange_their_names(shop: Project) -> None:
    swapped = named("shop-kept").replace("kept: {", "kept: {name: first, ")
    shop.write(named("first"))
    shop.apply()
    shop.write(swapped)
    shop.apply()
    assert sorted(one["name"] for one in shop.world("secret")) == ["first", "shop-kept"]
    assert shop.actions() == {}
