"""An application as an earlier state remembers it, on its way to being wanted again."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.application.rollout_options import DEFAULTS
from reconciler.model.handler import Prepared
from reconciler.model.kind import Lend
from reconciler.model.resource import Desired
from reconciler.model.value import Foretold, Ref


def recalled(wish: Desired) -> Prepared:
    """How it rolls out is what the manifest says today; its number is lent to its owner as it is in a manifest."""
    return Prepared(settings={**DEFAULTS, **wish.settings}, lends=_number(wish))


def _number(wish: Desired) -> tuple[Lend, ...]:
    variable, owner = wish.attributes.get("generation_variable"), wish.attributes.get("namespace")
    if not isinstance(variable, Mapping) or not variable.get("vars") or not isinstance(owner, Ref):
        return ()
    counted = Foretold(wish.address, ("generation",), f"${{applications.{wish.address.key}.generation}}")
    return (Lend(owner.address, "foretold_vars", counted, str(variable["name"])),)
