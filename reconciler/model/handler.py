"""The protocol that every kind fulfils, and the facts it declares. Types and defaults only: no verb is called from here.

A kind's file holds one table of attributes, one `Kind`, and one `Handler` with `bind` (text to attributes), the verbs that
look (`prepare`, `observe`, `preflight`), those that do (`create`, `update`, `delete`) and those that wait (`settle`, `answer`).
Verbs translate; they do not order, retry, print or save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, Protocol

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect, Hazard
from reconciler.model.describing import Described, Known
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.missing_secrets import missing_secrets
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.value import Attributes, Path, Unknown, Value, path_text


class Removal(StrEnum):
    """What happens when the manifest stops setting an attribute (interface 1.1 "Left out, null, removed")."""

    RESET = "reset"  # the declared default is sent
    OMIT = "omit"  # its parent is sent again without it
    REPLACE = "replace"  # only a new object is without it
    KEEP = "keep"  # the API cannot unset it: the plan says so, once
    LEAVE = "leave"  # it is meant to stay, and the kind says what that means (a class with its data)


@frozen
class Attribute:
    """One row of a kind's table: schema, documentation, comparison and effect all come from here.

    `path` is dotted; a row for `constraints` also speaks for `constraints.regions` unless that has a row.
    """

    path: str
    schema: Mapping[str, Any]  # JSON Schema of the value as it stands in the manifest
    description: str = ""
    effect: Effect = Effect.HOT
    replaces: bool = False  # immutable: a change replaces
    default: Value = None  # certain default of the service; the kind's `bind` writes it into Desired
    removal: Removal = Removal.OMIT
    write_only: bool = False  # never given back by the service: compared with Prior, not with Observed
    secret: bool = False  # takes a Secret; any other attribute that is given one is a diagnostic
    secret_template: bool = False  # a secret may stand inside a text here (interface 1.5)
    rides_along: bool = False  # no difference by itself (a generation number)
    by_name: bool = False  # a map whose members count even where there is nothing in them (a port, a route)
    bare: str = ""  # the output that a bare reference (`${images.x}`) means in this place
    computed: bool = False  # not written by the user: filled by `prepare`, a slot or the engine
    shown: str = ""  # what a plan calls it, where its path is a name of our own making


WATCHED = {
    "rollout_on": Attribute("rollout_on", {}, effect=Effect.ROLLOUT, write_only=True),
    "replace_on": Attribute("replace_on", {}, effect=Effect.DOWNTIME, write_only=True, replaces=True),
}
"""Rows that every kind has: what stands there is watched, and its change rolls out or replaces (interface 1.1)."""


@frozen
class Output:
    """A value that references may name: `${images.api.ref}`.

    `textual`: known from the manifest's own text (a name, a class); a reference to it makes no edge.
    `stable`: an update does not alter it, so it stays known while the resource is updated in place.
    """

    name: str
    description: str = ""
    textual: bool = False
    stable: bool = True
    secret: bool = False


@frozen
class Slot:
    """A place in a resource that others fill, by name: how kinds meet without knowing each other.

    What is lent stands in the attribute of the slot's name; with `many`, in a dict by member, and two lends of one member
    are an error. `chosen_by` names the key of this resource's block that decides between several lenders (`worker`);
    `needed_by` the key that makes an empty slot an error (`class_name`).
    """

    name: str
    many: bool = False
    chosen_by: str = ""
    needed_by: str = ""


@frozen
class LenderOf:
    """Whoever fills this slot of mine."""

    slot: str


@frozen
class Lend:
    """Something put into another resource's slot; `member` is the key it gets in a slot that takes many."""

    to: ResourceAddress | LenderOf
    slot: str
    value: Value
    member: str = ""


