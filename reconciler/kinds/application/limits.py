"""What the account or the image would refuse anyway, said before anything is touched (reference 2.11, 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError
from reconciler.kinds.shared.sizes import KEYS, numbers_of
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

TOO_LARGE = "A140"
IMAGE_TOO_LARGE = "A141"

_SENDING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT)
_LIMITS = ("vcpu_per_deployment", "memory_mib_per_deployment", "disk_mb_per_deployment")
_UNITS = ("vCPU", "MiB of memory", "MB of disk")


def over_limits(client: Cloudflare, changes: Sequence[Change]) -> Iterable[Diagnostic]:
    """Sizes beyond the account's limits, and images beyond the disk of their instances."""
    sized = [change for change in changes if change.action in _SENDING and _is_sized(change)]
    problems = [problem for change in sized for problem in _image_problems(change)]
    asked = [change for change in sized if change.touches("instance_type")]
    if asked and (limits := _limits(client)):
        problems += [problem for change in asked for problem in _size_problems(change, limits)]
    return problems


def _is_sized(change: Change) -> bool:
    return numbers_of(change.wanted.get("instance_type")) is not None


def _limits(client: Cloudflare) -> Mapping[str, Any]:
    """The account's limits; an account that may not be asked has its say when the change is sent."""
    try:
        limits = client.get_account().get("limits")
    except ReconcilerError:
        return {}
    return limits if isinstance(limits, Mapping) else {}


def _size_problems(change: Change, limits: Mapping[str, Any]) -> Iterator[Diagnostic]:
    numbers = numbers_of(change.wanted.get("instance_type")) or (0, 0, 0)
    for key, name, unit, number in zip(KEYS, _LIMITS, _UNITS, numbers, strict=True):
        most = limits.get(name)
        if isinstance(most, int | float) and number > most:
            summary = f"{number:g} {unit} is more than the {most:g} that the account allows an instance"
            yield _problem(
                change, TOO_LARGE, summary, f"choose a type with less {key}, or ask Cloudflare for more"
            )


def _image_problems(change: Change) -> Iterator[Diagnostic]:
    needed = change.wanted.get("image_disk_mb")
    numbers = numbers_of(change.wanted.get("instance_type"))
    if not isinstance(needed, int | float) or numbers is None or needed <= numbers[2]:
        return
    summary = f"the image is too large: it needs {needed:g} MB of disk, and an instance has {numbers[2]:g} MB"
    yield _problem(change, IMAGE_TOO_LARGE, summary, "choose an `instance_type` with more disk")


def _problem(change: Change, code: str, summary: str, fix: str) -> Diagnostic:
    source = change.desired.source_of(("instance_type",)) if change.desired else None
    address = str(change.address)
    if source is None:
        return Diagnostic(Severity.ERROR, code, summary, fix, address)
    return Diagnostic(Severity.ERROR, code, summary, fix, address, source)
