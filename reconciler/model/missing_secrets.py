"""Which secrets a change would have to send that are not known any more: no state holds a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.change import Change
from reconciler.model.resource import Desired
from reconciler.model.value import Path, Secret, Template, Value, at_path


def missing_secrets(change: Change) -> Iterable[Path]:
    """Their places: all of what is made counts, of what changes only what differs."""
    if change.action.keeps_identity:
        sent = [(one.path, one.after) for one in change.attributes if not one.state_only]
    else:
        sent = [((key,), value) for key, value in change.wanted.items()]
    return (
        path
        for path, secret in _secrets(sent)
        if not secret.at_hand or _is_composed_otherwise(secret, path, change.desired)
    )


def _is_composed_otherwise(secret: Secret, path: Path, desired: Desired | None) -> bool:
    """Whether a text with a secret inside, which no state holds and the manifest does, has become another since."""
    if desired is None or desired.then is None or not isinstance(at_path(desired.attributes, path), Template):
        return False
    return bool(at_path(desired.then.attributes, (*path, "$secret")) != secret.fingerprint)


def _secrets(values: Iterable[tuple[Path, Value]]) -> Iterable[tuple[Path, Secret]]:
    for path, value in values:
        if isinstance(value, Mapping):
            yield from _secrets(((*path, key), inner) for key, inner in value.items())
        elif isinstance(value, Secret):
            yield path, value
