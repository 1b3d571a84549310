"""The plan: what will be done, in which order, resting on what. Plain JSON values only (interface 4), so that it can be
saved, reviewed and rendered anywhere; every text is a pure function of it."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from reconciler.frozen import frozen

FORMAT_VERSION = "1.0"


@frozen
class PlannedSource:
    """A place in the manifest; line 0: none."""

    file: str = ""
    line: int = 0
    column: int = 0


@frozen
class PlannedAttribute:
    """One path that differs; `before` and `after` are null where sensitive or unknown."""

    path: str
    before: Any = None
    after: Any = None
    unknown: bool = False
    known_after: str | None = None
    expression: str | None = None
    sensitive: bool = False
    forces_replacement: bool | None = False
    source: PlannedSource = PlannedSource()
    note: str = ""
    how: str = "changed"  # or `added`, `removed`, `kept` (there already): told of a sensitive value, too
    effect: str = ""  # what changing this one in place does to what runs, as its kind declares
    refers_to: tuple[str, ...] = ()  # addresses of which the value is made; `expression` says how


@frozen
class PlannedStep:
    """One operation, the wave it is shown in, the addresses it waits for, and how many seconds it should take."""

    operation: str
    wave: int
    requires: tuple[str, ...] = ()
    seconds: float = 0.0


@frozen
class PlannedHazard:
    """A danger; `severity` is `blocked` or `shown`."""

    code: str
    severity: str
    message: str


@frozen
class PlannedReach:
    """What is reached from a change: all that depends on it, by however many hops.

    `nearest` names the first of them, `changing` counts those that the plan changes too.
    """

    count: int = 0
    changing: int = 0
    nearest: tuple[str, ...] = ()
    more: bool = False  # there are still more than were counted


@frozen
class PlannedChange:
    """What happens to one resource."""

    address: str
    kind: str
    name: str
    action: str
    effect: str
    reason: str
    wave: int
    requires: tuple[str, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    hazards: tuple[PlannedHazard, ...] = ()
    source: PlannedSource = PlannedSource()
    attributes: tuple[PlannedAttribute, ...] = ()
    moved_from: str | None = None
    notes: tuple[str, ...] = ()
    live: str = ""  # fingerprint of what was seen; apply refuses when it has moved
    details: dict[str, Any] = field(
        default_factory=dict
    )  # what a kind adds for the reader: files, rollout steps
    reach: PlannedReach | None = None  # None: nothing depends on it


@frozen
class PlannedDrift:
    """A managed path that somebody else changed; `verdict` is `revert`, `keep` or `accept`."""

    address: str
    path: str
    recorded: Any
    live: Any
    verdict: str
    source: PlannedSource = PlannedSource()
    sensitive: bool = False
    note: str = ""
    changed_at: str = ""  # when the resource was last changed, as the service tells
    changed_by: str = ""


@frozen
class PlannedOutput:
    """An output of the manifest before and after."""

    before: Any = None
    after: Any = None
    unknown: bool = False
    sensitive: bool = False
    known_after: str | None = None


@frozen
class PlannedDiagnostic:
    """A finding, as `validate --json` prints it too."""

    severity: str
    code: str
    summary: str
    detail: str = ""
    address: str = ""
    source: PlannedSource = PlannedSource()


@frozen
class CostRange:
    """Money a month: with everything asleep that may sleep, and with all instances always on and busy."""

    floor: float = 0.0
    ceiling: float = 0.0


@frozen
class CostSide:
    """What one resource may run, and what that comes to at list price. `always_on` of the instances never sleep."""

    instances: int
    always_on: int
    size: str
    cost: CostRange


@frozen
class CostChange:
    """A resource whose cost changes; a side is None where it is not there."""

    address: str
    before: CostSide | None = None
    after: CostSide | None = None


@frozen
class PlannedCost:
    """What all that the plan speaks of may cost a month, before and after; `not_counted` could not be told."""

    currency: str
    prices_of: str
    before: CostRange
    after: CostRange
    changes: tuple[CostChange, ...] = ()
    assumptions: tuple[str, ...] = ()
    not_counted: tuple[str, ...] = ()


@frozen
class PendingStep:
    """What began in an earlier run and never ended; apply looks at it first."""

    address: str
    operation: str
    began_at: str
    run: str


@frozen
class ManifestStamp:
    """Which manifest text the plan was made from."""

    path: str
    sha256: str


@frozen
class StateStamp:
    """Which state the plan was made from."""

    lineage: str
    serial: int


@frozen
class RecordedInputs:
    """Every value that came from outside, secrets excepted; a saved plan is applied with these.

    `prepared` is what the kinds asked to have kept: resolved tags, hashes of files.
    """

    env: dict[str, str] = field(default_factory=dict)
    var: dict[str, Any] = field(default_factory=dict)
    git: dict[str, Any] = field(default_factory=dict)
    account_id: str = ""
    prepared: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # --target, --replace, ... of the plan


@frozen
class Plan:
    """The document. Changes come in the order in which they would be applied."""

    format_version: str
    tool_version: str
    project: str
    environment: str | None
    target: str
    account_id: str
    created_at: str
    expires_at: str
    manifest: ManifestStamp
    state: StateStamp
    changes: tuple[PlannedChange, ...] = ()
    drift: tuple[PlannedDrift, ...] = ()
    outputs: dict[str, PlannedOutput] = field(default_factory=dict)
    diagnostics: tuple[PlannedDiagnostic, ...] = ()
    summary: dict[str, int] = field(default_factory=dict)
    allow_needed: tuple[str, ...] = ()
    pending: tuple[PendingStep, ...] = ()
    inputs: RecordedInputs = RecordedInputs()
    requests: dict[str, int] = field(
        default_factory=dict
    )  # {"reads": .., "writes": ..}, estimated for the apply
    cost: PlannedCost | None = None  # None: nothing of it runs containers
    permissions: tuple[str, ...] = ()  # that the token of an apply needs

    @property
    def is_empty(self) -> bool:
        """Whether applying it would do nothing at all (an output that changes alone is something)."""
        idle = all(change.action == "no_op" for change in self.changes)
        return idle and not self.changed_outputs and not self.pending

    @property
    def changed_outputs(self) -> tuple[str, ...]:
        """Names of the outputs that differ."""
        return tuple(name for name, it in self.outputs.items() if it.unknown or it.before != it.after)
