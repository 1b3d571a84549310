"""The same graphs with Terraform, where it is on PATH: `terraform_data`, its built-in resource that needs no provider.

Terraform talks to nobody here, while our side speaks HTTP to the stand-in for every resource.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.child import Run, run
from bench.graphs import SHAPES, Graph
from bench.manifests import secrets
from bench.project import BenchError, Project
from bench.stand_in import StandIn, stand_in
from bench.tables import Row, Table, interleaved

APPLIED = {"wide": 1_000, "ten layers": 1_000, "chain": 300}
PLANNED = {"wide": 10_000, "ten layers": 10_000}
_FLAGS = ("-no-color", "-input=false")


@dataclass(frozen=True, slots=True)
class Configuration:
    """A folder with a configuration that Terraform runs in."""

    folder: Path

    def write(self, graph: Graph) -> None:
        """Writes the graph, one `terraform_data` per member."""
        self.folder.mkdir(parents=True)
        (self.folder / "main.tf").write_text("".join(_block(name, waits) for name, waits in graph.items()))
        self.run("init")

    def run(self, command: str, *arguments: str) -> Run:
        """Runs one command; raises BenchError unless it ends well."""
        env = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        flags = _FLAGS if command != "show" else ()
        ended = run(["terraform", command, *flags, *arguments], cwd=self.folder, env=env)
        if ended.code:
            raise BenchError(f"terraform {command} ended with {ended.code}:\n{ended.err[-2000:]}")
        return ended

    def pretend_applied(self, graph: Graph) -> None:
        """Writes the state that an apply would leave; applying 10,000 would write it 10,000 times over."""
        resources = [_resource(name, waits, at) for at, (name, waits) in enumerate(graph.items())]
        state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "bench", "outputs": {}}
        (self.folder / "terraform.tfstate").write_text(json.dumps({**state, "resources": resources}))

    def forget(self) -> None:
        """Takes the state away."""
        for path in self.folder.glob("terraform.tfstate*"):
            path.unlink()


def _block(name: str, waits_for: Sequence[str]) -> str:
    needed = (
        f"  depends_on = [{', '.join(f'terraform_data.{other}' for other in waits_for)}]\n"
        if waits_for
        else ""
    )
    return f'resource "terraform_data" "{name}" {{\n  input = "a"\n{needed}}}\n'


def _resource(name: str, waits_for: Sequence[str], at: int) -> Mapping[str, object]:
    value = {"value": "a", "type": "string"}
    attributes = {
        "id": f"00000000-0000-4000-8000-{at:012d}",
        "input": value,
        "output": value,
        "triggers_replace": None,
    }
    instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
    if waits_for:
        instance["dependencies"] = [f"terraform_data.{other}" for other in waits_for]
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [instance],
    }


@dataclass(slots=True)
class Duel:
    """One command on both sides, interleaved."""

    what: str
    ours: Callable[[], Run]
    theirs: Callable[[], Run]
    pairs: list[tuple[Run, Run]] = field(default_factory=list)

    def once(self) -> None:
        """One run each."""
        self.pairs.append((self.ours(), self.theirs()))

    def rows(self) -> list[Row]:
        """Both figures, and how many times as long theirs takes."""
        figures = (("time", "s", "wall"), ("memory", "MiB", "rss_mib"), ("written", "MiB", "written_mib"))
        rows = []
        for name, unit, attribute in figures:
            values = [(getattr(ours, attribute), getattr(theirs, attribute)) for ours, theirs in self.pairs]
            rows.append(Row(f"{self.what}: {name}, ours", [ours for ours, _ in values], unit))
            rows.append(Row(f"{self.what}: {name}, terraform", [theirs for _, theirs in values], unit))
            if name == "time":
                rows.append(Row(f"{self.what}: terraform by ours", [b / a for a, b in values], "x"))
        return rows


def measure(rounds: int) -> Table | None:
    """The table of duels; None where there is no Terraform."""
    if shutil.which("terraform") is None:
        return None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        world = stack.enter_context(stand_in())
        duels = [duel for what, count in APPLIED.items() for duel in _applied(what, count, folder, world)]
        for what, count in PLANNED.items():
            duels.append(_planned(what, count, folder, stack.enter_context(stand_in())))
        interleaved([duel.once for duel in duels], rounds)
    rows = [row for duel in duels for row in duel.rows()]
    note = "Ours makes account secrets over HTTP; Terraform makes `terraform_data`, which never leaves its process."
    return Table("Beside Terraform", rows, [note])


def _applied(what: str, count: int, folder: Path, world: StandIn) -> list[Duel]:
    """An apply from nothing, then a plan that finds nothing to do."""
    ours, theirs = _both(f"{what} of {count:,}", SHAPES[what](count), folder, world)

    def apply_ours() -> Run:
        world.empty()
        ours.forget()
        return ours.run("apply", "--yes")

    def apply_theirs() -> Run:
        theirs.forget()
        return theirs.run("apply", "-auto-approve")

    return [
        Duel(f"{what} of {count:,}, apply", apply_ours, apply_theirs),
        Duel(f"{what} of {count:,}, plan without change", ours.plan, lambda: theirs.run("plan")),
    ]


def _both(what: str, graph: Graph, folder: Path, world: StandIn) -> tuple[Project, Configuration]:
    ours = Project(folder / f"ours {what}", world.environment())
    ours.write(secrets(graph))
    theirs = Configuration(folder / f"theirs {what}")
    theirs.write(graph)
    return ours, theirs


def _planned(what: str, count: int, folder: Path, world: StandIn) -> Duel:
    """A plan that finds nothing to do in a world that was made beforehand."""
    graph = SHAPES[what](count)
    ours, theirs = _both(f"{what} of {count:,}", graph, folder, world)
    ours.run("apply", "--yes")
    theirs.pretend_applied(graph)
    return Duel(f"{what} of {count:,}, plan without change", ours.plan, lambda: theirs.run("plan"))
