"""What the account has no room for, said before anything is touched: too large, misplaced, or too many (reference 2.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.kinds.shared.sizes import KEYS
from reconciler.kinds.shared.using import MANNERS, SIZE, Use, use_of
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Diagnostic, Severity, Source

TOO_LARGE = "Q110"
NO_LOCATION = "Q111"
TOO_LARGE_THERE = "Q112"
TOO_MUCH = "Q113"

Document = Mapping[str, Any]
_SENDING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT, Action.RUN)
_EACH = ("vcpu_per_deployment", "memory_mib_per_deployment", "disk_mb_per_deployment")
_TOTALS = ("total_vcpu", "total_memory_mib", "total_disk_mb")
_LESS = "lower `max_instances`, choose smaller types, or ask Cloudflare for more; `reconciler account` shows who uses what"
_UNITS = ("vCPU", "MiB of memory", "MB of disk")


@frozen
class _Planned:
    change: Change
    use: Use

    @property
    def is_news(self) -> bool:
        """Whether more may be asked for than before, or the same elsewhere."""
        change = self.change
        if change.action is not Action.UPDATE:
            return change.action in _SENDING
        return change.touches("location") or (change.touches(*MANNERS) and self._grows())

    def _grows(self) -> bool:
        """What becomes less is never too much, though it be more than there is."""
        seen = self.change.observed
        before = use_of(seen.attributes, {}) if seen else None
        if before is None or before.total is None or self.use.total is None:
            return True
        return any(now > was for now, was in zip(self.use.total, before.total, strict=True))


def without_room(ask: Callable[[], Document], changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """What the account would refuse of all changes together; `ask` gives the account, if anything new is asked of it."""
    planned = list(_using(changes))
    news = [one for one in planned if one.is_news]
    account = _account(ask) if news else {}
    limits, locations = _map(account.get("limits")), account.get("locations")
    for one in news:
        yield from _too_large(one, limits)
        yield from _misplaced(one, locations if isinstance(locations, list) else [])
    yield from _too_much(planned, news, limits)


def _using(changes: Iterable[Change]) -> Iterator[_Planned]:
    """Everything of the manifest that runs containers, changed or not; what is somebody else's is not ours to count."""
    for change in changes:
        if change.desired is None or change.desired.external:
            continue
        if use := use_of(change.wanted, change.desired.settings):
            yield _Planned(change, use)


def _account(ask: Callable[[], Document]) -> Document:
    """An account that may not be asked has its say when the change is sent."""
    try:
        return ask()
    except ReconcilerError:
        return {}


def _map(value: object) -> Document:
    return value if isinstance(value, Mapping) else {}


def _too_large(one: _Planned, limits: Document) -> Iterator[Diagnostic]:
    for at, most, told in _beyond(one.use.size, limits, _EACH):
        summary = f"{told} is more than the {most:g} that the account allows an instance"
        fix = f"choose a type with less {KEYS[at]}, or ask Cloudflare for more"
        yield _problem(one, TOO_LARGE, summary, fix)


def _misplaced(one: _Planned, locations: Sequence[Document]) -> Iterator[Diagnostic]:
    """Where a container names its location: it is one of the account's, and has room for one of its size."""
    location = one.change.wanted.get("location")
    if not locations or not isinstance(location, str):
        return
    known = {str(place.get("location")): _map(place.get("limits")) for place in locations}
    if location not in known:
        fix = f"there are {', '.join(sorted(known))}"
        yield _problem(one, NO_LOCATION, f'the account has no location "{location}"', fix, "location")
        return
    for at, most, told in _beyond(one.use.size, known[location], _EACH):
        summary = f"{told} is more than the {most:g} that {location} allows a container"
        fix = f"choose a type with less {KEYS[at]}, or another `location`"
        yield _problem(one, TOO_LARGE_THERE, summary, fix)


def _too_much(
    planned: Sequence[_Planned], news: Sequence[_Planned], limits: Document
) -> Iterator[Diagnostic]:
    """All containers of the manifest together; said of the largest that asks for more."""
    totals = [one.use.total for one in planned if one.use.total]
    asking = [one for one in news if one.use.total]
    sums = tuple(round(sum(total[at] for total in totals), 4) for at in range(len(KEYS)))
    for at, most, told in _beyond(sums if asking else None, limits, _TOTALS):
        largest = max(asking, key=partial(_share, at=at))
        summary = (
            f"with it the manifest may use {told} at once, more than the {most:.10g} that the account has"
        )
        yield _problem(largest, TOO_MUCH, summary, _LESS)


def _share(one: _Planned, at: int) -> float:
    return one.use.total[at] if one.use.total else 0


def _beyond(
    numbers: Sequence[float] | None, limits: Document, names: Sequence[str]
) -> Iterator[tuple[int, float, str]]:
    """Every number above its limit: which it is, the limit, and the number with its unit."""
    for at, number in enumerate(numbers or ()):
        most = limits.get(names[at])
        if isinstance(most, int | float) and number > most:
            yield at, most, f"{number:.10g} {_UNITS[at]}"


def _problem(one: _Planned, code: str, summary: str, fix: str, key: str = SIZE) -> Diagnostic:
    desired = one.change.desired
    place = desired.source_of((key,)) if desired else None
    return Diagnostic(Severity.ERROR, code, summary, fix, str(one.change.address), place or Source())
