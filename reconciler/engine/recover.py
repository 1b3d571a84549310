"""What began and never ended: found, repeated, voided, or shown to a person (failure-modes, section 2).

An update or delete that was cut off needs no detective: the next plan sees what is there, and repeats what is owed.
A create does: its object may exist without our knowing its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field, replace
from typing import Protocol

from reconciler.engine.reasons import listed
from reconciler.errors import InterruptedRunError, StateError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.event import Event, StepBegun, StepRecovered, StepVoided
from reconciler.model.handler import Handler, Look, Subject
from reconciler.model.kind import Uniqueness
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import Intent, State
from reconciler.model.value import Attributes, is_plain

Again = Mapping[ResourceAddress, Intent]
"""Attempts that were cut off, of which nothing was found: they stay open until they are repeated."""

STALENESS_WINDOW = 30.0
"""Seconds for which a list may not show what was just made (failure-modes, row 9)."""
FIRST_PAUSE = 2.0
"""Seconds between the first two looks; doubled from look to look."""
LOOKING_AGAIN = "what is shown may be half a minute old: looking again"
_FOUND_IN_LISTS = (Uniqueness.LISTED, Uniqueness.LABELLED, Uniqueness.CONFLICT)
"""A second create of the last is refused; but a plan would take what a list shows by then for a stranger's."""


class Time(Protocol):
    """The part of a clock that waiting for a stale list needs."""

    @property
    def now(self) -> Callable[[], str]:
        """The service's time."""

    @property
    def sleep(self) -> Callable[[float], bool]:
        """Sleeps; True when stopping was asked for meanwhile."""

    @property
    def seconds_since(self) -> Callable[[str], float]:
        """Seconds of the service's time since a time of the service."""

    @property
    def on_wait(self) -> Callable[[str], None]:
        """Told why it takes long, before a first sleep."""


@frozen
class Recovered:
    """What looking at open intents came to: events to fold, and creates that must be told they may be the second."""

    events: tuple[Event, ...] = ()
    again: Again = field(default_factory=dict)


def recover(state: State, handlers: Mapping[str, Handler], clock: Time) -> Recovered:
    """Settles every open intent of earlier runs.

    Raises StateError where two objects could be the one that was begun: a person has to say which.
    """
    events: list[Event] = []
    again: dict[ResourceAddress, Intent] = {}
    creates: list[Intent] = []
    for intent in state.intents.values():
        if intent.begun.verb in ("create", "run"):
            creates.append(intent)
        else:
            events.append(_cut_off(intent, state.resources.get(intent.begun.address)))
    for kind, intents in _by_kind(creates).items():
        _recover_creates(handlers[kind], intents, state, clock, events, again)
    return Recovered(tuple(events), again)


def _by_kind(intents: Iterable[Intent]) -> dict[str, list[Intent]]:
    sorted_out: dict[str, list[Intent]] = {}
    for intent in intents:
        sorted_out.setdefault(intent.begun.address.kind, []).append(intent)
    return sorted_out


def _cut_off(intent: Intent, prior: Prior | None) -> Event:
    """An update or delete: what is there will be seen; what may be half done is owed.

    An intent that says what to remember knows what its verb owes before the first checkpoint: nothing, or a pending record.
    """
    begun = intent.begun
    prior = begun.prior or prior
    if prior is None or begun.verb == "delete":
        return StepVoided(begun.address, begun.verb, begun.operation, "it will be looked at again")
    owes = (*intent.checkpoints,) or (() if begun.prior else (begun.verb,))
    return StepRecovered(
        begun.address, begun.verb, begun.operation, replace(prior, owes=owes), how="goes on where it stopped"
    )


def _recover_creates(
    handler: Handler,
    intents: list[Intent],
    state: State,
    clock: Time,
    events: list[Event],
    again: dict[ResourceAddress, Intent],
) -> None:
    known = state.own_identities().get(handler.kind.name, set())
    found: dict[ResourceAddress, list[Observed]] = {}
    for number, _ in enumerate(looks(intents, clock)):
        missing = [one for one in intents if not found.get(one.begun.address)]
        found |= _candidates(handler, missing, known)
        lost = [str(one.begun.address) for one in missing if not found.get(one.begun.address)]
        if not lost:
            break
        if not number and handler.kind.uniqueness in _FOUND_IN_LISTS:
            clock.on_wait(
                f"begun by a run that was cut off, and not seen yet: {listed(lost)}; {LOOKING_AGAIN}"
            )
    for intent in intents:
        if candidates := found.get(intent.begun.address, []):
            events.append(_verdict(intent, candidates))
        else:
            again[intent.begun.address] = intent


