"""`ips`: the addresses of the account, and who has them. There is nothing to write: `network` of a container asks for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from reconciler.cli.account import open_cloud
from reconciler.cli.memories import all_memories
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import note, width
from reconciler.cli.watching import show, watch_option
from reconciler.errors import ReconcilerError
from reconciler.model.state import State
from reconciler.render.ips import IpAddress, PortRange, ips_text


@click.command("ips")
@common_options
@click.option("--type", "ip_type", type=click.Choice(["v4", "v6"]), help="Only these.")
@click.option("--allocated/--free", default=None, help="Only those that somebody has, or nobody.")
@watch_option
def command(common: Common, ip_type: str | None, allocated: bool | None, watch: bool) -> int:
    """Show the account's addresses, and who has them."""
    with open_cloud(common, needs_manifest=False) as cloud:
        api = cloud.meant().api

        def look() -> dict[str, list[IpAddress]]:
            answer = api.list_ips(allocated=allocated, ip_type=ip_type)
            return {"ips": addresses_in(answer, _states(common))}

        show(common, look, lambda found: ips_text(found["ips"], width()), watch=watch)
    return 0


def _states(common: Common) -> list[State]:
    """What is remembered, as far as it can be read: addresses are shown without it, too."""
    try:
        return [memory.state for memory in all_memories(common)]
    except ReconcilerError as error:
        note(f"which resources have them is not known: {error}")
        return []


def addresses_in(answer: Mapping[str, Any], states: Iterable[State]) -> list[IpAddress]:
    """The addresses of an answer, with the resources of the states that have them."""
    priors = [prior for state in states for prior in state.resources.values()]
    owners = {prior.identity: str(prior.address) for prior in priors if prior.identity}
    return [_address(one, owners) for one in answer.get("ips") or ()]


def _address(one: Mapping[str, Any], owners: Mapping[str, str]) -> IpAddress:
    held = one.get("allocation") or {}
    deployment = str(held.get("deploymentID") or (one.get("configuration") or {}).get("deploymentId") or "")
    return IpAddress(
        ip=str(one.get("ip", "")),
        type=str(one.get("ipType") or ("v6" if ":" in str(one.get("ip")) else "v4")),
        subnet_mask=one.get("subnetMask"),
        deployment=deployment,
        placement=str(held.get("placementID") or ""),
        address=owners.get(deployment, ""),
        until=_time(held.get("expiration")),
        ports=tuple(map(_port_range, one.get("portRanges") or ())),
    )


def _port_range(one: Mapping[str, Any]) -> PortRange:
    held = one.get("allocation") or {}
    return PortRange(
        int(one["start"]),
        int(one["end"]),
        str(held.get("deploymentID") or ""),
        str(held.get("placementID") or ""),
    )


def _time(expiration: object) -> str:
    """Unix seconds as a time; "" where there is no end."""
    if not isinstance(expiration, int | float):
        return ""
    return datetime.fromtimestamp(expiration, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
