"""Deep graphs: a chain of 10,000 is planned without recursion, new and when there is nothing to do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import Run
from bench.graphs import chain, layers
from bench.manifests import secrets
from bench.project import Project
from bench.stand_in import stand_in
from bench.tables import Row, Table, interleaved

COUNT = 10_000


def measure(rounds: int) -> Table:
    """The table of plans of a chain, beside ten layers of the same size."""
    new: dict[str, list[Run]] = {"a chain": [], "ten layers": []}
    with stand_in() as world, TemporaryDirectory() as folder:
        projects = {what: Project(Path(folder) / what, world.environment()) for what in new}
        projects["a chain"].write(secrets(chain(COUNT)))
        projects["ten layers"].write(secrets(layers(COUNT)))

        def plan_all() -> None:
            for what, project in projects.items():
                new[what].append(project.plan(empty=False))

        interleaved([plan_all], rounds)
    bars = {"a chain": 4.0}
    rows = [
        row
        for what, runs in new.items()
        for row in (
            Row(
                f"{what} of {COUNT:,}, nothing there yet: CPU", [run.cpu for run in runs], "s", bars.get(what)
            ),
            Row(f"{what} of {COUNT:,}, nothing there yet: memory", [run.rss_mib for run in runs], "MiB"),
        )
    ]
    return Table(
        "Planning deep graphs", rows, ["Everything is to be created, and the plan is printed whole."]
    )
