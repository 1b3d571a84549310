"""`instances APP`: what runs, by state, with the version of each, held against the version that is intended."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.operating import open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import note, width
from reconciler.cli.watching import show, watch_option
from reconciler.errors import AuthenticationError, NotFoundError, ReconcilerError
from reconciler.model.resource import Prior
from reconciler.render.amounts import age_text
from reconciler.render.happenings import happenings_in
from reconciler.render.instances import CloseUp, Fleet, Instance, close_up_text, fleet_of, fleet_text

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

Document = Mapping[str, Any]
_RESTING = ("stopped", "inactive")


@click.command("instances")
@common_options
@click.argument("app")
@click.argument("instance", required=False)
@watch_option
def command(common: Common, app: str, instance: str | None, watch: bool) -> int:
    """Show the instances of APP by state, with the version each runs and the one it should; with INSTANCE, one closely."""
    with open_operations(common) as operations:
        prior = operations.application(app)

        def look() -> Fleet | CloseUp:
            found = fleet(operations.api, prior)
            return close_up(operations.api, found, instance) if instance else found

        def text(found: Fleet | CloseUp) -> str:
            age = partial(age_text, now=operations.transport.server_time())
            if isinstance(found, CloseUp):
                return close_up_text(found, age, width())
            return fleet_text(found, age, width())

        show(common, look, text, watch=watch)
    return 0


def close_up(api: Cloudflare, found: Fleet, text: str) -> CloseUp:
    """One instance, by its name or one of its ids. Raises ReconcilerError where there is no such one."""
    known = (one for one in found.instances if text in (one.id, one.name, one.durable_object))
    one = next(known, None)
    if one is None:
        raise ReconcilerError(
            f"{found.address} has no instance {text!r}",
            fix=f"`instances {found.address.partition('.')[2]}` lists them",
        )
    public, placements = _public_view(api, found.id, one), _placements(api, one)
    size = public.get("configuration") or {}
    return CloseUp(
        found.address,
        one,
        vcpu=size.get("vcpu"),
        memory_mib=size.get("memory"),
        disk_mb=size.get("disk"),
        exit_code=(public.get("status") or {}).get("exit_code"),
        events=happenings_in(placements[-1]) if placements else (),
    )


def _public_view(api: Cloudflare, application: str, one: Instance) -> Document:
    """What only the public view knows: it has instances under the ids of their objects (reference 2.9)."""
    try:
        return api.get_instance(application, one.durable_object or one.id)
    except NotFoundError:
        return {}


def _placements(api: Cloudflare, one: Instance) -> list[dict[str, Any]]:
    try:
        return api.list_placements(one.id)
    except (AuthenticationError, NotFoundError):
        return []


def fleet(api: Cloudflare, prior: Prior) -> Fleet:
    """What an application of the state runs at this moment."""
    application = _application(api, prior)
    hint = application.get("scheduling_hint") or {}
    target = hint.get("target") or application
    intended = target.get("version")
    image = str((target.get("configuration") or {}).get("image", ""))
    return fleet_of(
        str(prior.address),
        str(application.get("name", prior.name)),
        prior.identity,
        intended=intended,
        applied=prior.outputs.get("version"),
        under_way=bool(application.get("active_rollout_id")),
        instances=_instances(api, prior.identity, intended, image),
    )


def _application(api: Cloudflare, prior: Prior) -> Document:
    try:
        return api.get_application(prior.identity)
    except NotFoundError as error:
        fix = "somebody has deleted it; `plan` shows what apply would do"
        raise NotFoundError(
            f"the account has no application {prior.identity} any more",
            status=error.status,
            code=error.code,
            fix=fix,
            address=str(prior.address),
        ) from error


def _instances(api: Cloudflare, identity: str, intended: int | None, image: str) -> list[Instance]:
    """The dashboard's view knows versions; where an account may not see it, images tell them apart (reference 2.9)."""
    try:
        found = api.list_dash_instances(identity)
    except (AuthenticationError, NotFoundError):
        public = api.list_instances(identity)
        note("this account is not shown versions of instances: their images are compared instead")
        return [_public_instance(one, image) for one in public]
    actors = {str(one.get("deployment_id")): one for one in found["durable_objects"]}
    running = {str(one["id"]) for one in found["instances"]}
    resting = [one for one in found["durable_objects"] if str(one.get("deployment_id")) not in running]
    return [
        *(_dash_instance(one, actors.get(str(one["id"]), {}), intended) for one in found["instances"]),
        *map(_without_instance, resting),
    ]


def _dash_instance(one: Document, actor: Document, intended: int | None) -> Instance:
    state = state_of(one.get("current_placement") or {})
    version = one.get("app_version")
    return Instance(
        id=str(one["id"]),
        name=str(one.get("name") or actor.get("name") or ""),
        state=state,
        version=version,
        as_intended=version == intended or intended is None or state in _RESTING,
        image=str(one.get("image", "")),
        location=str(one.get("location", "")),
        since=str((one.get("current_placement") or {}).get("created_at") or one.get("created_at", "")),
        durable_object=str(actor.get("id", "")),
    )


def state_of(placement: Document) -> str:
    """How a container does where it is placed, in the words of the public view (reference 2.9)."""
    status = placement.get("status") or {}
    state = str(status.get("container_status") or status.get("health") or "unknown")
    return "provisioning" if state == "placed" or not placement else state


def _without_instance(actor: Document) -> Instance:
    """A Durable Object whose container does not run."""
    identity, name = str(actor["id"]), str(actor.get("name") or "")
    since = str(actor.get("assigned_at", ""))
    return Instance(identity, name, "inactive", None, True, "", "", since, identity)


def _public_instance(one: Document, image: str) -> Instance:
    status = one.get("status") or {}
    state = str(status.get("state", "unknown"))
    runs = str(one.get("image", ""))
    return Instance(
        id=str(one["id"]),
        name=str(one.get("name") or ""),
        state=state,
        version=None,
        as_intended=runs == image or not image or state in _RESTING,
        image=runs,
        location=str((one.get("location") or {}).get("name", "")),
        since=str(one.get("started_at") or status.get("updated_at", "")),
        durable_object=str(one["id"]),
    )
