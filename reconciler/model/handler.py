"""The protocol that every kind fulfils, and the facts it declares. Types and defaults only: no verb is called from here.

A kind's file holds one table of attributes, one `Kind`, and one `Handler` with `bind` (text to attributes), the verbs that
look (`prepare`, `observe`, `preflight`), those that do (`create`, `update`, `delete`) and those that wait (`settle`, `answer`).
Verbs translate; they do not order, retry, print or save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect, Hazard
from reconciler.model.describing import Described, Known
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.kind import (
    Kind,
    Lend,
    Uniqueness,
    predicted_outputs,
    worst_effect,
)
from reconciler.model.missing_secrets import missing_secrets
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.value import Attributes, Path, Value, path_text


@frozen
class BindContext:
    """What `bind` may know besides its block; `report(path, code, summary, detail)` collects an error at a place of the block.

    `warn` does the same with a warning. `registry_host` is Cloudflare's registry. `sections` holds the raw blocks that the
    manifest declares, by section and key; `text_of` answers what another resource's block says under a key (its
    `class_name`), substituted: text that makes no edge. None where it says nothing. `once(name, work)` works out for the
    whole manifest what several resources want to know, at the first that asks.
    """

    address: ResourceAddress
    project: str
    environment: str | None
    account_id: Value  # a text, or Unknown while validating
    name: str | None  # the explicit remote name; None: the default
    default_name: str
    registry_host: str
    sections: Mapping[str, Mapping[str, Any]]
    text_of: Callable[[ResourceAddress, str], Value]
    report: Callable[[Path, str, str, str], None]
    warn: Callable[[Path, str, str, str], None]
    external: bool = (
        False  # somebody else's: only what finding it and lending to others needs has to be there
    )
    defaulted: frozenset[str] = frozenset()  # keys of the block that came out of `defaults`
    once: Callable[[str, Callable[[], Any]], Any] = lambda _name, work: work()


@frozen
class Bound:
    """A block as the kind understands it: canonical attributes in the manifest's vocabulary, and what it lends."""

    attributes: dict[str, Value]
    lends: tuple[Lend, ...] = ()
    uniqueness: Uniqueness | None = None  # where it depends on the resource
    lane: str = ""  # one step at a time per lane (a script)
    settings: Mapping[str, Value] = field(
        default_factory=dict
    )  # how, not what: rollout preferences; never compared
    name: str = ""  # what it is called where that is not of our making (a domain)
    depends_on: tuple[ResourceAddress, ...] = ()  # what must be there first, though no reference says so


@frozen
class Prepared:
    """What looking at this machine (files, secret sources, source registries) added to a wish.

    `recorded` is kept in the plan and handed back when a saved plan is applied: `{"docker.io/x:1": "sha256:.."}`.
    `kept` is too large for plan and state: by the hash that an attribute holds (`inputs`), what it is the hash of. It is
    kept beside the state once the state holds that hash, for `PrepareContext.recall`.
    """

    attributes: Mapping[str, Value] = field(default_factory=dict)
    outputs: Mapping[str, Value] = field(default_factory=dict)  # known already now
    diagnostics: tuple[Diagnostic, ...] = ()
    recorded: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)  # joins those of the wish; never compared
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lends: tuple[Lend, ...] = ()  # only of `recall`: of what the manifest wants, `bind` has lent


@frozen
class Lack:
    """Something that a change would need and that is not to be had any more, and what to do."""

    what: str
    fix: str


@frozen
class PrepareContext:
    """What `prepare` may lean on: recorded answers of an earlier plan, and whether secrets may be fetched.

    `recall` gives what an earlier apply kept under a hash; None where it did not, or not on this machine.
    """

    priors: Mapping[ResourceAddress, Prior]
    recorded: Mapping[str, str] = field(default_factory=dict)
    fetch_secrets: bool = True
    must_fetch: bool = False  # an apply: a secret that has to be sent must be at hand
    state_lineage: str = ""
    key_id: str = ""  # of the fingerprints in state; "": none yet
    recall: Callable[[str], Mapping[str, str] | None] = lambda _name: None


@frozen
class Subject:
    """One resource to look for. `identity` comes from state, `import_id` from the user; `wanted` may hold Unknowns."""

    address: ResourceAddress
    name: str
    identity: str = ""
    import_id: str = ""
    external: bool = False
    prior: Prior | None = None
    wanted: Attributes | None = None
    operation: str = ""  # of an earlier run that began to create it and lost sight of it


@frozen
class Look:
    """One look at the world for all resources of a kind; `number` tells looks apart, so that lists can be shared."""

    number: int
    subjects: Sequence[Subject]
    others: bool = False  # also report what nobody asked for (drift, import --all, recovery)
    thorough: bool = False  # read each one again even where the list says it is unchanged


