"""Applying many independent resources to an API that answers at once: time, bytes written, and that both stay in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.child import Run
from bench.graphs import wide
from bench.images import push_images
from bench.manifests import applications, image_name, secrets
from bench.project import BenchError, Project
from bench.stand_in import Request, StandIn, stand_in
from bench.tables import Row, Table, interleaved

SIZES = (100, 1_000, 10_000)


@dataclass(slots=True)
class Applies:
    """What several applies of one manifest cost; `spans` are the seconds from the first write to the last answer."""

    what: str
    project: Project
    world: StandIn
    count: int
    runs: list[Run] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)

    def once(self) -> None:
        """Applies to an empty world, and checks that every resource was made by one request."""
        self.world.empty()
        push_images(self.world, [image_name(0)])
        self.project.forget()
        before = self.world.last()
        self.runs.append(self.project.run("apply", "--yes"))
        writes = [one for one in self.world.requests(before) if one.made in ("application", "secret")]
        if len(writes) != self.count:
            raise BenchError(f"{self.what}: {len(writes)} writes for {self.count} resources")
        self.spans.append(span(writes))

    def rows(self, seconds: float | None = None, mib: float | None = None) -> list[Row]:
        """Time, CPU, memory and bytes."""
        return [
            Row(f"{self.what}: time", [run.wall for run in self.runs], "s", seconds),
            Row(f"{self.what}: CPU", [run.cpu for run in self.runs], "s"),
            Row(f"{self.what}: memory", [run.rss_mib for run in self.runs], "MiB"),
            Row(f"{self.what}: written", [run.written_mib for run in self.runs], "MiB", mib),
        ]

    def per_resource(self) -> Row:
        """What one resource takes once the first write has gone out."""
        return Row(f"{self.what}: time per resource", [one / self.count for one in self.spans], "ms")


def span(requests: Sequence[Request]) -> float:
    """From the first of the requests to the last of their answers."""
    return max(one.began + one.seconds for one in requests) - min(one.began for one in requests)


def measure(rounds: int) -> Table:
    """The table of applies."""
    with stand_in() as world, TemporaryDirectory() as folder:
        sized = [_of_secrets(count, Path(folder), world) for count in SIZES]
        running = _of_applications(1_000, Path(folder), world)
        interleaved([one.once for one in (*sized, running)], rounds)
    rows = [*sized[1].rows(3.0, 6.0), *running.rows(3.0, 6.0), *sized[2].rows()]
    rows += [one.per_resource() for one in sized]
    each = [median(one.per_resource().values) for one in sized]
    rows.append(Row("slowest size against quickest", [max(each) / min(each)], "x", 1.2))
    note = "Ten at a time, over HTTP to the stand-in in another process, the journal made durable; the whole command is timed."
    return Table("Applying independent resources", rows, [note])


def _of_secrets(count: int, folder: Path, world: StandIn) -> Applies:
    project = Project(folder / f"secrets-{count}", world.environment())
    project.write(secrets(wide(count)))
    return Applies(f"{count:,} account secrets", project, world, count)


def _of_applications(count: int, folder: Path, world: StandIn) -> Applies:
    project = Project(folder / f"applications-{count}", world.environment())
    project.write(applications(count))
    return Applies(f"{count:,} applications", project, world, count)
