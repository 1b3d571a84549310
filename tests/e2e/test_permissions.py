"""What a plan needs of the token: shown, saved, asked for before anything is touched, and by `doctor` (reference 1.3)."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.cli import applying
from tests.e2e.shop import SHOP
from tests.harness import Project

CONTAINERS, SCRIPTS = "Workers Containers Write", "Workers Scripts Write"
HEAD = "version: 1\nproject: shop\n"
WORKER = 'workers:\n  edge: {main: worker.js, compatibility_date: "2026-10-01"%s}\n'
HUB = """\
secrets: {hub: {from: {env: DB_PASSWORD}}}
registries:
  hub: {domain: docker.io, public_credential: shop, private_credential: "${secrets.hub}"}
"""


def forbidding(path: str) -> dict[str, Any]:
    """A token that may read everything, and change nothing under a path."""
    body = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None}
    return {"method": "PATCH", "path": path, "fault": {"status": 403, "body": body}, "times": 0}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is taken for an API that is not on this machine."""
    monkeypatch.setattr(applying, "is_loopback", lambda _url: False)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (SHOP, [CONTAINERS, SCRIPTS]),
        (HEAD + WORKER % "", [SCRIPTS]),
        (HEAD + WORKER % ", routes: [shop.example/*]", ["Workers Routes Write", SCRIPTS]),
        (HEAD + HUB, ["Secrets Store Write", CONTAINERS]),
        (HEAD + "registries: {hub: {domain: docker.io}}\n", []),
        (HEAD + "secrets: {db: {from: {env: DB_PASSWORD}}}\n", []),
        (HEAD + "account: {defaults: {vcpus: 0.25}}\n", [CONTAINERS]),
    ],
)
def test_a_plan_says_what_its_apply_needs(shop: Project, text: str, needed: list[str]) -> None:
    shop.write(text)
    assert shop.plan()["permissions"] == sorted(needed)
    told = f"Token  needs {' and '.join(sorted(needed))}\n"
    assert (told in shop.run("plan").out) == bool(needed)
    assert (" and ".join(sorted(needed)) in shop.run("plan", "--format", "markdown").out) is True


def test_what_changes_in_memory_only_needs_nothing(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    assert shop.plan()["permissions"] == []
    shop.write(SHOP.replace("    class_name: Api\n", "    class_name: Api\n    protect: true\n"))
    plan = shop.plan()
    assert [one["action"] for one in plan["changes"]] == ["update"]
    assert plan["permissions"] == []


@pytest.mark.parametrize(
    ("path", "lacks"), [("/containers/applications/", CONTAINERS), ("/script-settings", SCRIPTS)]
)
@pytest.mark.usefixtures("elsewhere")
def test_a_token_that_may_not_is_told_before_anything_is_touched(
    shop: Project, path: str, lacks: str
) -> None:
    shop.write(SHOP)
    shop.faults(forbidding(path))
    ended = shop.run("apply", "--yes")
    assert ended.code == 1
    assert f"the token lacks {lacks}, which this plan needs; nothing was done; give it that" in ended.err
    assert shop.world("worker") == shop.world("application") == shop.world("manifest") == []
    shop.faults()
    shop.apply()
    assert shop.actions() == {}


@pytest.mark.usefixtures("elsewhere")
def test_asking_changes_nothing_and_is_asked_once_for_an_apply(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    asked = [one for one in shop.page("ledger") if one["method"] == "PATCH" and one["status"] == 404]
    assert sorted(one["path"].rpartition("/")[2] for one in asked) == [
        "00000000-0000-0000-0000-000000000000",
        "script-settings",
    ]
    since = shop.last_request()
    shop.apply()
    assert [one for one in shop.requests(since) if one[0] == "PATCH"] == []


def test_doctor_asks_for_what_the_manifest_needs(shop: Project) -> None:
    shop.write(HEAD + HUB + WORKER % "")
    shop.faults(forbidding("/script-settings"))
    ended = shop.run("doctor")
    assert ended.code == 1
    assert f"ok    {CONTAINERS}: the token has it\n" in ended.out
    assert f"FAIL  {SCRIPTS}: the token lacks it; give the token {SCRIPTS}, or set another" in ended.out
    shop.faults()
    checks = {one["name"]: one["works"] for one in shop.run("doctor", "--json").document["checks"]}
    assert (checks[CONTAINERS], checks[SCRIPTS]) == (True, True)


def test_a_stand_in_of_our_own_needs_no_token(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    assert all(one["status"] < 400 for one in shop.page("ledger") if one["method"] == "PATCH")
    assert "Token  needs" not in shop.run("plan", "--local").out
    assert shop.run("apply", "--local", "--yes").code == 0
