"""What it costs to render a plan against what it costs to make it: 10,000 changes, and one among 10,000 applications."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field

from bench.child import Run, run
from bench.manifests import estate
from bench.noop import CHANGED, existing
from bench.project import Project
from bench.tables import Row, Table, interleaved

COUNT = 10_000
BAR = 0.1
EVERYTHING = "everything.yaml"
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
    """A plan of one manifest: what making it cost, and what rendering it cost in each format."""

    manifest: str
    made: list[Run] = field(default_factory=list)
    rendered: list[dict[str, float]] = field(default_factory=list)

    def measure(self, project: Project) -> None:
        """Makes the plan, with `-o` and as short as it can be printed, then renders what was saved."""
        small = project.folder / "small.json"
        made = project.plan("-f", self.manifest, "--format", "summary", "-o", _SAVED, empty=False)
        if not small.exists():
            small.write_bytes((project.folder / _SAVED).read_bytes())
        self.made.append(made)
        command = [sys.executable, "-c", _PROGRAM, str(small)]
        self.rendered.append(
            json.loads(run(command, cwd=project.folder, env={"PYTHONPATH": sys.path[0]}).out)
        )

    def rows(self, what: str) -> list[Row]:
        """The plan's CPU, and beside it that of each format; each by itself."""
        rows = [Row(f"{what}: CPU of the plan", [one.cpu for one in self.made], "s")]
        for form in _FORMATS:
            shares = [took[form] / one.cpu for took, one in zip(self.rendered, self.made, strict=True)]
            rows.append(Row(f"{what}: {form} against it", shares, "x", BAR))
        return rows


def measure(rounds: int) -> Table:
    """The table of renderings."""
    everything, one = _Plan(EVERYTHING), _Plan(CHANGED)
    with existing(COUNT) as (project, _):
        text = estate(COUNT).replace("max_instances: 5", "max_instances: 6")
        (project.folder / EVERYTHING).write_text(text)
        interleaved([lambda: one.measure(project), lambda: everything.measure(project)], rounds)
    rows = [*everything.rows(f"{COUNT:,} changes"), *one.rows("one change among them")]
    return Table("Rendering a plan", rows, ["CPU of the process that renders, the plan being read already."])
