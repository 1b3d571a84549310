"""The account for people: what it may have, where, and what a manifest would use of it (reference 2.11)."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.frozen import frozen
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, table

Amount = float | int | None


@frozen
class Limit:
    """One thing that containers need. None where it is not known, or not limited."""

    what: str
    unit: str
    default: Amount
    per_instance: Amount
    total: Amount
    manifest: Amount = None

    @property
    def is_surpassed(self) -> bool:
        """Whether the manifest would use more than there may be."""
        return self.manifest is not None and self.total is not None and self.manifest > self.total


@frozen
class Location:
    """Where containers may run."""

    location: str
    name: str
    region: str
    vcpu_per_instance: Amount
    total_vcpu: Amount
    total_memory_mib: Amount


@frozen
class Consumer:
    """A resource of the manifest, and what it may use at most: `instances` times its size, None while that is unknown."""

    address: str
    instances: int | None
    vcpu: Amount
    memory_mib: Amount
    disk_mb: Amount

    @property
    def total(self) -> tuple[float, float, float] | None:
        """vCPU, memory and disk of all its instances."""
        if None in (self.instances, self.vcpu, self.memory_mib, self.disk_mb):
            return None
        number = self.instances or 0
        return number * (self.vcpu or 0), number * (self.memory_mib or 0), number * (self.disk_mb or 0)


@frozen
class AccountReport:
    """An account; `manifest_problem` says why its use by the manifest is not known, "" where it is."""

    account_id: str
    limits: tuple[Limit, ...]
    ipv4s: Amount
    locations: tuple[Location, ...]
    consumers: tuple[Consumer, ...]
    manifest_problem: str


def account_text(report: AccountReport, width: int = WIDTH) -> str:
    """Limits against what the manifest may use, what uses it, and the locations."""
    parts = [f"account {harmless(report.account_id)}\n", _limits(report, width)]
    if report.ipv4s is not None:
        parts.append(f"IPv4 addresses: at most {report.ipv4s:g}\n")
    if report.consumers:
        parts += ["\nWhat the manifest may use at most:\n", _consumers(report.consumers, width)]
        if not all(one.total for one in report.consumers):
            parts.append("What is not known is not in the totals.\n")
    if report.locations:
        parts += ["\n", _locations(report.locations, width)]
    return "".join(parts)


def _limits(report: AccountReport, width: int) -> str:
    heads = ("", "DEFAULT", "PER INSTANCE", "IN ALL", "THIS MANIFEST")
    rows = [
        (
            f"{one.what} ({one.unit})" if one.unit else one.what,
            _amount(one.default),
            _amount(one.per_instance),
            _amount(one.total),
            _use(one),
        )
        for one in report.limits
    ]
    return table(heads, rows, width)


def _use(one: Limit) -> str:
    if one.manifest is None:
        return "not known"
    if not one.total:
        return _amount(one.manifest)
    share = 100 * one.manifest / one.total
    told = f"{_amount(one.manifest)} ({share:.3g} %)"
    return f"{told} TOO MUCH" if one.is_surpassed else told


def _consumers(consumers: Sequence[Consumer], width: int) -> str:
    rows = []
    for one in consumers:
        amounts = one.total or (None, None, None)
        instances = "not known" if one.instances is None else str(one.instances)
        rows.append((one.address, instances, *map(_amount, amounts)))
    return table(("RESOURCE", "INSTANCES", "vCPU", "MEMORY MiB", "DISK MB"), rows, width)


def _locations(locations: Sequence[Location], width: int) -> str:
    rows = [
        (
            one.location,
            one.region,
            one.name,
            _amount(one.vcpu_per_instance),
            _amount(one.total_vcpu),
            _amount(one.total_memory_mib),
        )
        for one in locations
    ]
    heads = ("LOCATION", "REGION", "NAME", "vCPU EACH", "vCPU IN ALL", "MEMORY MiB")
    return table(heads, rows, width)


def _amount(number: Amount) -> str:
    return "not known" if number is None else f"{number:,.12g}".replace(",", " ")
