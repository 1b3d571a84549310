"""SIGKILL in the middle of a command that operates: run again, or apply, and it ends as if nothing had happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.rolling_shop import configured, manifest, running, versions
from tests.harness import Project
from tests.kinds.application_bench import applied_cleanly, shop

MANUAL = {"rollout_kind": "full_manual", "rollout_step_percentage": "[50, 100]"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        versions(project, manifest("one", "0"), manifest("one", "1"))
        yield project


@contextlib.contextmanager
def slowly(made: Project) -> Iterator[None]:
    made.faults({"fault": {"delay": 0.02}, "times": 0})
    try:
        yield
    finally:
        made.faults()


def killed_at(made: Project, request: int, *args: str) -> None:
    """Starts a command as a process of its own, and kills it when that many requests have arrived."""
    since = made.last_request()
    with slowly(made), made.process(*args) as process:
        made.await_requests(since, request, process)
        process.kill()
        process.communicate()
        made.await_answers()  # the service goes on with what it has been asked for


@pytest.mark.parametrize("request_number", range(1, 8))
def test_a_rollback_is_finished_by_the_next_and_goes_no_further_back(
    made: Project, request_number: int
) -> None:
    before = running(made)
    versions(made, manifest("two", "2"))
    killed_at(made, request_number, "rollback", "api")
    ended = made.run("rollback", "api")
    assert ended.code == 0, ended.err
    assert (running(made), {configured(made)}) == (before, before)


@pytest.mark.parametrize("request_number", range(1, 8))
def test_after_a_rollback_that_was_cut_off_an_apply_is_whole(made: Project, request_number: int) -> None:
    versions(made, manifest("two", "2"))
    after = running(made)
    killed_at(made, request_number, "rollback", "api")
    applied_cleanly(made)
    assert (running(made), {configured(made)}) == (after, after)


@pytest.mark.parametrize("request_number", range(1, 8))
def test_a_revert_is_finished_by_the_next_apply_or_command(made: Project, request_number: int) -> None:
    before = running(made)
    made.write(manifest("two", "2", **MANUAL))
    made.run("apply", "--yes")
    made.run("rollout", "next", "api")
    killed_at(made, request_number, "rollout", "revert", "api")
    ended = made.run("rollout", "revert", "api")
    assert ended.code in (0, 3), ended.err
    assert (running(made), {configured(made)}) == (before, before)


@pytest.mark.parametrize("request_number", range(1, 7))
def test_a_restart_leaves_everything_on_the_same_configuration(made: Project, request_number: int) -> None:
    before = running(made)
    killed_at(made, request_number, "restart", "api")
    applied_cleanly(made)
    assert (running(made), {configured(made)}) == (before, before)
    assert made.run("restart", "api").code == 0


@pytest.mark.parametrize("request_number", range(1, 6))
def test_a_step_that_was_cut_off_is_taken_at_most_once(made: Project, request_number: int) -> None:
    made.write(manifest("two", "2", **MANUAL))
    made.run("apply", "--yes")
    killed_at(made, request_number, "rollout", "next", "api")
    report = made.run("rollout", "status", "api", "--json").document
    assert [step["status"] for step in report["rollout"]["steps"]][1] == "pending"
    assert made.actions() == {"application.api": "resume"}
