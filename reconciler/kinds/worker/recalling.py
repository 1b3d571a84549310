"""A worker as an earlier state remembers it, on its way to being wanted again.

Its modules have to be on this machine: the state holds their hashes, and the service deploys an earlier version only of scripts
without containers (reference 3.5), with the secrets of then.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.kinds.worker.judging import uploads
from reconciler.kinds.worker.preparing import modules_of
from reconciler.model.change import Change
from reconciler.model.handler import Lack, Prepared
from reconciler.model.resource import Desired, Prior
from reconciler.model.value import Value

_ABSENT = "modules_absent"


def recalled(wish: Desired, now: Prior | None, base_dir: Path) -> Prepared:
    """Where its modules are is what the manifest says today; whether they are those of then is noted."""
    then = wish.then
    assert then is not None
    settings: dict[str, Value] = {
        "main": then.attributes.get("main"),
        **wish.settings,
        "renamed": _renamed(then, now),
        "workers_dev": then.attributes.get("workers_dev"),
    }
    settings[_ABSENT] = not _are_here(then, settings, base_dir)
    return Prepared(settings=settings)


def _are_here(then: Prior, settings: Mapping[str, Value], base_dir: Path) -> bool:
    modules = modules_of(settings, base_dir)
    if modules is None or modules.problems or modules.main != then.attributes.get("main"):
        return False
    return {module.name: module.sha256 for module in modules.modules} == then.attributes.get("modules")


def _renamed(then: Prior, now: Prior | None) -> dict[str, str]:
    """The names of then with those that the same namespaces have now."""
    before = then.outputs.get("namespaces") or {}
    since = {
        identity: name for name, identity in ((now.outputs.get("namespaces") or {}) if now else {}).items()
    }
    return {name: since[identity] for name, identity in before.items() if since.get(identity, name) != name}


def lacking_modules(change: Change) -> Lack | None:
    """What to do where an upload needs modules that are not here."""
    desired = change.desired
    if desired is None or desired.then is None or not desired.settings.get(_ABSENT) or not uploads(change):
        return None
    when = desired.then.applied_at
    return Lack(
        "it would have to be uploaded, and its modules of then are not here",
        f"check out the commit that was applied at {when} (`git log -1 --before={when}`), build it, and run this again",
    )
