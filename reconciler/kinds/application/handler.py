"""The verbs of the kind `application`: look, create, change and roll out, delete, and wait for what the service does meanwhile.

A change of the configuration is two requests: PATCH, then a rollout to it. Between them stands a checkpoint, since a
configuration that equals the wish says nothing about what the instances run (hard-flows A4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConflictError, NotFoundError
from reconciler.kinds.application import forms, judging
from reconciler.kinds.application.bind import read_application
from reconciler.kinds.application.describing import described
from reconciler.kinds.application.echo import stored_otherwise
from reconciler.kinds.application.limits import images_too_large
from reconciler.kinds.application.looking import (
    Application,
    ApplicationList,
    ApplicationSearch,
    observed,
)
from reconciler.kinds.application.pending import (
    DELETION,
    iso,
    pending_deletion,
    pending_rollout,
    previous_of,
    rollout_in_flight,
    seconds_between,
)
from reconciler.kinds.application.recalling import recalled
from reconciler.kinds.application.reverting import UNDER_WAY, Reverting
from reconciler.kinds.application.rollout import RolloutWatch
from reconciler.kinds.application.table import KIND
from reconciler.kinds.shared.image_resolving import ImageResolving, ResolveImage
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect
from reconciler.model.describing import Described, Known
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Look,
    Moving,
    PrepareContext,
    Prepared,
    Result,
    Settled,
    Sighting,
    Standing,
    Stuck,
    Work,
)
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Path, Value, at_path

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

TAKEN = "DURABLE_OBJECT_ALREADY_HAS_APPLICATION"
PATCHED = "patched"
_ABSENT: Value = object()
_LONGEST_DELETION = 900.0
_SAME_TIME = 5.0


class ApplicationHandler(Handler):
    """Knows applications. `resolve_image` says what an image comes to that one names by itself; `clock` counts seconds.

    Without a client it can bind, and nothing more. `listing` is the account's list of applications, for all who need it
    in one look.
    """

    kind = KIND

    def __init__(
        self,
        client: Cloudflare,
        *,
        resolve_image: ResolveImage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._resolve_image = resolve_image
        self._clock = clock
        self._watch = RolloutWatch(client, clock)
        self._leaving: dict[str, float] = {}
        self.listing = ApplicationList(client)

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Reads the block by the rules of interface 1.4."""
        return read_application(block, context)

    def judge(self, change: Change) -> Judgement:
        """Effect and hazards; details are the steps of a rollout."""
        return judging.judge(change)

    def predict(self, change: Change) -> Mapping[str, Value]:
        """The outputs afterwards; image and namespace are known before."""
        return judging.outputs_after(change)

    def ride_along(self, change: Change) -> Mapping[str, Value]:
        """The generation."""
        return judging.riding(change)

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Pins images that are named by their tag."""
        if self._resolve_image is None:
            return {}
        return ImageResolving(self._resolve_image, context).prepared(wishes)

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Images are pinned already; a generation goes on counting, in the owner's `vars` too."""
        del context
        return {wish.address: recalled(wish) for wish in wishes}

    def observe(self, look: Look) -> Sighting:
        """All applications in one list; one GET where an entry is not the remembered one."""
        return ApplicationSearch(self._client, self.listing(look.number), look).sighting()

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """Everything that the service shows of it."""
        return described(observed.attributes, known)

    def preflight(self, changes: Sequence[Change]) -> Iterable[Diagnostic]:
        """Holds images against the disk of their instances."""
        return images_too_large(changes)

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Creates it; on a second try a refusal that names it is the answer that was lost."""
        wanted = change.wanted
        try:
            application: Application = self._client.create_application(forms.create_body(wanted))
        except ConflictError as error:
            application = self._taken_over(change, work, error)
        return self._result(change, application)

    def _taken_over(self, change: Change, work: Work, error: ConflictError) -> Application:
        owner, identity = error.details.get("name"), str(error.details.get("id", ""))
        if error.code != TAKEN:
            raise error
        if work.again and owner == change.wanted.get("name") and identity:
            return self._client.get_application(identity)
        raise ConflictError(
            f"the namespace already has the application {owner} ({identity})",
            status=error.status,
            code=error.code,
            details=error.details,
            fix=f"take it over with `name: {owner}` and `adopt: true`, or with `import {change.address} {identity}`;"
            " if it was deleted just now, run again in a while",
            address=str(change.address),
        ) from error

    def update(self, change: Change, work: Work) -> Result:
        """PATCH what differs, then roll it out where instances would not take it up by themselves."""
        application = self._at_hand(change, work)
        effect = judging.effect_of(change)
        previous = work.before.get(_reached(change), {}).get("previous")
        if previous is None:
            previous = previous_of(application, _configured(change))
            if judging.differs(change) and not (work.again and self._is_patched(change, application)):
                merged = self._merged(change, application, effect)
                with_configuration = any(forms.lives_in_configuration(path) for path in change.paths)
                body = forms.modify_body(merged, application, with_configuration=with_configuration)
                application = self._client.update_application(application["id"], body)
            if effect is Effect.ROLLOUT:
                work.checkpoint(_reached(change), {"previous": previous, **self._timed(change)})
        pending = (
            self._rolled_out(change, application, list(previous), work)
            if effect is Effect.ROLLOUT
            else _under_way(change, application)
        )
        return self._result(change, application, pending)

    def _timed(self, change: Change) -> dict[str, Value]:
        """When a restart was begun: nothing else tells the rollout that it starts from the one before."""
        return {"at": iso(self._client.transport.server_time())} if judging.is_restart(change) else {}

    def _at_hand(self, change: Change, work: Work) -> Application:
        """The application as it was seen; read again where something may have been sent since."""
        assert change.observed is not None
        if work.again or work.before or not change.observed.raw:
            return self._client.get_application(change.observed.identity)
        return change.observed.raw

    def _is_patched(self, change: Change, application: Application) -> bool:
        """Whether a PATCH whose answer was lost has done its work: another one would look like a later change."""
        seen = observed(application, (change.wanted.get("generation_variable") or {}).get("name"))
        dropped = [one for one in change.attributes if at_path(change.wanted, one.path, _ABSENT) is _ABSENT]
        counted = change.wanted.get("generation")
        return (
            not any(stored_otherwise(change, seen))
            and all(at_path(seen.attributes, one.path) in (None, one.after) for one in dropped)
            and (counted is None or seen.attributes.get("generation") == counted)
        )

    def _merged(self, change: Change, application: Application, effect: Effect) -> dict[str, Value]:
        wanted = dict(change.wanted)
        if effect is not Effect.ROLLOUT:
            # The number is only ever raised by a restart; until then the live variable stays.
            wanted.pop("generation", None)
        merged = forms.overlaid(forms.application_attributes(application), wanted)
        for one in change.attributes:
            if at_path(wanted, one.path, _ABSENT) is _ABSENT:
                merged = forms.put_back(merged, one.path, one.after)
        return merged

    def _rolled_out(
        self, change: Change, application: Application, previous: list[list[Value]], work: Work
    ) -> Pending:
        """The rollout to the configuration just sent; one that was started already is not started again."""
        settings = judging.settings_of(change)
        is_second = work.again or work.before or (change.prior is not None and change.prior.owes)
        rollout = self._started(application, _since(change, application, work)) if is_second else None
        if rollout is None:
            merged = self._merged(change, application, Effect.ROLLOUT)
            body = {
                "description": "Progressive update",
                "strategy": "rolling",
                "target_configuration": forms.target_configuration(merged, application),
                **judging.rollout_steps(change).fields(),
                "kind": judging.rollout_kind(change),
            }
            rollout = self._client.create_rollout(application["id"], body)
        since = iso(self._client.transport.server_time())
        forgets = not settings.get(judging.AT_ONCE)
        return pending_rollout(
            change.address, application, rollout, settings.get("rollout"), previous, since, forgets=forgets
        )

    def _started(self, application: Application, since: Value) -> Mapping[str, Any] | None:
        """A rollout to the present version that an earlier attempt started: under way, or ended since it began."""
        for rollout in self._client.list_rollouts(application["id"]):
            if rollout.get("target_version") != application.get("version"):
                continue
            is_late = since is not None and seconds_between(since, rollout.get("created_at")) >= -_SAME_TIME
            if rollout.get("status") in UNDER_WAY or (rollout.get("status") == "completed" and is_late):
                return rollout
        return None

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Asks for its end; the object is there until the service has stopped its instances."""
        identity = (
            change.observed.identity if change.observed else change.prior.identity if change.prior else ""
        )
        try:
            self._client.delete_application(identity)
        except NotFoundError:
            return None
        return pending_deletion(change.address, identity, iso(self._client.transport.server_time()))

    def _result(self, change: Change, application: Application, pending: Pending | None = None) -> Result:
        variable = change.wanted.get("generation_variable")
        seen = observed(application, (variable or {}).get("name"))
        facts = judging.remembered_after(change)
        return Result(seen, pending, facts, tuple(stored_otherwise(change, seen)))

    # waiting

    def settle(self, waiting: Sequence[Pending]) -> Mapping[ResourceAddress, Standing]:
        """One list for all; a GET only for rollouts that ended, have a gate to pass, or look unwell."""
        listed = {application["id"]: application for application in self._client.list_applications()}
        return {
            pending.address: self._departure(pending, listed)
            if pending.what == DELETION
            else self._watch.standing(pending, self._found(pending, listed))
            for pending in waiting
        }

    def _found(self, pending: Pending, listed: Mapping[str, Application]) -> Application | None:
        identity = pending.token["application"]
        return listed.get(identity)

    def _departure(self, pending: Pending, listed: Mapping[str, Application]) -> Standing:
        identity = pending.token["application"]
        if identity not in listed and self._is_gone(identity):
            self._leaving.pop(identity, None)
            return Settled(None)
        waited = self._clock() - self._leaving.setdefault(identity, self._clock())
        if waited > _LONGEST_DELETION:
            return Stuck(
                f"it is still there {_LONGEST_DELETION / 60:g} minutes after its deletion began", "timeout"
            )
        return Moving(0, 1, "is being deleted", 0.5 if waited < 5 else 2.0)

    def _is_gone(self, identity: str) -> bool:
        """One that its Durable Object manages need not be in the list while it is there."""
        if "-" in identity:
            return True
        try:
            self._client.get_application(identity)
        except NotFoundError:
            return True
        return False

    def answer(self, pending: Pending, choice: str, work: Work) -> Result | None:
        """Takes a step of a manual rollout, or undoes one with the configuration that it brought."""
        return Reverting(self._client, pending, work).answer(choice)


def _reached(change: Change) -> str:
    """The checkpoint before the rollout: it is also what is owed if nothing comes after it."""
    return judging.RESTART if judging.is_restart(change) else PATCHED


def _since(change: Change, application: Application, work: Work) -> Value:
    """From when on a rollout that has ended is this change's."""
    if judging.is_restart(change):
        return work.before.get(judging.RESTART, {}).get("at") if work.again else None
    return application.get("updated_at", "")


def _under_way(change: Change, application: Application) -> Pending | None:
    """A rollout that goes on beside a change that starts none: as it is remembered, else as it is seen."""
    active = application.get("active_rollout_id")
    known = change.prior.pending if change.prior else ()
    remembered = next((one for one in known if active and one.token.get("rollout") == active), None)
    return remembered or rollout_in_flight(change.address, application)


def _configured(change: Change) -> Iterable[Path]:
    """The paths of the configuration that a change alters, as they are found in an application; () for all that `unsafe` may."""
    if change.touches("unsafe"):
        return
    variable = change.wanted.get("generation_variable")
    for path in sorted(change.paths):
        if path == ("generation",) and variable:
            yield "environment_variables", variable["name"]
        elif forms.lives_in_configuration(path):
            yield path
