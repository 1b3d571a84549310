"""How single values look in a plan: digests short, sizes with their meaning, texts quoted, the unknown named."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.model.plan import PlannedAttribute
from reconciler.render.harmless import harmless

NOTHING = "(none)"
SENSITIVE = "(sensitive)"
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")

# What a type stands for: reference 5.1.
INSTANCE_TYPES = {
    "lite": "1/16 vCPU, 256 MiB, 2 GB",
    "basic": "1/4 vCPU, 1 GiB, 4 GB",
    "standard-1": "1/2 vCPU, 4 GiB, 8 GB",
    "standard-2": "1 vCPU, 6 GiB, 12 GB",
    "standard-3": "2 vCPU, 8 GiB, 16 GB",
    "standard-4": "4 vCPU, 12 GiB, 20 GB",
}


def shown(value: Any, path: str = "") -> str:
    """A value as a plan prints it."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return _shown_text(value, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    return harmless(_DIGEST.sub(r"\1", json.dumps(value, ensure_ascii=False, sort_keys=True)))


def _shown_text(value: str, path: str) -> str:
    text = harmless(_DIGEST.sub(r"\1", value))
    if path.split(".")[0] == "instance_type" and value in INSTANCE_TYPES:
        return f"{text} ({INSTANCE_TYPES[value]})"
    return text if text and not text.isspace() else json.dumps(text)


def before_and_after(attribute: PlannedAttribute) -> tuple[str, str]:
    """The two sides of a changed attribute; a changed secret is visible as changed, and nothing more."""
    if attribute.sensitive:
        before = SENSITIVE if attribute.before is not None else NOTHING
        return before, SENSITIVE
    after = known_after(attribute) if attribute.unknown else shown(attribute.after, attribute.path)
    return shown(attribute.before, attribute.path), after


def known_after(attribute: PlannedAttribute) -> str:
    """What is not known yet, with the step that makes it known."""
    if attribute.known_after:
        return f"(known after {attribute.known_after})"
    return f"({attribute.expression or 'known after apply'})"


def ratio(before: Any, after: Any) -> str:
    """How many times as much, where that says something."""
    numbers = isinstance(before, int | float) and isinstance(after, int | float)
    if (
        not numbers
        or isinstance(before, bool)
        or isinstance(after, bool)
        or before <= 0
        or after < 2 * before
    ):
        return ""
    times = after / before
    return f"(x{times:g})" if times == int(times) else f"(x{times:.1f})"
