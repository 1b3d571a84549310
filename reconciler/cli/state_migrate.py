"""`state migrate`: moves the memory to where the manifest says that it lies, or out of `default` into an environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.outline import glance
from reconciler.cli.saying import note
from reconciler.cli.stores import Settings, store_for
from reconciler.errors import ReconcilerError
from reconciler.manifest.glance import Glance
from reconciler.manifest.state_settings import KEYS
from reconciler.storage.identity import Identity
from reconciler.storage.migration import migrate
from reconciler.storage.store import Store


@click.command("migrate")
@common_options
@click.option(
    "--from", "origin", metavar="PLACE", help="Where it lies, if the manifest says otherwise by now."
)
@click.option(
    "--to", "target", metavar="PLACE", help="Where it shall lie, if the manifest does not say so yet."
)
@click.option(
    "--to-environment", metavar="NAME", help="Move what was made without environments into this one."
)
def command(common: Common, origin: str | None, target: str | None, to_environment: str | None) -> int:
    """Move the state to another backend, or into an environment; nothing in the cloud changes.

    A PLACE is a backend with its keys as under `state:`, such as `local`, `local,path=old` or
    `s3,bucket=shop-state,prefix=team`.
    """
    if origin is None and target is None and to_environment is None:
        origin = "local"
    source, goal, environment = _both(common, origin, target, to_environment)
    state = migrate(source, goal, environment)
    note(f"moved from {source.describe()} to {goal.describe()} (state #{state.serial})")
    if target is not None:
        note("say so under `state:` in the manifest; until then commands refuse the old place")
    return 0


def _both(
    common: Common, origin: str | None, target: str | None, to_environment: str | None
) -> tuple[Store, Store, str | None]:
    path = common.manifest_path()
    before = common.environment_name()
    after = to_environment or before
    if to_environment and before:
        raise ReconcilerError("--to-environment moves what has no environment", fix="leave -e out")
    _check_environment(path, glance(common, path, after), after)
    return (
        _store(common, path, before, origin, accepts_plain=True),
        _store(common, path, after, target),
        after,
    )


def _check_environment(path: Path, outline: Glance, environment: str | None) -> None:
    known = outline.environments
    if environment is None and known:
        raise ReconcilerError(
            f"{path} has environments, and none was named", fix=f"say -e {' | '.join(known)}"
        )
    if environment is not None and environment not in known:
        there = f"there are {', '.join(known)}" if known else "the manifest has none"
        raise ReconcilerError(f'{path} has no environment "{environment}"', fix=there)


def _store(
    common: Common, path: Path, environment: str | None, place: str | None, *, accepts_plain: bool = False
) -> Store:
    """A place, with the manifest's keys; what is moved need not have been encrypted there."""
    outline = glance(common, path, environment)
    identity = Identity(outline.project, environment, "local" if common.local else "cloudflare")
    settings = outline.state if place is None else settings_of(place)
    keys = {"encryption": outline.state["encryption"]} if "encryption" in outline.state else {}
    return store_for(common, {**settings, **keys}, path, identity, accepts_plain=accepts_plain)


def settings_of(place: str) -> Settings:
    """What `s3,bucket=x` would be under `state:`. Raises ReconcilerError for a key that the backend has not."""
    backend, *rest = place.split(",")
    if backend not in KEYS:
        raise ReconcilerError(f'there is no state backend "{backend}"', fix=f"there are {', '.join(KEYS)}")
    settings: Mapping[str, str] = dict(part.partition("=")[::2] for part in rest)
    for key in settings:
        if key not in KEYS[backend]:
            raise ReconcilerError(
                f'the backend {backend} has no key "{key}"', fix=f"it has {', '.join(KEYS[backend])}"
            )
    return {"backend": backend, **settings}
