"""How soon the tool answers: its help, and a plan of ten resources, as whole processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import Run
from bench.images import write_layout
from bench.manifests import estate, image_name, modules
from bench.project import Project
from bench.stand_in import stand_in
from bench.tables import Row, Table, interleaved

TIMES = 5


def measure(rounds: int) -> Table:
    """The table of short commands."""
    helped: list[Run] = []
    remote: list[Run] = []
    local: list[Run] = []
    with stand_in() as world, TemporaryDirectory() as folder:
        project = _project(Path(folder) / "remote", world.environment())
        project.run("apply", "--yes")
        at_home = _project(Path(folder) / "local", {})
        at_home.run("apply", "--yes", "--local")
        interleaved(
            [
                lambda: helped.append(project.run("--help")),
                lambda: remote.append(project.plan()),
                lambda: local.append(at_home.plan("--local")),
            ],
            rounds * TIMES,
        )
    rows = [
        Row("reconciler --help", [run.wall for run in helped], "ms", 0.15),
        Row("plan of ten resources, API running already", [run.wall for run in remote], "ms", 0.4),
        Row("plan of ten resources, --local", [run.wall for run in local], "ms", 0.4),
        Row("plan of ten resources: memory", [run.rss_mib for run in remote], "MiB"),
    ]
    return Table(
        "Starting", rows, ["Ten resources: an image, a worker, eight applications; nothing is to be done."]
    )


def _project(folder: Path, world: Mapping[str, str]) -> Project:
    project = Project(folder, world)
    project.write(estate(8, archive="image"), modules(8))
    write_layout(folder / "image", image_name(0))
    return project
