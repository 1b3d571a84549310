"""No way out of a command leaves a lock, in a folder or at a place that has locks of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.harness import Project, project
from tests.storage import places
from tests.storage.places import StateServer

KEYS = "ssh_public_keys:\n" + "".join(
    f"  ops{number}: {{public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc{number:04} x}}\n"
    for number in range(4)
)


class Bench:
    """A project whose state lies in a folder or on a state server, and what locks there are."""

    def __init__(self, made: Project, server: StateServer | None, state: str) -> None:
        self.made = made
        self.server = server
        self.head = f"version: 1\nproject: shop\n{state}"
        self.write(KEYS)

    def write(self, text: str) -> None:
        self.made.write(self.head + text)

    def locks(self) -> list[str]:
        if self.server is not None:
            return list(self.server.locks)
        return [path.name for path in (self.made.folder / "state").glob("*.lock")]


@pytest.fixture(params=["folder", "state server"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        made = stack.enter_context(project(tmp_path))
        made.environ["RECONCILER_TRACEBACK"] = ""
        if request.param == "folder":
            yield Bench(made, None, "")
            return
        server = StateServer()
        url = stack.enter_context(places.served(server))
        yield Bench(made, server, f"state: {{backend: http, address: '{url}/x'}}\n")


def stale_plan(bench: Bench) -> None:
    bench.made.run("plan", "-o", "saved.plan")
    bench.made.apply()


def expired_plan(bench: Bench) -> None:
    bench.made.run("plan", "-o", "saved.plan")
    path = bench.made.folder / "saved.plan"
    path.write_text(json.dumps({**json.loads(path.read_text()), "expires_at": "2020-01-01T00:00:00Z"}))


def emptied(bench: Bench) -> None:
    bench.made.apply()
    bench.write("")


def creates_refused(bench: Bench, **when: int) -> None:
    bench.made.faults({"method": "POST", "path": "ssh", **when, "fault": {"status": 400, "body": {}}})


def refusing(status: int) -> Callable[[Bench], None]:
    def refuse(bench: Bench) -> None:
        fault = {"status": status, "body": {"success": False, "errors": [{"code": 1, "message": "no"}]}}
        bench.made.faults({"path": "/ssh-public-keys", "times": 9, "fault": fault})

    return refuse


WAYS: dict[str, tuple[Callable[[Bench], object], str, int]] = {
    "done": (lambda _: None, "apply --yes", 0),
    "nothing to do": (lambda it: it.made.apply(), "apply --yes", 0),
    "a stale plan": (stale_plan, "apply saved.plan", 3),
    "an expired plan": (expired_plan, "apply saved.plan", 3),
    "no plan at all": (lambda it: it.made.write("{", "saved.plan"), "apply saved.plan", 1),
    "a broken manifest": (lambda it: it.write("a: [\n"), "apply --yes", 1),
    "nobody to ask": (lambda _: None, "apply", 3),
    "a blocked hazard": (emptied, "apply --yes", 3),
    "another project": (lambda it: (it.made.apply(), it.made.write(it.head.replace("shop", "other") + KEYS)), "apply --yes", 3),
    "reading refused": (refusing(403), "apply --yes", 1),
    "writing refused": (lambda it: creates_refused(it, times=9), "apply --yes", 1),
    "failed in part": (lambda it: creates_refused(it, after=2), "apply --yes", 4),
    "no such version": (lambda it: it.made.apply(), "state restore 99 --yes", 1),
    "no such resource": (lambda it: it.made.apply(), "state rm worker.x --yes", 1),
    "no document": (lambda it: it.made.write("{", "d.json"), "state push d.json", 3),
    "a command that is none": (lambda _: None, "apply --nonsense", 1),
    "destroyed": (lambda it: it.made.apply(), "destroy --yes", 0),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_out_leaves_a_lock(bench: Bench, way: str, record: Record) -> None:
    prepare, command, code = WAYS[way]
    prepare(bench)
    ended = bench.made.run(*command.split())
    assert ended.code == code, ended
    assert bench.locks() == []
    bench.made.faults()
    bench.write(KEYS)
    assert bench.made.run("apply", "--yes").code == 0
    assert bench.locks() == []
    record(
        4,
        "ways out of a command, in a folder and at a state server with locks of its own",
        1,
        "no lock left; the next run begins at once",
    )
