"""A plan, its summary, findings and events as JSON for programs: same inputs, same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.event import Event
from reconciler.model.plan import Plan
from reconciler.model.resource import Pending, Prior
from reconciler.model.value import SENSITIVE, Secret
from reconciler.render.costs import cost_line
from reconciler.render.verdict import by_risk, headline, risks

SUMMARY_BYTES = 2000
_ROOM_FOR_MORE = 8
_NAMES: dict[type, tuple[str, ...]] = {}
_HALVES = re.compile("[\ud800-\udfff]")


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
    return _encodable(json.dumps(plain(value), indent=2, ensure_ascii=False)) + "\n"


def plan_json(plan: Plan) -> str:
    """The plan as interface 4 has it: a line for each change, so that ten thousand are quickly written and compared."""
    parts = [f'  "{field.name}": {_value(getattr(plan, field.name))}' for field in fields(Plan)]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return "[\n    " + ",\n    ".join(map(_line, value)) + "\n  ]"
    return _line(value)


def _line(value: Any) -> str:
    """Something of the plan on one line: nouns by their fields, mappings by their keys."""
    try:
        return _quickly(value)
    except (TypeError, UnicodeEncodeError):  # keys that are no texts, half characters
        return _compact(_ordered(value))


def _quickly(value: Any) -> str:
    """As `_compact`, several times as fast; but not everything that Python can hold."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=0).decode()


def _compact(value: Any) -> str:
    return _encodable(json.dumps(value, ensure_ascii=False, default=_fields))


def _ordered(value: Any) -> Any:
    """Mappings by their keys: a plan that was saved and read again says the same in the same bytes."""
    if type(value) is dict:
        return {key: _ordered(value[key]) for key in sorted(value)}
    if type(value) in (list, tuple) and any(isinstance(one, dict | list | tuple) for one in value):
        return [_ordered(one) for one in value]
    return value


def _size(value: Any) -> int:
    return len(_compact(value).encode())


def _fields(value: Any) -> dict[str, Any]:
    """What the encoder does not know: a noun of the plan, by its fields."""
    noun = type(value)
    names = _NAMES.get(noun)
    if names is None:
        names = _NAMES[noun] = tuple(field.name for field in fields(value))
    return {name: _ordered(getattr(value, name)) for name in names}


def _encodable(text: str) -> str:
    """JSON that can be written as UTF-8: half characters, which JSON can name and UTF-8 cannot, by their number."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    return text


def plan_summary(plan: Plan, limit: int = SUMMARY_BYTES) -> str:
    """The plan in a few lines for a chat or a status page: what is dangerous comes first, what has no room is counted."""
    document: dict[str, Any] = {
        "format_version": plan.format_version,
        "project": plan.project,
        "environment": plan.environment,
        "target": plan.target,
        "serial": plan.state.serial,
        "verdict": headline(plan),
        "highest_risk": next((risk.word for risk in risks(plan)), None),
        "blocked": len(plan.allow_needed),
        "drift": len(plan.drift),
        "errors": sum(one.severity == "error" for one in plan.diagnostics),
        "warnings": sum(one.severity == "warning" for one in plan.diagnostics),
        "cost": cost_line(plan) or None,
        "summary": {action: count for action, count in sorted(plan.summary.items()) if count},
        "changes": [],
        "more": 0,
    }
    acting = [change for change in by_risk(plan) if change.action != "no_op"]
    room = limit - _size(document) - _ROOM_FOR_MORE
    for change in acting:
        line = {"address": change.address, "action": change.action, "effect": change.effect}
        room -= _size(line) + 2
        if room < 0:
            break
        document["changes"].append(line)
    document["more"] = len(acting) - len(document["changes"])
    return _compact(document) + "\n"


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Findings as `validate --json` prints them."""
    return render_json({"diagnostics": list(diagnostics)})


def event_json(event: Event) -> str:
    """One event on one line, with its type; what recovery needs and nobody reads is left out."""
    shown = {"event": type(event).__name__, **plain(event)}
    prior = getattr(event, "prior", None)
    if isinstance(prior, Prior):
        shown["prior"] = {"identity": prior.identity, "name": prior.name}
    pending = getattr(event, "pending", None)
    if isinstance(pending, Pending):
        shown["pending"] = {"what": pending.what, "since": pending.since}
    return _encodable(json.dumps(shown, ensure_ascii=False))
