"""Goes through the graph once and decides for every resource what has to happen to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.engine.diff import (
    Drifted,
    compare,
    drifted,
    initial,
    without_ignored,
)
from reconciler.engine.graph import Graph
from reconciler.engine.identity import Identified, identify
from reconciler.engine.judging import judge, outputs_after, with_riders
from reconciler.engine.lacking import refuse_what_lacks
from reconciler.engine.reasons import differing, forcing, managed_from_now_on, not_ours, owed, place_is_held
from reconciler.engine.resolve import Scope, resolve
from reconciler.engine.runs import as_run, held_against, joining
from reconciler.engine.state_only import guards_and_edges, left_to_the_service, managed_from_here
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.handler import Handler, Judgement, Sighting
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.state import State
from reconciler.model.value import Attributes, Ref, Unknown, at_path, path_text


@frozen
class Options:
    """What a user asked of a plan besides the manifest."""

    targets: tuple[ResourceAddress, ...] = ()
    excludes: tuple[ResourceAddress, ...] = ()
    replace: tuple[ResourceAddress, ...] = ()
    destroy: bool = False
    refresh_only: bool = False
    no_refresh: bool = False
    resend_secrets: bool = False
    to: int | None = None  # the serial of the state that is wanted again, instead of the manifest

    @property
    def why_new(self) -> str:
        """Why there is to be something that is not there."""
        return "new in the manifest" if self.to is None else f"it was there in state #{self.to}"

    @property
    def why_leaving(self) -> str:
        """Why something is no longer wanted."""
        if self.destroy:
            return "destroy"
        return "not in the manifest any more" if self.to is None else f"it was not there in state #{self.to}"


@frozen
class Facts:
    """Everything that deciding rests on."""

    resources: Mapping[ResourceAddress, Desired]
    state: State
    sightings: Mapping[str, Sighting]
    handlers: Mapping[str, Handler]
    graph: Graph
    options: Options = Options()
    moved: Mapping[ResourceAddress, ResourceAddress] = field(default_factory=dict)  # new to old
    published: frozenset[ResourceAddress] = frozenset()  # what the manifest's outputs refer to


@frozen
class Decided:
    """What has to happen, in dependency order, and what was noticed on the way."""

    changes: dict[ResourceAddress, Change]
    judgements: dict[ResourceAddress, Judgement]
    drift: tuple[tuple[ResourceAddress, Drifted], ...]
    diagnostics: tuple[Diagnostic, ...]
    scope: Scope


def decide(facts: Facts) -> Decided:
    """The change of every resource, wanted or remembered."""
    deciding = _Deciding(facts)
    for address in facts.graph.order:
        deciding.decide_wanted(facts.resources[address])
    for address, prior in facts.state.resources.items():
        if address not in facts.resources:
            deciding.decide_orphan(prior)
    deciding.refuse_what_has_no_place()
    deciding.run_what_joins()
    deciding.refuse_what_lacks()
    deciding.note_what_will_be_skipped()
    return Decided(
        deciding.changes,
        deciding.judgements,
        tuple(deciding.drift),
        tuple(deciding.diagnostics),
        deciding.scope,
    )


@dataclass(slots=True)
class _Deciding:
    facts: Facts
    changes: dict[ResourceAddress, Change] = field(default_factory=dict)
    judgements: dict[ResourceAddress, Judgement] = field(default_factory=dict)
    drift: list[tuple[ResourceAddress, Drifted]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    referenced: frozenset[ResourceAddress] = frozenset()
    going: dict[str, set[str]] = field(
        default_factory=dict
    )  # ids by kind: only within one they tell objects apart
    owners: dict[tuple[str, str], ResourceAddress] = field(default_factory=dict)  # by kind and id
    in_the_way: dict[ResourceAddress, ResourceAddress] = field(default_factory=dict)

    def __post_init__(self) -> None:
        facts = self.facts
        self.scope.texts = {address: desired.attributes for address, desired in facts.resources.items()}
        used = (other for used in facts.graph.uses.values() for other in used)
        self.referenced = facts.published.union(used)
        self.owners = {(one.kind, prior.identity): one for one, prior in facts.state.resources.items()}
        self.going = facts.state.own_identities()

    # wanted

    def decide_wanted(self, desired: Desired) -> None:
        self._foretell(desired)
        change = self._change(desired)
        self._keep(change)

    def _change(self, desired: Desired) -> Change:
        facts = self.facts
        handler = facts.handlers[desired.address.kind]
        prior = facts.state.resources.get(desired.address)
        sighting = facts.sightings.get(desired.address.kind, _NOTHING)
        going = self.going.get(desired.address.kind, set())
        identified = identify(desired, prior, sighting, going, named=handler.kind.named)
        if identified.refused is not None:
            self.diagnostics.append(identified.refused)
            return Change(desired.address, Action.REFUSED, desired, prior, reason=identified.refused.summary)
        desired = _with_live_name(desired, identified)
        self.scope.texts[desired.address] = desired.attributes
        wanted = resolve(desired.attributes, self.scope)
        change = self._compared(handler, desired, prior, identified, wanted)
        if handler.kind.runs:
            change = as_run(change, asked=change.address in facts.options.replace)
        return self._finished(handler, change)

    def _compared(
        self,
        handler: Handler,
        desired: Desired,
        prior: Prior | None,
        identified: Identified,
        wanted: Attributes,
    ) -> Change:
        observed, kind = identified.observed, handler.kind
        base = Change(
            desired.address,
            Action.NO_OP,
            desired,
            prior if observed or not identified.gone else None,
            observed,
            wanted,
            moved_from=self.facts.moved.get(desired.address),
        )
        if observed is None:
            return self._creation(handler, base, identified)
        if desired.external:
            return base
        before = held_against(kind, prior)
        wanted = without_ignored(kind, desired, wanted, before, observed)
        resend = self.facts.options.resend_secrets
        found = compare(kind, desired, wanted, before, observed, resend_secrets=resend)
        attributes = self._with_forced(desired, found)
        if prior is not None and not self.facts.options.no_refresh:
            self._note_drift(handler, desired, prior, observed, wanted)
        differs = attributes or wanted is not base.wanted
        change = replace(base, wanted=wanted, attributes=tuple(attributes)) if differs else base
        return self._existing(change, identified)

    def _creation(self, handler: Handler, base: Change, identified: Identified) -> Change:
        assert base.desired is not None
        gone = "it is gone: somebody else deleted it"
        reason = gone if identified.gone else self.facts.options.why_new
        in_the_way = identified.in_the_way
        deletion = base.prior.deletion if base.prior else None
        pending = deletion or (in_the_way.unsettled if in_the_way else None)
        if in_the_way and (owner := self.owners.get((handler.kind.name, in_the_way.identity))):
            self.in_the_way[base.address] = owner
        attributes = initial(handler.kind, base.desired, base.wanted)
        if identified.gone:
            self.drift.append((base.address, Drifted((), "present", None, "revert")))
        return replace(
            base, action=Action.CREATE, attributes=tuple(attributes), reason=reason, pending=pending
        )

    def _existing(self, change: Change, identified: Identified) -> Change:
        assert change.observed is not None
        assert change.desired is not None
        asked = change.address in self.facts.options.replace
        if asked or any(attribute.forces_replacement for attribute in change.attributes):
            reason = "replacement was asked for" if asked else forcing(change.attributes)
            return replace(change, action=Action.REPLACE, reason=reason)
        if identified.adopted:
            return replace(change, action=Action.ADOPT, reason="it exists already and is taken over")
        facts, kind = self.facts, self.facts.handlers[change.address.kind].kind
        kept = tuple(left_to_the_service(kind, change))
        waits_for = facts.graph.waits_for[change.address]
        meta = (*guards_and_edges(change, waits_for, facts.moved), *kept)
        if kept:
            change = replace(change, notes=tuple(f"{path_text(one.path)}: {one.note}" for one in kept))
        debt = owed(change)
        if change.attributes or debt or meta:
            reason = debt or differing((*change.attributes, *meta))
            return replace(
                change, action=Action.UPDATE, attributes=(*change.attributes, *meta), reason=reason
            )
        if managed := managed_from_here(kind, change):
            return replace(
                change, action=Action.UPDATE, attributes=managed, reason=managed_from_now_on(managed)
            )
        pending = _still_pending(change)
        if pending is not None:
            return replace(
                change, action=Action.RESUME, pending=pending, reason=f"a {pending.what} is still under way"
            )
        if change.moved_from is not None:
            return replace(change, action=Action.MOVE, reason=f"it was {change.moved_from}")
        return change

    def _with_forced(self, desired: Desired, found: list[AttributeChange]) -> list[AttributeChange]:
        """An unknown value in an immutable place replaces for certain if it cannot be the one that is there."""
        return [
            replace(attribute, forces_replacement=True)
            if attribute.forces_replacement is None and self._cannot_be_there(desired, attribute)
            else attribute
            for attribute in found
        ]

    def _cannot_be_there(self, desired: Desired, attribute: AttributeChange) -> bool:
        """What it waits for is made anew, or has no such value yet (the namespace of a class that is new)."""
        value = attribute.after
        awaited = self.changes.get(value.until) if isinstance(value, Unknown) and value.until else None
        if awaited is None:
            return False
        if not awaited.action.keeps_identity:
            return True
        pointer = at_path(desired.attributes, attribute.path)
        if not isinstance(pointer, Ref) or pointer.address != awaited.address:
            return False
        return awaited.observed is not None and at_path(awaited.observed.outputs, pointer.path) is None

    def _finished(self, handler: Handler, change: Change) -> Change:
        """Effect and hazards, and what rides along once it is clear what restarts."""
        if change.action is Action.NO_OP and not change.attributes:
            riding = handler.ride_along(change)
            return replace(change, wanted={**change.wanted, **riding}) if riding else change
        judged = judge(handler, change)
        change = replace(
            change,
            effect=judged.effect,
            hazards=judged.hazards,
            notes=(*change.notes, *judged.notes),
            reason=judged.reason or change.reason,
        )
        self.judgements[change.address] = judged
        return with_riders(handler, change)

    def _note_drift(
        self, handler: Handler, desired: Desired, prior: Prior, observed: Observed, wanted: Attributes
    ) -> None:
        for one in drifted(handler.kind, prior, observed, wanted, desired.ignore_changes):
            self.drift.append((desired.address, one))

    # not wanted any more

    def decide_orphan(self, prior: Prior) -> None:
        self._keep(self._orphan(prior))

    def _orphan(self, prior: Prior) -> Change:
        facts = self.facts
        handler = facts.handlers[prior.address.kind]
        sighting = facts.sightings.get(prior.address.kind, _NOTHING)
        observed = sighting.by_identity.get(prior.address)
        base = Change(prior.address, Action.DELETE, prior=prior, observed=observed)
        why = "it was replaced" if prior.address.replaced else facts.options.why_leaving
        if not handler.kind.deletable or prior.retain:
            ours = "what ran stays" if handler.kind.runs else "nothing but `images gc` deletes it"
            kept = "kept by `retain`" if prior.retain else ours
            return replace(base, action=Action.FORGET, reason=f"{why}; {kept}")
        if prior.deletion is not None:
            return replace(
                base, action=Action.RESUME, pending=prior.deletion, reason="its deletion is still under way"
            )
        if observed is None:
            return replace(base, action=Action.FORGET, reason=f"{why}, and gone already")
        if observed.elsewhere or (prior.name and observed.name and observed.name != prior.name):
            what = observed.elsewhere or f'it answers with the name "{observed.name}", not "{prior.name}"'
            self.diagnostics.append(not_ours(prior, what))
            return replace(base, action=Action.REFUSED, reason=what)
        for one in drifted(handler.kind, prior, observed, None):
            self.drift.append((prior.address, one))
        change = replace(base, reason=why, moved_from=facts.moved.get(prior.address))
        return self._finished(handler, change)

    def refuse_what_has_no_place(self) -> None:
        """A new resource can take the place of one of ours only if that one goes."""
        for address, owner in self.in_the_way.items():
            change = self.changes[address]
            if change.action is not Action.CREATE or self.changes[owner].action.is_destructive:
                continue
            problem = place_is_held(change, owner)
            self.diagnostics.append(problem)
            self.changes[address] = Change(
                address, Action.REFUSED, change.desired, change.prior, reason=problem.summary
            )

    def run_what_joins(self) -> None:
        """What runs with every apply that does something else."""
        for change in joining(self.changes.values()):
            self._keep(self._finished(self.facts.handlers[change.address.kind], change))

    def refuse_what_lacks(self) -> None:
        """What an earlier state remembers and cannot be had again is left as it is."""
        refused, problems = refuse_what_lacks(self.changes, self.facts.handlers)
        self.changes |= refused
        self.diagnostics += problems

    def note_what_will_be_skipped(self) -> None:
        """What waits for something refused is planned, and then skipped by apply: that is said."""
        because = {address: address for address, one in self.changes.items() if one.action is Action.REFUSED}
        for address in self.facts.graph.order if because else ():
            waits_for = self.facts.graph.waits_for[address]
            refused = next((because[other] for other in sorted(waits_for) if other in because), None)
            if refused is None or address in because:
                continue
            because[address] = refused
            change = self.changes[address]
            if not change.action.is_idle:
                note = f"it will be skipped, since {refused} is refused"
                self.changes[address] = replace(change, notes=(*change.notes, note))

    # keeping

    def _keep(self, change: Change) -> None:
        self.changes[change.address] = change
        if change.address in self.referenced:
            handler = self.facts.handlers[change.address.kind]
            self.scope.outputs[change.address] = outputs_after(handler, change)

    def _foretell(self, desired: Desired) -> None:
        """Facts of a later resource's coming change (its generation), worked out before its turn."""
        for address in sorted(self.facts.graph.foretold.get(desired.address, ())):
            later = self.facts.resources.get(address)
            if later is not None and address not in self.scope.foretold:
                self.scope.foretold[address] = self._preview(desired.address, later)

    def _preview(self, owner: ResourceAddress, later: Desired) -> Attributes:
        """The later change as it would be if its owner changed nothing."""
        sighting = self.facts.sightings.get(owner.kind, _NOTHING)
        seen = sighting.by_identity.get(owner)
        self.scope.outputs[owner] = seen.outputs if seen else {}
        noticed = len(self.drift), len(self.diagnostics)
        change = self._change(later)
        del self.drift[noticed[0] :], self.diagnostics[noticed[1] :]
        return change.wanted


_NOTHING = Sighting()


def _with_live_name(desired: Desired, identified: Identified) -> Desired:
    """Imported or adopted under another name than the default: the live name stays (interface 7)."""
    observed = identified.observed
    if not identified.adopted or observed is None or not desired.named_by_default:
        return desired
    if not observed.name or "name" not in desired.attributes:
        return desired
    return replace(desired, name=observed.name, attributes={**desired.attributes, "name": observed.name})


def _still_pending(change: Change) -> Pending | None:
    if change.prior is not None and change.prior.pending:
        return change.prior.pending[0]
    return change.observed.unsettled if change.observed else None
