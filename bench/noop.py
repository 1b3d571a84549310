"""The plan that finds nothing to do, in an estate that exists: 10,000 applications, 1,000, and one change among 10,000."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.child import Run
from bench.images import push_images
from bench.manifests import estate, image_name, modules
from bench.project import Project
from bench.stand_in import ROOT, Request, StandIn, stand_in
from bench.tables import Row, Table, interleaved

KEPT = ROOT / ".bench"
CHANGED = "changed.yaml"


@dataclass(slots=True)
class Plans:
    """What several plans of one manifest cost."""

    runs: list[Run] = field(default_factory=list)
    requests: list[list[Request]] = field(default_factory=list)

    def rows(
        self, what: str, cpu: float | None, rss: float | None = None, api: float | None = None
    ) -> list[Row]:
        """CPU, wall, memory and requests, each with its bar."""
        to_api = [sum(one.is_api for one in requests) for requests in self.requests]
        to_registry = [len(requests) - count for requests, count in zip(self.requests, to_api, strict=True)]
        return [
            Row(f"{what}: CPU", [run.cpu for run in self.runs], "s", cpu),
            Row(f"{what}: time", [run.wall for run in self.runs], "s"),
            Row(f"{what}: memory", [run.rss_mib for run in self.runs], "MiB", rss),
            Row(f"{what}: requests to the API", to_api, "", api),
            Row(f"{what}: requests to the registry", to_registry, ""),
        ]


def measure(rounds: int) -> Table:
    """The table of no-op plans."""
    large, small, changed = Plans(), Plans(), Plans()
    with existing(10_000) as (big, big_world), existing(1_000) as (little, little_world):
        interleaved(
            [
                lambda: _plan(big, big_world, large),
                lambda: _plan(little, little_world, small),
                lambda: _plan(big, big_world, changed, "-f", CHANGED),
            ],
            rounds,
        )
    slower = [one.cpu / other.cpu for one, other in zip(changed.runs, large.runs, strict=True)]
    rows = [
        *large.rows("10,000 applications", 3.0, 300.0, 20),
        *small.rows("1,000 applications", 0.5),
        Row("one change among 10,000: CPU", [run.cpu for run in changed.runs], "s"),
        Row("one change among 10,000: CPU against none", slower, "x", 1.1),
    ]
    note = "The manifest of 10,000 has 130,707 lines, 100 images named by tag and 100 workers; each tag is one HEAD."
    return Table("A plan that finds nothing to do", rows, [note])


def _plan(project: Project, world: StandIn, plans: Plans, *arguments: str) -> None:
    before = world.last()
    plans.runs.append(project.plan(*arguments, empty=not arguments))
    plans.requests.append(world.requests(before))


@contextmanager
def existing(applications: int) -> Iterator[tuple[Project, StandIn]]:
    """An estate that was applied once, kept for the next time as long as neither it nor the tool changes."""
    manifest = estate(applications)
    folder = KEPT / f"estate-{applications}-{_fingerprint(manifest)}"
    if not (folder / "applied").exists():
        for old in KEPT.glob(f"estate-{applications}-*"):
            shutil.rmtree(old)
    with stand_in(folder / "world") as world:
        project = Project(folder, world.environment())
        project.write(manifest, {**modules(applications), CHANGED: estate(applications, changed=True)})
        if not (folder / "applied").exists():
            push_images(world, map(image_name, range(max(1, applications // 100))))
            project.run("apply", "--yes")
            project.plan()
            (folder / "applied").touch()
        yield project, world


def _fingerprint(manifest: str) -> str:
    """Of the manifest, and of what decides how world and state look."""
    digest = hashlib.sha256(manifest.encode())
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        if path.relative_to(ROOT / "reconciler").parts[0] in ("kinds", "emulator", "storage", "model"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
