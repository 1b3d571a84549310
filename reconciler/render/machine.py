"""A plan, findings and events as JSON for programs: same inputs, same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.event import Event, StepBegun
from reconciler.model.plan import Plan
from reconciler.model.resource import Pending, Prior
from reconciler.model.value import SENSITIVE, Secret


def plain(value: Any) -> Any:
    """Dataclasses, addresses and tuples as what JSON knows; a secret as a word."""
    if isinstance(value, ResourceAddress):
        return str(value)
    if isinstance(value, Secret):
        return SENSITIVE
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [plain(inner) for inner in value]
    return value


def render_json(value: Any) -> str:
    """One JSON document, indented, with a line end."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"


def plan_json(plan: Plan) -> str:
    """The plan as interface 4 has it."""
    return render_json(plan)


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Findings as `validate --json` prints them."""
    return render_json({"diagnostics": list(diagnostics)})


def event_json(event: Event) -> str:
    """One event on one line, with its type; what recovery needs and nobody reads is left out."""
    shown = {"event": type(event).__name__, **plain(event)}
    if isinstance(event, StepBegun):
        shown.pop("prior", None)
    prior = getattr(event, "prior", None)
    if isinstance(prior, Prior):
        shown["prior"] = {"identity": prior.identity, "name": prior.name}
    pending = getattr(event, "pending", None)
    if isinstance(pending, Pending):
        shown["pending"] = {"what": pending.what, "since": pending.since}
    return json.dumps(shown, ensure_ascii=False)
