"""What it costs to render a plan against what it costs to make it: 1,000 and 10,000 changes, alike or each its own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field

from bench.child import Run, run
from bench.manifests import every_one_changed
from bench.noop import existing
from bench.project import Project
from bench.tables import Row, Table, interleaved

COUNTS = (1_000, 10_000)
BAR = 0.1
_SAVED = "plan.json"
_FORMATS = ("text", "markdown", "html", "json", "summary")

# Read and rendered once beforehand, so that loading the program is not taken for rendering.
_PROGRAM = f"""
import gc, json, sys, time
from pathlib import Path
from reconciler.cli.planning import worded
from reconciler.render.text import Style
from reconciler.storage.plan_file import load_plan

gc.disable()
plan = load_plan(Path({_SAVED!r}))
small = load_plan(Path(sys.argv[1]))
took = {{}}
for form in {_FORMATS!r}:
    worded(small, form, Style())
    began = time.process_time()
    worded(plan, form, Style())
    took[form] = time.process_time() - began
print(json.dumps(took))
"""


@dataclass(slots=True)
class _Plan:
    """A plan of so many changes: what making it cost, and what rendering it cost in each format."""

    count: int
    alike: bool
    made: list[Run] = field(default_factory=list)
    rendered: list[dict[str, float]] = field(default_factory=list)

    def measure(self, project: Project) -> None:
        """Makes the plan, with `-o` and as short as it can be printed, then renders what was saved."""
        small = project.folder / "small.json"
        made = project.plan("-f", self.manifest(project), "--format", "summary", "-o", _SAVED, empty=False)
        if not small.exists():
            small.write_bytes((project.folder / _SAVED).read_bytes())
        self.made.append(made)
        command = [sys.executable, "-c", _PROGRAM, str(small)]
        self.rendered.append(
            json.loads(run(command, cwd=project.folder, env={"PYTHONPATH": sys.path[0]}).out)
        )

    def manifest(self, project: Project) -> str:
        """The file that asks for all of it."""
        name = f"{'alike' if self.alike else 'each'}.yaml"
        (project.folder / name).write_text(every_one_changed(self.count, alike=self.alike))
        return name

    def rows(self) -> list[Row]:
        """The plan's CPU, and beside it that of each format; each by itself."""
        what = f"{self.count:,} changes, {'alike' if self.alike else 'each its own'}"
        rows = [Row(f"{what}: CPU of the plan", [one.cpu for one in self.made], "s")]
        for form in _FORMATS:
            shares = [took[form] / one.cpu for took, one in zip(self.rendered, self.made, strict=True)]
            rows.append(Row(f"{what}: {form} against it", shares, "x", BAR))
        return rows


def measure(rounds: int) -> Table:
    """The table of renderings."""
    rows = [row for count in COUNTS for plan in _measured(count, rounds) for row in plan.rows()]
    note = "CPU of the process that renders, the plan being read already. The plan is saved, and printed as a summary."
    return Table("Rendering a plan", rows, [note])


def _measured(count: int, rounds: int) -> tuple[_Plan, _Plan]:
    alike, each = _Plan(count, alike=True), _Plan(count, alike=False)
    with existing(count) as (project, _):
        interleaved([lambda: alike.measure(project), lambda: each.measure(project)], rounds)
    return alike, each