class Uniqueness(StrEnum):
    """How a lost create is found again (failure-modes, section 2)."""

    CONFLICT = "conflict"  # a second create is refused and names the owner: repeat it
    CONTENT = "content"  # same bytes, same object: repeat it
    LABELLED = "labelled"  # the operation's id travels with the object
    LISTED = "listed"  # list by natural key, not before the staleness window is over
    UNKNOWABLE = "unknowable"  # none of these: the kind itself looks, and `on_lost` of the resource decides


CONTAINERS_WRITE = "Workers Containers Write"
SCRIPTS_WRITE = "Workers Scripts Write"
"""Permissions of a token, by Cloudflare's names."""


@frozen
class Kind:
    """The facts of a kind."""

    name: str  # `application`
    section: str  # `applications`
    attributes: tuple[Attribute, ...]
    outputs: tuple[Output, ...] = ()
    slots: tuple[Slot, ...] = ()
    uniqueness: Uniqueness = Uniqueness.LISTED
    exclusive: tuple[str, ...] = ("name",)  # attributes that two objects cannot share: the old one goes first
    create_first: bool = False  # order of a replacement; False: delete, wait until gone, create
    deletable: bool = True  # False: leaving the manifest only forgets (image)
    runs: bool = False  # runs to completion instead of lasting: it is not created or changed but run (job)
    harmless: bool = False  # a step may fail without effect (image): goes before what is live at once
    named: bool = True  # has a remote name made from `naming`; False: the name is not of our making
    singleton: bool = (
        False  # its section has no keys: what stands there is the one resource, `account.account`
    )
    name_pattern: str = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
    shared_between_environments: bool = False  # the default name leaves the environment out (image)
    one_of: tuple[
        tuple[str, ...], ...
    ] = ()  # dotted keys of which one may stand: an overlay's drives out the base's
    at_once: int = 0  # parallel steps of this kind; 0: no limit of its own
    expected_seconds: Mapping[str, float] = field(default_factory=dict)  # by verb
    description: str = ""
    permissions: tuple[str, ...] = (CONTAINERS_WRITE,)  # that the token needs to change one (reference 1.3)

    def attribute(self, path: Path) -> Attribute | None:
        """The row that speaks for a path: its own, or the nearest one above it."""
        rows = _rows(self)
        for end in range(len(path), 0, -1):
            if row := rows.get(path[:end]):
                return row
        return WATCHED.get(path[0]) if path else None

    def output(self, name: str) -> Output | None:
        """The output of that name."""
        return next((output for output in self.outputs if output.name == name), None)


_ROWS: dict[int, dict[Path, Attribute]] = {}


def _rows(kind: Kind) -> dict[Path, Attribute]:
    rows = _ROWS.get(id(kind))
    if rows is None:
        rows = _ROWS[id(kind)] = {tuple(row.path.split(".")): row for row in kind.attributes}
    return rows


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

    `details` is plain JSON for the reader of the plan: rollout steps, changed files, migrations. `requests` estimates the writes;
    `permissions` are those that the token needs beyond the kind's.
    """

    effect: Effect
    hazards: tuple[Hazard, ...] = ()
    reason: str = ""
    details: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    requests: int = 1
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


def worst_effect(kind: Kind, change: Change) -> Effect:
    """The worst effect that the kind declares for the attributes that differ."""
    effects = [
        row.effect
        for attribute in change.attributes
        if (row := kind.attribute(attribute.path)) and not row.rides_along
    ]
    return max(effects, key=Effect.rank, default=Effect.NONE)


def predicted_outputs(kind: Kind, change: Change) -> dict[str, Value]:
    """What each output will be: foreknown, or what it is now if it stays, or Unknown until the step has run."""
    foreknown = change.desired.outputs if change.desired else {}
    known = change.observed.outputs if change.observed and change.action.keeps_identity else {}
    idle = change.action.is_idle
    if kind.named and change.desired and change.desired.name:
        foreknown = {"name": change.desired.name, **foreknown}
    return {
        output.name: foreknown[output.name]
        if output.name in foreknown
        else known[output.name]
        if output.name in known and (output.stable or idle)
        else Unknown(change.address)
        for output in kind.outputs
    }
