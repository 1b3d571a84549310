"""A rollout of an application for people: from which version to which, how far each step is, and what can be done now."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, counted, indented, table

UNDER_WAY = ("pending", "progressing")
ENDED_WELL = ("completed", "")


@frozen
class RolloutStep:
    """One step: how far it goes, cumulative, and how it stands."""

    step: int
    percentage: float
    status: str
    started_at: str
    completed_at: str


@frozen
class Rollout:
    """One rollout as the service shows it."""

    id: str
    kind: str
    status: str
    from_version: int | None
    target_version: int | None
    from_image: str
    target_image: str
    started_at: str
    updated_at: str
    steps: tuple[RolloutStep, ...]
    updated_instances: int
    total_instances: int


@frozen
class Report:
    """An application, the rollout that is under way or was the last one, and what can be done about it."""

    address: str
    name: str
    id: str
    version: int | None
    instances_by_version: dict[str, int]
    failed_instances: int
    rollout: Rollout | None
    notes: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing moves any more."""
        return self.rollout is None or self.rollout.status not in UNDER_WAY

    @property
    def ended_badly(self) -> bool:
        """Whether it was reverted, or given up for another one."""
        return self.is_over and self.rollout is not None and self.rollout.status not in ENDED_WELL


def report_text(report: Report, width: int = WIDTH) -> str:
    """The report as lines, the rollout's steps as a table."""
    versions = ", ".join(f"{count} on version {at}" for at, count in report.instances_by_version.items())
    failed = f", {report.failed_instances} failing" if report.failed_instances else ""
    lines = [harmless(f"{report.address}  {report.name}  version {report.version}")]
    lines.append(harmless(f"  instances  {versions or 'none runs'}{failed}"))
    if report.rollout is None:
        lines.append("  rollout    there never was one")
    else:
        lines += _rollout_lines(report.rollout)
    text = "".join(f"{line}\n" for line in lines)
    if report.rollout is not None and report.rollout.steps:
        text += indented(_steps(report.rollout.steps, width - 4), "    ")
    text += "".join(harmless(f"  {note}") + "\n" for note in report.notes)
    return text + "".join(harmless(f"  > {one}") + "\n" for one in report.commands)


def _rollout_lines(rollout: Rollout) -> list[str]:
    moved = f"{rollout.updated_instances} of {counted(rollout.total_instances, 'instance')}"
    since = f", since {rollout.started_at}" if rollout.started_at else ""
    lines = [f"  rollout    {rollout.status}: {moved} moved, {rollout.kind}{since}"]
    lines.append(f"  from       version {rollout.from_version}  {rollout.from_image}")
    lines.append(f"  to         version {rollout.target_version}  {rollout.target_image}")
    return [harmless(line) for line in lines]


def _steps(steps: tuple[RolloutStep, ...], width: int) -> str:
    rows = [
        [str(one.step), f"{one.percentage:g} %", one.status, one.completed_at or one.started_at]
        for one in steps
    ]
    return table(["step", "reaches", "is", "since"], rows, width)
