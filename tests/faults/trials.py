"""Runs that are cut short and run again, and whether the world is then that of a run which nothing disturbed."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.emulator.server import LocalServer
from tests.faults import everything
from tests.faults.forks import Forks, Order, Ran, forks
from tests.harness import ACCOUNT, Project

CHANGE = ("apply", "--yes", "--allow-destroy", "8")
DESTROY = ("destroy", "--yes", "--allow", "DELETES_DATA", "--allow", "DISABLES_CONTAINER")
WRITING = ("POST", "PUT", "PATCH", "DELETE")
PASSING = ("version", "rollout", "credential")
"""Kinds that say how often something was done, rather than what is there."""
CLEARED_AWAY = ("store_secret",)
"""What a run may take for the rest of a deletion that was cut off, once two before it were: it goes, and is made anew."""
_NOT_COMPARED = {
    "version", "number", "tag", "etag", "deployment_id", "events", "last_updated", "last_update",
    "deployment_version", "health", "migration_tag", "value_sha256",
}  # fmt: skip
_ID = re.compile(r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


@dataclass(frozen=True, slots=True)
class Story:
    """A command, the folder and world that it begins with, and what it comes to when nothing disturbs it."""

    name: str
    args: tuple[str, ...]
    start: Path
    expected: Any
    made: Counter[str]
    writes: Counter[str]
    boundaries: int
    seconds: float

    @property
    def looked_at(self) -> tuple[str, ...]:
        """How the plan is asked for that finds nothing left to do."""
        return ("--destroy",) if self.args == DESTROY else ()


@contextmanager
def begun(start: Path, folder: Path, rate: float) -> Iterator[Project]:
    """The folder and the world of a start, copied, with the clock running."""
    shutil.copytree(start, folder)
    try:
        with LocalServer(folder / "world") as server:
            project = Project(folder / "project", server, dict(everything.ENVIRON))
            project.clock(rate=rate)
            yield project
    finally:
        shutil.rmtree(folder)


def ran(forks: Forks, project: Project, *args: str, **cut: Any) -> Ran:
    """A run as a process; returns when the world has done all that it was asked for."""
    environ = {
        "CLOUDFLARE_API_BASE_URL": project.server.base_url,
        "CLOUDFLARE_API_TOKEN": "token",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "RECONCILER_TRACEBACK": "1",
        "XDG_CONFIG_HOME": str(project.folder / "config"),
        "XDG_CACHE_HOME": str(project.folder / "cache"),
        **project.environ,
    }
    ended = forks.run(Order(str(project.folder), args, environ, **cut))
    _await_quiet(project)
    if "patience" in cut:
        _await_late(project)
    return replace(ended, struck=sum(one["struck"] for one in project.page("faults")))


def _await_quiet(project: Project) -> None:
    """Until the service has done what it was asked for by a process that is no more."""
    project.page("clock")  # whoever connected before has been let in by now
    while project.server._server.server_state.connections:
        time.sleep(0.001)


def _await_late(project: Project) -> None:
    """Until the service has also done what nobody waited for, or a second: of an upload cut off it says no end."""
    for _ in range(100):
        if all(one["status"] or "delay" not in (one["fault"] or {}) for one in project.page("ledger")):
            return
        time.sleep(0.01)


def told(forks: Forks, name: str, args: tuple[str, ...], start: Path, folder: Path, then: Path) -> Story:
    """A story from an uninterrupted run; what it ends with is left in `then`, for another story to begin with."""
    with begun(start, folder, forks.rate) as project:
        since = project.last_request()
        ended = ran(forks, project, *args)
        assert ended.code == 0, f"{ended.code}: {ended.said}"
        writes = Counter(method for method, _ in project.requests(since) if method in WRITING)
        world, ever = settled(project), made(project, since)
        story = Story(name, args, start, world, ever, writes, sum(ended.seen.values()), ended.seconds)
        project.clock(rate=0)
        project.server.stop()
        shutil.copytree(folder, then)
    return story


def settled(project: Project) -> Any:
    """The world once all that takes time is over, without ids, times and numbers of versions."""
    project.clock(advance=3600)
    world = {kind: some for kind, some in project.page("world").items() if kind not in PASSING}
    names = {
        one["id"]: f"<{kind} {one['name']}>"
        for kind, some in world.items()
        for one in some
        if "id" in one and "name" in one
    }
    return {kind: sorted(_plain(one, names) for one in some) for kind, some in world.items() if some}


def _plain(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    text = json.dumps(_compared(document), sort_keys=True)
    return _TIME.sub("<time>", _ID.sub(lambda found: names.get(found[0], "<id>"), text))


def _compared(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _compared(one) for key, one in value.items() if key not in _NOT_COMPARED}
    return [_compared(one) for one in value] if isinstance(value, list) else value


def _differences(world: Mapping[str, list[str]], expected: Mapping[str, list[str]]) -> str:
    """What is there and should not be, and what is not there and should."""
    there, wanted = ([f"{kind} {one}" for kind in it for one in it[kind]] for it in (world, expected))
    return _counted_apart(Counter(there), Counter(wanted))


def _counted_apart(there: Counter[str], wanted: Counter[str]) -> str:
    more, less = there - wanted, wanted - there
    return "\n".join(
        [*(f"too many: {one}" for one in more.elements()), *(f"lacks: {one}" for one in less.elements())]
    )


def made(project: Project, since: int) -> Counter[str]:
    """How many objects of each kind and name were made, by the ledger."""
    ledger = project.page(f"ledger?since={since}")
    created = {(one["kind"], one["id"], one["name"]) for entry in ledger for one in entry["created"]}
    return Counter(f"{kind} {_ID.sub('<id>', name)}" for kind, _, name in created if kind not in PASSING)


def _without(kinds: Sequence[str], made: Counter[str]) -> Counter[str]:
    return Counter({one: count for one, count in made.items() if one.partition(" ")[0] not in kinds})


def begin(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """A start: a manifest and an empty world."""
    (folder / "project").mkdir(parents=True)
    everything.write(folder / "project", manifest)
    with LocalServer(folder / "world") as server:
        Project(folder / "project", server).clock(rate=0)
    return folder


def goes_on(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """A start: what another story has left, with a new manifest."""
    shutil.copytree(folder, folder.with_suffix(".next"))
    everything.write(folder.with_suffix(".next") / "project", manifest)
    return folder.with_suffix(".next")


@dataclass(frozen=True, slots=True)
class Bench:
    """The stories, processes to run them in, and a place for each trial."""

    stories: Mapping[str, Story]
    forks: Forks
    folder: Path

    def trial(
        self,
        name: str,
        *cuts: Mapping[str, Any],
        faults: Sequence[Mapping[str, Any]] = (),
        remade: bool = False,
    ) -> list[Ran]:
        """Cuts runs short, one after the other, then runs once more, and demands the world of an undisturbed one.

        `remade`: what was lost on the way may have been made again.
        """
        story = self.stories[name]
        with begun(story.start, self.folder / "trial", self.forks.rate) as project:
            since = project.last_request()
            project.faults(*faults)
            runs = [ran(self.forks, project, *story.args, **cut) for cut in (*cuts, {})]
            project.faults()
            about = "".join(
                f"\n--- {cut or 'again'}:\n{run.said}" for cut, run in zip((*cuts, {}), runs, strict=True)
            )
            assert runs[-1].code == 0, f"ended with {runs[-1].code}{about}"
            assert not (wrong := _differences(settled(project), story.expected)), f"{wrong}{about}"
            if not remade:
                kinds = CLEARED_AWAY if len(cuts) > 1 else ()
                counted, wanted = (_without(kinds, one) for one in (made(project, since), story.made))
                assert not (wrong := _counted_apart(counted, wanted)), f"{wrong}{about}"
            looked = ran(self.forks, project, "plan", "--detailed-exitcode", *story.looked_at)
            assert looked.code == 0, f"{looked.said}{about}"
        return runs


@contextmanager
def bench(folder: Path, rate: float = 1000.0) -> Iterator[Bench]:
    """Everything is created; then changed to another version of the manifest; then destroyed."""
    with forks(rate) as server:
        run, first, second = folder / "run", folder / "first", folder / "second"
        stories = [
            told(server, "create", ("apply", "--yes"), begin(folder / "start", everything.FIRST), run, first),
            told(server, "change", CHANGE, goes_on(first, everything.SECOND), run, second),
            told(server, "destroy", DESTROY, second, run, folder / "third"),
        ]
        yield Bench({one.name: one for one in stories}, server, folder)
