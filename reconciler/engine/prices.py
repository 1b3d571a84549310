"""The dated price table (reference 5.3), and what meters come to by it. What runs is for `cost` to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.frozen import frozen

_MIB_PER_GIB = 1024
_MB_PER_GB = 1000


@frozen
class Size:
    """What one instance has."""

    name: str
    vcpu: float
    memory_gib: float
    disk_gb: float


@frozen
class Meters:
    """What is billed for: capacity that is held, and CPU that is used, all of it added up."""

    vcpu: float = 0.0
    memory_gib: float = 0.0
    disk_gb: float = 0.0


@frozen
class Prices:
    """Prices by the second, and what an account has for nothing each month."""

    as_of: str
    currency: str
    hours_per_month: float
    vcpu_second: float
    memory_gib_second: float
    disk_gb_second: float
    included: Mapping[str, float]
    sizes: Mapping[str, Size]

    @property
    def seconds(self) -> float:
        """A month."""
        return self.hours_per_month * 3600

    def monthly(self, meters: Meters) -> float:
        """What meters come to in a month, nothing of it being included."""
        second = meters.vcpu * self.vcpu_second
        second += meters.memory_gib * self.memory_gib_second + meters.disk_gb * self.disk_gb_second
        return round(second * self.seconds, 2)

    def billed(self, meters: Meters) -> float:
        """The same less what is included, which an account has once (reference 5.3)."""
        vcpu = meters.vcpu * self.seconds - self.included["vcpu_minutes"] * 60
        memory = meters.memory_gib * self.seconds - self.included["memory_gib_hours"] * 3600
        disk = meters.disk_gb * self.seconds - self.included["disk_gb_hours"] * 3600
        parts = (
            (vcpu, self.vcpu_second),
            (memory, self.memory_gib_second),
            (disk, self.disk_gb_second),
        )
        return round(sum(max(0.0, amount) * price for amount, price in parts), 2)

    def size(self, written: Any) -> Size | None:
        """The size that an `instance_type` in canonical form is; None while a part of it is not known."""
        if isinstance(written, str):
            return self.sizes.get(written)
        if not isinstance(written, Mapping):
            return None
        numbers = [written.get(key) for key in ("vcpu", "memory_mib", "disk_mb")]
        if not all(isinstance(number, int | float) for number in numbers):
            return None
        return _size("", *numbers)


def _size(name: str, vcpu: Any, memory_mib: Any, disk_mb: Any) -> Size:
    memory, disk = memory_mib / _MIB_PER_GIB, disk_mb / _MB_PER_GB
    return Size(name or f"{vcpu:g} vCPU, {memory:g} GiB, {disk:g} GB", vcpu, memory, disk)


@cache
def price_table() -> Prices:
    """The table that comes with this version."""
    told = json.loads(Path(__file__).with_name("prices.json").read_bytes())
    types = told.pop("instance_types")
    del told["source"]
    return Prices(**told, sizes={name: _size(name, **numbers) for name, numbers in types.items()})
