"""What an event says in a line, and how far something is: bytes of a push, instances of a rollout."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.event import (
    Event,
    StepBegun,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepRecovered,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)
from reconciler.render.amounts import size_text
from reconciler.render.harmless import harmless

_BYTES_FROM = 64 * 1024
"""No rollout has so many instances: from here on a number counts bytes."""
_ACCOUNT = re.compile(r"^(?:registry\.cloudflare\.com/)?[0-9a-f]{32}/")
_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "adopt": "taking over",
    "run": "running",
    "resume": "watching",
    "forget": "forgetting",
    "move": "moving",
}
_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "adopt": "taken over",
    "run": "started",
    "forget": "forgotten",
    "move": "moved",
    "refresh": "accepted",
}


def without_account(note: str) -> str:
    """A repository of Cloudflare's registry without the registry and the account in front of it."""
    return _ACCOUNT.sub("", note)


def doing(verb: str) -> str:
    """What is being done."""
    return _DOING.get(verb, harmless(verb))


def line_of(event: Event, began: Mapping[str, float], now: float) -> str:
    """What an event says in one line; "" for one that is not worth a line. `began`: when each operation began."""
    text = _said(event, began, now)
    return harmless(f"{event.address}: {text}") if text else ""  # type: ignore[union-attr]


def _said(event: Event, began: Mapping[str, float], now: float) -> str:
    match event:
        case StepBegun():
            return doing(event.verb)
        case StepSucceeded() if event.operation:
            return _succeeded(event, _took(event.operation, began, now))
        case StepSettled():
            well = "settled" if event.notes else "settled: it is as it was meant"
            gone = "gone" if event.prior is None else well
            return f"{gone}{_took(event.operation, began, now)}"
        case StepFailed():
            fix = f"; {event.fix}" if event.fix else ""
            return f"FAILED to {event.verb}{_took(event.operation, began, now)}: {event.message}{fix}"
        case StepSkipped():
            return f"skipped, because of {event.because}" if event.because else f"skipped, {event.reason}"
        case StepLeftUnsettled():
            return f"{event.pending.what} still under way ({event.reason})"
        case StepRecovered():
            return f"recovered from an earlier run: {event.how}"
        case StepVoided():
            return f"{event.verb} {event.why}"
        case StepProgressed():
            return " ".join(
                part for part in (without_account(event.note), measured(event.done, event.of)) if part
            )
        case _:
            return ""


def _succeeded(event: StepSucceeded, took: str) -> str:
    if event.narrowed:
        return "nothing had to be sent"
    waits = event.prior.pending[0].what if event.prior and event.prior.pending else ""
    made = without_account(event.prior.identity or "") if event.prior and event.verb == "create" else ""
    identity = f" ({made})" if made else ""
    done = f"{_DONE.get(event.verb, event.verb)}{identity}"
    return f"{done}, waiting for its {waits}" if waits else f"{done}{took}"


def _took(operation: str, began: Mapping[str, float], now: float) -> str:
    seconds = now - began[operation] if operation in began else 0.0
    return f" after {clock(seconds)}" if seconds >= 0.1 else ""


def measured(done: float, of: float) -> str:
    """How far something is: `41.2 of 120.0 MiB (34 %)`, `14 %`; "" where it cannot be told."""
    if of <= 1:
        return ""
    percent = f"{100 * min(done, of) / of:.0f} %"
    if of >= _BYTES_FROM:
        return f"{size_text(done)} of {size_text(of)} ({percent})"
    return percent


def clock(seconds: float) -> str:
    """A span of time that goes on: `0.4 s`, `42 s`, `2:07`, `1:02:07`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
