"""What the account has no room for is said by the plan, and an apply that would be refused touches nothing (reference 2.11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import Project

HEAD = "version: 1\nproject: shop\nimages: {api: {archive: image}}\n"
WEB = "applications:\n  web: {image: '${images.api}', %s}\n"
TASKS = "applications:\n  tasks: {image: '${images.api}', jobs: true, instances: %d, instance_type: %s}\n"
JOB = "jobs:\n  purge: {application: '${applications.tasks}', command: [purge]}\n"
PROXY = "deployments:\n  proxy: {image: '${images.api}', %s}\n"
ALL = 375  # instances of standard-4: the 1500 vCPU of an account

TOO_MUCH = [
    (
        "Q113",
        "application.web",
        WEB % f"instances: {ALL + 1}, instance_type: standard-4",
        "1504 vCPU at once",
    ),
    ("Q113", "application.tasks", TASKS % (ALL, "standard-4") + JOB, "1504 vCPU at once, more than the 1500"),
    (
        "Q113",
        "application.web",
        WEB % f"instances: {ALL}, instance_type: standard-4" + PROXY % "location: ams02",
        "1500.0625 vCPU at once",
    ),
    ("Q111", "deployment.proxy", PROXY % "location: nowhere", 'the account has no location "nowhere"'),
    (
        "Q112",
        "deployment.proxy",
        PROXY % "location: dxb01, instance_type: standard-4",
        "4 vCPU is more than the 2 that dxb01 allows a container",
    ),
]


def findings(shop: Project) -> list[tuple[str, str, str]]:
    return [(one["code"], one["address"], one["summary"]) for one in shop.plan()["diagnostics"]]


@pytest.mark.parametrize(
    ("code", "address", "text", "said"), TOO_MUCH, ids=[f"{c}-{a}" for c, a, *_ in TOO_MUCH]
)
def test_the_whole_manifest_is_held_against_the_account(
    shop: Project, code: str, address: str, text: str, said: str
) -> None:
    shop.write(HEAD + text)
    assert (code, address) in [one[:2] for one in findings(shop)]
    since = shop.last_request()
    ended = shop.run("apply", "--yes")
    assert ended.code == 1
    [line] = [one for one in ended.err.splitlines() if said in one]
    assert line.startswith("containers.yaml:")
    assert f"{address}: " in line
    assert {method for method, _ in shop.requests(since)} <= {"GET", "HEAD"}
    assert shop.world("application") == shop.world("deployment") == []


def test_what_fits_is_no_finding_and_then_a_little_more_is(shop: Project) -> None:
    shop.write(HEAD + WEB % f"instances: {ALL}, instance_type: standard-4")
    shop.apply()
    assert findings(shop) == []
    shop.write(HEAD + WEB % f"instances: {ALL}, instance_type: standard-4" + PROXY % "location: ams02")
    assert [one[:2] for one in findings(shop)] == [("Q113", "deployment.proxy")]


def test_who_asks_for_less_is_not_stopped_though_it_be_too_much_still(shop: Project) -> None:
    shop.settings(limits=False)
    shop.write(HEAD + WEB % f"instances: {ALL + 20}, instance_type: standard-4")
    shop.apply()
    shop.settings(limits=True)
    shop.write(HEAD + WEB % f"instances: {ALL + 10}, instance_type: standard-4")
    assert findings(shop) == []
    shop.apply()
    shop.write(HEAD + WEB % f"instances: {ALL + 15}, instance_type: standard-4")
    assert [one[:2] for one in findings(shop)] == [("Q113", "application.web")]


@pytest.mark.parametrize("answer", [{"status": 403, "body": {}}, {"status": 404, "body": {}}])
def test_an_account_that_does_not_tell_stops_nothing(shop: Project, answer: dict[str, Any]) -> None:
    shop.faults({"method": "GET", "path": "/containers/me$", "fault": answer, "times": 0})
    shop.write(HEAD + WEB % f"instances: {ALL + 1}, instance_type: standard-4")
    assert findings(shop) == []


def test_the_account_is_asked_only_where_more_may_be_used(shop: Project) -> None:
    shop.write(HEAD + WEB % "instances: 1, environment_variables: {A: x}")
    shop.apply()
    shop.write(HEAD + WEB % "instances: 1, environment_variables: {A: y}")
    since = shop.last_request()
    shop.plan()
    assert not [path for _, path in shop.requests(since) if path.endswith("/me")]