def _candidates(
    handler: Handler, intents: list[Intent], known: set[str]
) -> dict[ResourceAddress, list[Observed]]:
    sighting = handler.observe(Look(0, [_subject(one) for one in intents], thorough=True))
    return {
        one.begun.address: [
            seen for seen in sighting.by_key.get(one.begun.address, ()) if seen.identity not in known
        ]
        for one in intents
    }


def looks(intents: Sequence[Intent], clock: Time) -> Iterator[None]:
    """One look at once; for what only a list can show, more of them until one began when no list could be stale any more.

    The window begins with the first answer, by the service's clock: an intent is written down before its turn has come, and
    nobody knows when the run that wrote it has sent its last request. Raises InterruptedRunError when the user asks to stop.
    """
    yield
    if not any(one.begun.uniqueness in _FOUND_IN_LISTS for one in intents):
        return
    since, pause = clock.now(), FIRST_PAUSE
    is_last = False
    while not is_last:
        if clock.sleep(pause):
            raise InterruptedRunError("stopped while looking for what an earlier attempt has made")
        is_last = clock.seconds_since(since) > STALENESS_WINDOW
        pause = min(2 * pause, STALENESS_WINDOW / 2)
        yield


def _subject(intent: Intent) -> Subject:
    begun = intent.begun
    wanted: Attributes = begun.prior.attributes if begun.prior else {}
    return Subject(begun.address, begun.natural_key, wanted=wanted, operation=begun.operation)


def _verdict(intent: Intent, candidates: list[Observed]) -> Event:
    begun = intent.begun
    if len(candidates) > 1:
        ids = ", ".join(sorted(one.identity for one in candidates))
        raise StateError(
            f"an earlier run began to create it, and {len(candidates)} objects could be it: {ids}",
            fix=f"say which one with `import {begun.address} ID`, and remove the others",
            address=str(begun.address),
        )
    observed = candidates[0]
    owes = tuple(dict.fromkeys((*intent.checkpoints, *observed.owes)))
    return StepRecovered(
        begun.address,
        begun.verb,
        begun.operation,
        _as_prior(begun.address, begun.prior, observed, owes),
        how="it had been created",
    )


def _as_prior(
    address: ResourceAddress, draft: Prior | None, observed: Observed, owes: tuple[str, ...]
) -> Prior:
    draft = draft or Prior(address, "")
    return replace(
        draft,
        identity=observed.identity,
        name=observed.name or draft.name,
        outputs={key: value for key, value in observed.outputs.items() if is_plain(value)},
        freshness=observed.freshness,
        revision=draft.revision + 1,
        owes=owes,
    )


def given_up(again: Again, state: State, to_come: Set[ResourceAddress]) -> tuple[Event, ...]:
    """The end of attempts that nothing came of, and that are not among what is still to come."""
    return tuple(
        StepVoided(address, intent.begun.verb, intent.begun.operation, "nothing came of it")
        for address, intent in again.items()
        if address not in to_come and intent.begun.operation in state.intents
    )


def find_lost(handler: Handler, change: Change, begun: StepBegun, clock: Time) -> Observed | None:
    """The object of a create whose answer was lost in this run, of a kind that has to be listed.

    None: nothing came of it. Raises StateError where several could be it.
    """
    intent = Intent(begun)
    replaced = {change.prior.identity} if change.prior else set()  # a stale list may show it still
    for _ in looks([intent], clock):
        found = _candidates(handler, [intent], replaced)[begun.address]
        candidates = [one for one in found if not one.created_at or one.created_at >= begun.at]
        if len(candidates) > 1:
            ids = ", ".join(sorted(one.identity for one in candidates))
            raise StateError(
                f"the answer was lost, and {len(candidates)} objects could be the one: {ids}",
                fix=f"say which one with `import {change.address} ID`",
                address=str(change.address),
            )
        if candidates:
            return candidates[0]
    return None
