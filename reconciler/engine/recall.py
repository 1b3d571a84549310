"""Makes wishes of what an earlier state remembers: another source of what is wanted than the manifest (`plan --to`).

A state says what was set, not how to go about it: that still comes from the manifest, where it has the resource. What is over
once it has run (a job) is left alone. Whether a kind can have again what it was, it says itself (`Handler.recall`, `lacks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from reconciler.engine.graph import Edges, Graph
from reconciler.engine.origins import Origins, fingerprint_of
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import Handler
from reconciler.model.kind import WATCHED
from reconciler.model.manifest import Manifest, ManifestOutput, Move
from reconciler.model.resource import Desired, Prior
from reconciler.model.state import State
from reconciler.model.value import Ref, Value, parse_path

SECRETS_STAY = "P120"

Handlers = Mapping[str, Handler]
Priors = Mapping[ResourceAddress, Prior]


def recall(then: State, now: State, manifest: Manifest, handlers: Handlers) -> Manifest:
    """The manifest that an earlier state amounts to, in the place of the one that is written."""
    stood = {a: one for a, one in lasting(then, handlers).resources.items() if not _was_going(one)}
    moved = tuple(_moves(stood, lasting(now, handlers).resources))
    present = {**now.resources, **{move.target: now.resources[move.origin] for move in moved}}
    recalling = _Recalling(stood, present, manifest.resources, handlers)
    everything = Origins.of(stood.values(), handlers)
    return replace(
        manifest,
        resources=recalling.wishes(),
        outputs={name: ManifestOutput(name, everything.restored(it)) for name, it in then.outputs.items()},
        moved=moved,
        warnings=_secrets_stay(stood.values(), then.serial),
    )


def lasting(state: State, handlers: Handlers) -> State:
    """The state without what runs to completion: what ran, ran."""
    kept = {a: one for a, one in state.resources.items() if not handlers[a.kind].kind.runs}
    return replace(state, resources=kept)


def _was_going(prior: Prior) -> bool:
    return not prior.identity or prior.deletion is not None


def _moves(stood: Priors, now: Priors) -> Iterable[Move]:
    """What is known under another address since: the same thing, by its id."""
    since = {
        (address.kind, prior.identity): address
        for address, prior in now.items()
        if address not in stood and prior.identity
    }
    for address, prior in stood.items():
        origin = since.pop((address.kind, prior.identity), None) if address not in now else None
        if origin is not None:
            yield Move(origin, address)


@frozen
class _Recalling:
    """Entries of then (`stood`) on their way to wishes; `present` are the entries of now, under the addresses of then."""

    stood: Priors
    present: Priors
    declared: Mapping[ResourceAddress, Desired]
    handlers: Handlers

    def wishes(self) -> dict[ResourceAddress, Desired]:
        """Everything that stood, and what it used of somebody else's."""
        used = {other for prior in self.stood.values() for other in prior.depends_on}
        others = {a: one for a, one in self.declared.items() if one.external and a in used}
        known = {*self.stood, *others}
        return {**others, **{address: self._wish(prior, known) for address, prior in self.stood.items()}}

    def _wish(self, then: Prior, known: Set[ResourceAddress]) -> Desired:
        return replace(
            self.declared.get(then.address) or Desired(then.address, {}),
            attributes=self._attributes(then),
            name=then.name,
            named_by_default=then.named_by_default,
            outputs={},
            depends_on=tuple(one for one in then.depends_on if one in known),
            adopt=False,
            external=False,
            import_id="",
            protect=then.protect,
            retain=then.retain,
            lane=then.lane,
            then=then,
        )

    def _attributes(self, then: Prior) -> dict[str, Value]:
        used = (self.stood[one] for one in then.uses if one in self.stood)
        origins = Origins.of(used, self.handlers)
        now = self.present.get(then.address)
        present = now.attributes if now else {}
        declared = it.attributes if (it := self.declared.get(then.address)) else {}
        return {
            key: self._watched(value)
            if key in WATCHED
            else origins.restored(value, present.get(key), declared.get(key))
            for key, value in then.attributes.items()
        }

    def _watched(self, value: Value) -> dict[str, Value]:
        """What `rollout_on` and `replace_on` watch, as references: only what changes from now on is a reason."""
        found: dict[str, Value] = {}
        for text in value if isinstance(value, Mapping) else ():
            for address in self.stood:
                name = str(address)
                if text == name or text.startswith(f"{name}."):
                    path = parse_path(text[len(name) + 1 :]) or ("revision",)
                    found[text] = Ref(address, path, f"${{{text}}}")
        return found


def _secrets_stay(stood: Iterable[Prior], serial: int) -> tuple[Diagnostic, ...]:
    if not any(_holds_secret(prior.attributes) for prior in stood):
        return ()
    summary = "secrets keep the values that they have now"
    return (
        Diagnostic(
            Severity.WARNING, SECRETS_STAY, summary, f"no value of a secret is in the state #{serial}"
        ),
    )


def _holds_secret(value: Value) -> bool:
    if not isinstance(value, Mapping):
        return False
    return fingerprint_of(value) is not None or any(map(_holds_secret, value.values()))


def with_recorded_uses(graph: Graph, resources: Mapping[ResourceAddress, Desired]) -> Graph:
    """The graph, in which what an earlier state remembers as used counts as used: not every use can be found again."""
    uses: Edges = {
        address: used.union(one for one in then.uses if one in graph.waits_for[address])
        if (then := resources[address].then)
        else used
        for address, used in graph.uses.items()
    }
    return replace(graph, uses=uses)
