"""Joins slots and lends: what one resource puts into another's place for it, without either knowing the other's kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.manifest.declared import Declared
from reconciler.manifest.findings import listed
from reconciler.manifest.site import Site
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Bound
from reconciler.model.kind import Kind, Lend, LenderOf, Slot
from reconciler.model.value import Pointer, Template, Unknown, Value, pointers


@frozen
class Party:
    """A resource that may lend and be lent to. `choices` are the values of the keys that choose among lenders."""

    address: ResourceAddress
    kind: Kind
    bound: Bound
    site: Site
    choices: Mapping[str, Value] = field(default_factory=dict)


@frozen
class _Offer:
    lender: Party
    lend: Lend


Parties = Mapping[ResourceAddress, Party]
_Offers = dict[tuple[ResourceAddress, str], list[_Offer]]  # by recipient and slot


def join(parties: Parties, declared: Declared) -> None:
    """Fills every slot; collects slots that stay empty, or that too many would fill."""
    offers: _Offers = {}
    answers: list[_Offer] = []
    for party in parties.values():
        for lend in party.bound.lends:
            if isinstance(lend.to, LenderOf):
                answers.append(_Offer(party, lend))
            elif lend.to not in parties and not declared.is_declared(lend.to):
                _refuse_nobody(party, lend.to, declared)
            else:
                offers.setdefault((lend.to, lend.slot), []).append(_Offer(party, lend))
    accepted = {place: _accepted(place, offered, parties) for place, offered in offers.items()}
    back: _Offers = {}
    for answer in answers:
        for offer in accepted.get((answer.lender.address, answer.lend.to.slot), ()):  # type: ignore[union-attr]
            back.setdefault((offer.lender.address, answer.lend.slot), []).append(answer)
    accepted |= {
        place: _accepted(place, [*offers.get(place, ()), *offered], parties)
        for place, offered in back.items()
    }
    for (address, name), taken in accepted.items():
        if taken:
            _fill(parties[address], name, taken)
    for party in parties.values():
        _refuse_empty(party, accepted)


def _accepted(place: tuple[ResourceAddress, str], offered: list[_Offer], parties: Parties) -> list[_Offer]:
    """Those of the offers that the recipient takes; empty after a finding, or where it has no such place."""
    recipient = parties.get(place[0])
    slot = _slot(recipient, place[1]) if recipient else None
    if recipient is None or slot is None:
        return []
    if slot.many:
        return offered
    choice = recipient.choices.get(slot.chosen_by)
    if isinstance(choice, Unknown):
        return offered[:1]
    if choice is not None:
        return [offer for offer in offered if _is_chosen(offer.lender.address, choice)][:1]
    lenders = dict.fromkeys(offer.lender.address for offer in offered)
    if len(lenders) > 1:
        _refuse_many(recipient, slot, list(lenders))
        return []
    return offered[:1]


def _refuse_nobody(lender: Party, recipient: ResourceAddress, declared: Declared) -> None:
    """The lender names a resource by its key, and there is none of that key."""
    keys = [slot.chosen_by for slot in lender.kind.slots if slot.chosen_by in lender.choices]
    section = declared.blocks.get(declared.kinds_by_name[recipient.kind].section, {})
    hint = lender.site.findings.did_you_mean(recipient.key, section)
    lender.site.error(tuple(keys[:1]), "E308", f"there is no {recipient}", hint)


def _slot(party: Party, name: str) -> Slot | None:
    return next((slot for slot in party.kind.slots if slot.name == name), None)


def _is_chosen(lender: ResourceAddress, choice: Value) -> bool:
    """Whether a key (`worker: ${workers.edge}`, or its key as text) means this lender."""
    if isinstance(choice, Pointer | Template):
        return any(pointer.address == lender for pointer in pointers(choice))
    return choice in (lender.key, str(lender))


def _refuse_many(recipient: Party, slot: Slot, lenders: list[ResourceAddress]) -> None:
    fix = f"say which with `{slot.chosen_by}`" if slot.chosen_by else "keep one of them"
    recipient.site.error((), "E505", f"{listed(map(str, lenders))} all give it a {slot.name}", fix)


def _fill(recipient: Party, name: str, taken: list[_Offer]) -> None:
    slot = _slot(recipient, name)
    if slot is None or not slot.many:
        recipient.bound.attributes[name] = taken[0].lend.value
        return
    members: dict[str, Value] = {}
    givers: dict[str, ResourceAddress] = {}
    for offer in taken:
        member = offer.lend.member
        if member in members and members[member] != offer.lend.value:
            summary = (
                f"{givers[member]} and {offer.lender.address} both are {name}.{member} of {recipient.address}"
            )
            offer.lender.site.error((), "E506", summary, "only one of them can be")
            continue
        members[member] = offer.lend.value
        givers[member] = offer.lender.address
    recipient.bound.attributes[name] = members


def _refuse_empty(party: Party, accepted: Mapping[tuple[ResourceAddress, str], list[_Offer]]) -> None:
    for slot in party.kind.slots:
        if not slot.needed_by or slot.needed_by not in party.choices:
            continue
        filled = accepted.get((party.address, slot.name)) or party.bound.attributes.get(slot.name) is not None
        if filled or party.site.findings.failed(str(party.address)):
            continue
        fix = f"say whose with `{slot.chosen_by}`" if slot.chosen_by else ""
        summary = f"{slot.needed_by} is set, but nothing gives it a {slot.name}"
        party.site.error((slot.needed_by,), "E507", summary, fix)
