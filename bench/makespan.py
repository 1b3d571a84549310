"""How close an apply comes to the best schedule there is, when every answer takes 100 ms and ten may be under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.applying import span
from bench.graphs import SHAPES, Graph, best_makespan
from bench.manifests import PROJECT, secrets
from bench.project import BenchError, Project
from bench.stand_in import Request, StandIn, stand_in
from bench.tables import Row, Table, interleaved

STEPS = {"wide": 400, "ten layers": 400, "shop-like": 400, "skewed": 400, "chain": 40}
ANSWER = 0.1
PARALLELISM = 10


@dataclass(slots=True)
class Schedules:
    """Several applies of one graph, each against the best that the answer times of that very run allow."""

    graph: Graph
    project: Project
    world: StandIn
    best: list[float] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)

    def once(self) -> None:
        """Applies to an empty world."""
        self.world.empty()
        self.project.forget()
        before = self.world.last()
        self.walls.append(self.project.run("apply", "--yes", f"--parallelism={PARALLELISM}").wall)
        made = _makers(self.world.requests(before))
        if made.keys() != self.graph.keys():
            raise BenchError(f"{len(made)} resources were made of {len(self.graph)}")
        seconds = {name: request.seconds for name, request in made.items()}
        self.best.append(best_makespan(self.graph, seconds, PARALLELISM))
        self.spans.append(span(list(made.values())))

    def rows(self, what: str) -> list[Row]:
        """The schedule, and the whole command, against the best schedule."""
        pairs = zip(self.best, self.spans, self.walls, strict=True)
        ratios = [(taken / best, whole / best) for best, taken, whole in pairs]
        return [
            Row(f"{what}, {len(self.graph)} steps: best possible", self.best, "s"),
            Row(f"{what}: first request to last answer", [taken for taken, _ in ratios], "x", 1.05),
            Row(f"{what}: the whole command", [whole for _, whole in ratios], "x"),
        ]


def measure(rounds: int) -> Table:
    """The table of schedules."""
    with stand_in() as world, TemporaryDirectory() as folder:
        schedules = {what: _schedules(what, Path(folder), world) for what in STEPS}
        world.delay(ANSWER)
        interleaved([one.once for one in schedules.values()], rounds)
    rows = [row for what, one in schedules.items() for row in one.rows(what)]
    note = "The best is the longer of critical path and work shared by ten, from the times that the stand-in took to answer."
    return Table(f"Applying when each answer takes {ANSWER * 1000:.0f} ms", rows, [note])


def _schedules(what: str, folder: Path, world: StandIn) -> Schedules:
    graph = SHAPES[what](STEPS[what])
    project = Project(folder / what.replace(" ", "-"), world.environment())
    project.write(secrets(graph))
    return Schedules(graph, project, world)


def _makers(requests: list[Request]) -> Mapping[str, Request]:
    """The request that made each resource, by its key."""
    return {
        made["name"].removeprefix(f"{PROJECT}-"): request
        for request in requests
        for made in request.created
        if made["kind"] == "secret"
    }