@frozen
class Sighting:
    """What was found: by identity, and by natural key (a name, a namespace) where that may differ."""

    by_identity: Mapping[ResourceAddress, Observed] = field(default_factory=dict)
    by_key: Mapping[ResourceAddress, tuple[Observed, ...]] = field(default_factory=dict)
    others: tuple[Observed, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@frozen
class Result:
    """What a verb left behind. `notes` are said to the user (a value stored otherwise than sent)."""

    observed: Observed
    pending: Pending | None = None
    facts: Mapping[str, Value] = field(default_factory=dict)  # plain JSON the kind wants to remember
    notes: tuple[str, ...] = ()


@frozen
class Moving:
    """Still under way; ask again in so many seconds."""

    done: float
    of: float
    note: str
    again_in: float


@frozen
class Settled:
    """Ended well; None: it is gone. `facts` join what is remembered."""

    observed: Observed | None
    facts: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


PAUSED = "paused"


@frozen
class Stuck:
    """Ended badly, or will not end: `end` is `reverted`, `replaced`, `failed`, `paused` or `timeout`.

    `then` is a choice to take at once. A `timeout` is no failure: it stays pending and the next run watches on. What is
    `paused` has failed, and stays pending all the same.
    """

    reason: str
    end: str
    then: str = ""
    fix: str = ""
    facts: Mapping[str, Value] = field(default_factory=dict)


@frozen
class Gate:
    """A question that somebody has to answer before it goes on; `choices` as in `next`, `revert`, `stop`.

    `then` is the answer that the manifest has given already (a `gate` that is met); "": somebody has to be asked.
    """

    question: str
    choices: tuple[str, ...]
    facts: Mapping[str, Value] = field(default_factory=dict)
    then: str = ""


Standing = Moving | Settled | Stuck | Gate


@frozen
class Judgement:
    """What a change does to what runs, and the dangers in it.

    `details` is plain JSON for the reader of the plan: rollout steps, changed files, migrations. `reads` and `writes` estimate
    what each of its steps asks of the API, besides looking and waiting; `sends`: whether anything leaves this machine.
    `permissions` are those that the token needs beyond the kind's.
    """

    effect: Effect
    hazards: tuple[Hazard, ...] = ()
    reason: str = ""
    details: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    writes: int = 1
    reads: int = 0
    sends: bool = True
    permissions: tuple[str, ...] = ()


class Work(Protocol):
    """What a verb is given besides values."""

    operation: str
    """The intent's id (32 hex); goes out as a label where the kind is LABELLED."""
    before: Mapping[str, Mapping[str, Value]]
    """Checkpoints of an earlier, cut-off attempt, by name; empty otherwise."""
    again: bool
    """Whether an earlier attempt may have done this already (recovery, or a lost answer)."""

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        """Remembers what is done so far; returns once it is durable."""

    def progress(self, done: float, of: float, note: str) -> None:
        """Says how far it is; never durable, may be dropped."""

    def stopping(self) -> bool:
        """Whether the user asked to stop: long effect-free work ends here by raising InterruptedRunError."""


class Handler:
    """Everything the house knows about one kind; subclasses override what they need."""

    kind: Kind

    # thinking: no disk, no network
    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Fields to canonical attributes, names of others to pointers, and the kind's own rules."""
        raise NotImplementedError

    def judge(self, change: Change) -> Judgement:
        """Effect and hazards of a change; by default the worst effect declared for what differs."""
        return Judgement(worst_effect(self.kind, change))

    def predict(self, change: Change) -> Mapping[str, Value]:
        """The outputs after a change: known ones as values, the others as Unknown."""
        return predicted_outputs(self.kind, change)

    def ride_along(self, change: Change) -> Mapping[str, Value]:
        """Attributes that only move when the change restarts something, as they will be after it (`{"generation": 8}`).

        Asked for every change of an existing or new resource, idle ones too: then it answers what is in force.
        """
        del change
        return {}

    # looking
    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """What this machine knows about the wishes: hashes, fingerprints, resolved tags."""
        del wishes, context
        return {}

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """In the place of `prepare` where wishes are what an earlier state remembers (`Desired.then`): how to have it again."""
        del wishes, context
        return {}

    def lacks(self, change: Change) -> Lack | None:
        """What is not there any more that a change to what was remembered needs: the values of secrets."""
        names = ", ".join(sorted(path_text(path) for path in missing_secrets(change)))
        if not names:
            return None
        fix = "apply the manifest that says where it comes from"
        return Lack(f"the value of {names} has to be sent, and no state holds it", fix)

    def observe(self, look: Look) -> Sighting:
        """What is really there, in as few requests as possible."""
        raise NotImplementedError

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """What a manifest would say of something that is there; None: what is there of this kind is not brought in unasked."""
        del observed, known
        return None

    def preflight(self, changes: Sequence[Change]) -> Iterable[Diagnostic]:
        """What would be refused anyway: limits, sizes, scopes; asked before anything is touched."""
        del changes
        return ()

    def survey(self, changes: Sequence[Change]) -> Iterable[Diagnostic]:
        """What all resources together would be refused for, changed or not, whatever their kind; asked of every kind."""
        del changes
        return ()

    # doing: plain resolved values in, what is there now out
    def create(self, change: Change, work: Work) -> Result:
        """Makes it."""
        raise NotImplementedError

    def update(self, change: Change, work: Work) -> Result:
        """Changes it in place."""
        raise NotImplementedError

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Removes it; the pending says what to wait for."""
        raise NotImplementedError

    # waiting: one call for all that wait; never blocks
    def settle(self, waiting: Sequence[Pending]) -> Mapping[ResourceAddress, Standing]:
        """Where everything stands that the service is still doing."""
        del waiting
        return {}

    def answer(self, pending: Pending, choice: str, work: Work) -> Result | None:
        """Takes a choice at a gate or after a failure (`next`, `revert`)."""
        raise NotImplementedError
