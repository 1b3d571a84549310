from __future__ import annotations

from tests.cli.running_shop import BROKEN, leave_under_way, lines, memory
from tests.harness import Project


def row(running: Project, address: str) -> str:
    return next(one for one in running.run("status").out.splitlines() if one.startswith(address))


def test_everything_is_listed_with_what_runs_and_by_whose_apply(running: Project) -> None:
    out = running.run("status").out
    assert out.startswith("shop, state #1\n\nRESOURCE ")
    state = memory(running).read()
    assert state is not None
    assert len(lines(out)) == 3 + len(state.resources)
    assert row(running, "application.api").split()[1:5] == [
        "there",
        "version",
        "1,",
        "shop-api@sha256:9d9ad5f28e…",
    ]


def test_what_somebody_deleted_is_gone(running: Project) -> None:
    running.by_hand("DELETE", "workers/scripts/shop-edge?force=true")
    assert " GONE " in row(running, "worker.edge")


def test_one_resource_is_shown_whole(running: Project) -> None:
    ended = running.run("status", "api")
    [application] = [one for one in running.world("application") if one["name"] == "shop-api"]
    assert f"  id            {application['id']}\n" in ended.out
    assert f"  image         {application['configuration']['image']}\n" in ended.out
    assert running.run("status", "application.nope").code == 1


def test_what_began_and_never_ended_is_told(running: Project) -> None:
    leave_under_way(running)
    assert "job.purge" in running.run("status").out


def test_a_broken_manifest_does_not_stop_it(running: Project) -> None:
    running.write(BROKEN)
    assert running.run("status").code == 0


def test_the_holder_of_the_lock_is_named(running: Project) -> None:
    with memory(running).lock("apply"):
        out = running.run("status").out
        document = running.run("status", "--json").document
    assert "locked by" in out
    assert '"apply", since' in out
    assert document["lock"]["command"] == "apply"
    assert running.run("status", "--json").document["lock"] is None


def test_watching_ends_when_nothing_moves(running: Project) -> None:
    ended = running.run("status", "--watch")
    assert (ended.code, ended.out.count("RESOURCE")) == (0, 1)
