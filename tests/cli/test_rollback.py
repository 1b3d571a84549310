from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from tests.cli.rolling_shop import BROKEN, configured, fails, manifest, notes, running, versions
from tests.harness import Project
from tests.kinds.application_bench import applied_cleanly, sent, shop


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        yield project


def test_it_brings_instances_and_configuration_back(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before = running(made)
    versions(made, manifest("two", "2"))
    ended = made.run("rollback", "api")
    assert ended.code == 0, ended.err
    assert (running(made), {configured(made)}) == (before, before)
    assert "going back from version 2 to what state #1 remembers" in ended.err


def test_the_next_plan_says_what_it_undoes_and_applying_it_does(made: Project) -> None:
    versions(made, manifest("one"), manifest("two"))
    after = running(made)
    made.run("rollback", "api")
    plan = made.plan()
    assert plan["drift"] == []
    assert re.search(r"undoes the rollback of \d\d:\d\d", notes(made)), notes(made)
    applied_cleanly(made)
    assert running(made) == after
    versions(made, manifest("two", "3"))
    made.write(manifest("two", "4"))
    assert "rollback" not in notes(made)


@pytest.mark.parametrize("text", [BROKEN, None])
def test_no_manifest_is_needed(made: Project, text: str | None) -> None:
    versions(made, manifest("one"))
    before = running(made)
    versions(made, manifest("two"))
    path = made.folder / "containers.yaml"
    path.unlink() if text is None else path.write_text(text)
    ended = made.run("rollback", "application.api", "--yes")
    assert ended.code == 0, ended.err
    assert running(made) == before


def test_each_one_goes_further_back(made: Project) -> None:
    versions(made, manifest("one", "1"), manifest("one", "2"), manifest("two", "3"))
    for expected in ("2", "1"):
        assert made.run("rollback", "api").code == 0
        assert {variable for _, variable in running(made)} == {expected}
    ended = made.run("rollback", "api")
    assert ended.code == 1
    assert "no version of application.api is known that ran well before this one" in ended.err


def test_versions_that_failed_are_passed_over(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before = running(made)
    for variable in ("2", "3"):
        made.write(manifest("two", variable))
        fails(made, "two")
        assert made.run("apply", "--yes").code == 4
    ended = made.run("rollback", "api")
    assert ended.code == 0, ended.err
    assert running(made) == before


@pytest.mark.parametrize("path", ["/applications/[^/]+$", "/rollouts$"])
def test_from_a_change_that_stopped_half_way_it_goes_back_to_what_was_before(
    made: Project, path: str
) -> None:
    versions(made, manifest("one", "0"), manifest("one", "1"))
    before = running(made)
    made.write(manifest("two", "2"))
    method = "POST" if "rollouts" in path else "PATCH"
    made.faults({"method": method, "path": path, "fault": {"status": 400, "body": {}}})
    made.run("apply", "--yes")
    ended = made.run("rollback", "api")
    expected = before if method == "POST" else {(one, "0") for one, _ in before}
    assert ended.code == 0, ended.err
    assert (running(made), {configured(made)}) == (expected, expected)


def test_what_others_set_stays(made: Project) -> None:
    versions(made, manifest("one", "1"), manifest("one", "2"))
    (application,) = made.world("application")
    theirs = [*application["configuration"]["environment_variables"], {"name": "B", "value": "9"}]
    body = {
        "configuration": {**application["configuration"], "environment_variables": theirs},
        "max_instances": 7,
    }
    made.by_hand("PATCH", f"containers/applications/{application['id']}", body)
    assert made.run("rollback", "api").code == 0
    (application,) = made.world("application")
    variables = {one["name"]: one["value"] for one in application["configuration"]["environment_variables"]}
    assert (variables, application["max_instances"]) == ({"A": "1", "B": "9"}, 7)


def test_without_memory_the_last_rollout_says_what_it_replaced(made: Project) -> None:
    versions(made, manifest("one"))
    before = running(made)
    versions(made, manifest("two"))
    shutil.rmtree(made.folder / "state" / "default.history")
    ended = made.run("rollback", "api")
    assert ended.code == 0, ended.err
    assert "to what it replaced" in ended.err
    assert (running(made), {configured(made)}) == (before, before)
    assert "undoes the rollback of" in notes(made)
    assert made.run("rollback", "api").code == 1


def test_a_first_version_has_nothing_before_it(made: Project) -> None:
    versions(made, manifest("one"))
    since = made.last_request()
    ended = made.run("rollback", "api")
    assert ended.code == 1
    assert {method for method, _ in made.requests(since)} == {"GET"}


def test_it_may_be_left_to_itself_and_is_then_watched(made: Project) -> None:
    versions(made, manifest("one"), manifest("two"))
    made.clock(rate=0.001)
    assert made.run("rollback", "api", "--no-wait").code == 0
    made.clock(rate=1000)
    before = len(sent(made, "POST", "/rollouts"))
    ended = made.run("rollback", "api")
    assert ended.code == 0, ended.err
    assert "watching the rollback of" in ended.err
    assert len(sent(made, "POST", "/rollouts")) == before


def test_the_lock_is_respected(made: Project) -> None:
    versions(made, manifest("one"), manifest("two"))
    with LocalStore(made.folder / "state", Identity("shop", None)).lock("somebody"):
        ended = made.run("rollback", "api")
    assert ended.code == 3
    assert "somebody" in ended.err


def test_as_json_it_is_one_document(made: Project) -> None:
    versions(made, manifest("one"), manifest("two"))
    report = made.run("rollback", "api", "--json").document
    assert (report["address"], report["version"], report["rollout"]["status"]) == (
        "application.api",
        3,
        "completed",
    )
