"""What happened during an apply, one small value at a time. The state after is the state before, folded with these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Pending, Prior
from reconciler.model.value import Value


@frozen
class StepBegun:
    """The intent, durable before anything is sent. `operation` is its id; `verb` what will be done.

    `natural_key` and `identity` are what recovery looks for; `at` is the service's time; `facts` are the kind's. `replaces`
    is the id of the object that stays until this one is there; `repeats` the operation of an earlier run whose place it takes.
    """

    address: ResourceAddress
    verb: str
    operation: str
    at: str
    run: str = ""
    natural_key: str = ""
    identity: str = ""
    uniqueness: str = ""
    prior: Prior | None = None
    facts: Mapping[str, Value] = field(default_factory=dict)
    replaces: str = ""
    repeats: str = ""


@frozen
class StepCheckpointed:
    """Between two requests of one verb: what is done so far."""

    address: ResourceAddress
    operation: str
    name: str
    facts: Mapping[str, Value] = field(default_factory=dict)


@frozen
class StepProgressed:
    """How far it is; never durable."""

    address: ResourceAddress
    operation: str
    done: float
    of: float
    note: str


@frozen
class StepSucceeded:
    """Done; `prior` is what is remembered from now on, None: the resource is no longer ours.

    `deleted` is the id of an object whose deletion was asked for: it becomes a tombstone.
    """

    address: ResourceAddress
    verb: str
    operation: str
    prior: Prior | None
    at: str = ""
    deleted: str = ""
    notes: tuple[str, ...] = ()
    narrowed: bool = False  # it turned out that nothing had to be sent


@frozen
class StepFailed:
    """Not done, or half done: `prior` then remembers what is owed. `message` is for the user."""

    address: ResourceAddress
    verb: str
    operation: str
    message: str
    fix: str = ""
    prior: Prior | None = None
    at: str = ""
    uncertain: bool = False  # the answer was lost: the intent stays open for recovery
    output: str = ""  # the last lines of what a build said


@frozen
class StepSkipped:
    """Not begun, because of the failure (or the end) of another."""

    address: ResourceAddress
    verb: str
    because: ResourceAddress | None
    reason: str = ""


@frozen
class StepLeftUnsettled:
    """Sent, but the service still works on it when we stopped watching; recorded as pending."""

    address: ResourceAddress
    verb: str
    operation: str
    prior: Prior | None
    pending: Pending
    reason: str = ""
    on_purpose: bool = False  # `--no-wait`, or a gate that a person has to open: nothing went wrong


@frozen
class StepSettled:
    """What was pending has ended well; None: it is gone."""

    address: ResourceAddress
    operation: str
    prior: Prior | None
    at: str = ""
    notes: tuple[str, ...] = ()  # what is not as it was meant all the same


@frozen
class StepRecovered:
    """An open intent of an earlier run turned out to be done."""

    address: ResourceAddress
    verb: str
    operation: str
    prior: Prior | None
    how: str = ""
    deleted: str = ""
    at: str = ""


@frozen
class StepVoided:
    """An open intent of an earlier run turned out never to have happened."""

    address: ResourceAddress
    verb: str
    operation: str
    why: str = ""


@frozen
class OutputsChanged:
    """The manifest's outputs as they are now; sensitive ones are left out."""

    outputs: Mapping[str, Value]


Event = (
    StepBegun
    | StepCheckpointed
    | StepProgressed
    | StepSucceeded
    | StepFailed
    | StepSkipped
    | StepLeftUnsettled
    | StepSettled
    | StepRecovered
    | StepVoided
    | OutputsChanged
)
