"""The addresses of an account for people: which ones there are, and who has them (reference 2.10)."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.frozen import frozen
from reconciler.render.table import WIDTH, table


@frozen
class PortRange:
    """Ports of an address that somebody has by himself."""

    start: int
    end: int
    deployment: str
    placement: str


@frozen
class IpAddress:
    """One address; `address` is the resource of the state that has it, `until` when it will be free again."""

    ip: str
    type: str
    subnet_mask: int | None
    deployment: str
    placement: str
    address: str
    until: str
    ports: tuple[PortRange, ...]

    @property
    def allocated(self) -> bool:
        """Whether anybody has it, or some of its ports."""
        return bool(self.deployment or self.placement or self.ports)


def ips_text(found: Sequence[IpAddress], width: int = WIDTH) -> str:
    """A line for each address."""
    if not found:
        return "there are no such addresses\n"
    rows = [(_written(one), one.type, _owner(one), _ports(one), one.until) for one in found]
    return table(("ADDRESS", "TYPE", "HELD BY", "PORTS", "UNTIL"), rows, width)


def _written(one: IpAddress) -> str:
    return one.ip if one.subnet_mask is None else f"{one.ip}/{one.subnet_mask}"


def _owner(one: IpAddress) -> str:
    if one.address:
        return one.address
    if one.deployment:
        return f"deployment {one.deployment}"
    return f"placement {one.placement}" if one.placement else "" if one.ports else "nobody"


def _ports(one: IpAddress) -> str:
    return ", ".join(f"{ports.start}-{ports.end}" for ports in one.ports)
