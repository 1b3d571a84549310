"""A look at a manifest that need not be valid: for commands that operate from state and cloud alone (interface 3)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.manifest.binder import bind_environment
from reconciler.manifest.check import Checker
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import read_leniently
from reconciler.manifest.schema import PROJECT
from reconciler.manifest.tree import child
from reconciler.model.manifest import Inputs
from reconciler.model.value import Value, unknowns


@frozen
class Glance:
    """What a manifest says at a glance; empty where it does not say, or cannot be read that far."""

    path: str
    project: str = ""
    environments: tuple[str, ...] = ()
    state: Mapping[str, Value] = field(default_factory=dict)
    account_id: str = ""  # where it can be told from the inputs


def peek(
    path: str | os.PathLike[str], environment: str | None = None, inputs: Inputs | None = None
) -> Glance:
    """What a manifest says as far as it can be read; raises ManifestError only if there is no text to read."""
    document = read_leniently(path, Findings())
    manifest = bind_environment(document, {}, Checker({}), environment, inputs or Inputs(), Findings())
    state = {key: value for key, value in manifest.state.items() if _is_kept(key, value)}
    account = manifest.account_id
    return Glance(
        document.file,
        manifest.project if re.fullmatch(PROJECT, manifest.project) else "",
        tuple(child(document.root, "environments")),
        state,
        account if isinstance(account, str) else "",
    )


def _is_kept(key: str, value: Value) -> bool:
    """What cannot be told is as if it were not said; but a state that shall be encrypted is never taken for one that need not."""
    return key == "encryption" or next(unknowns(value), None) is None
