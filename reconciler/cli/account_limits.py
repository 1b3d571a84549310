"""`account`: limits, defaults and locations of the account, and what this manifest would use of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from reconciler.cli.account import Cloud, open_cloud
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import note, width
from reconciler.cli.watching import show
from reconciler.cli.workplace import manifest_for
from reconciler.errors import ManifestError, ReconcilerError
from reconciler.kinds.shared.using import use_of
from reconciler.model.manifest import Manifest
from reconciler.model.resource import Desired
from reconciler.render.account import AccountReport, Amount, Consumer, Limit, Location, account_text

Document = Mapping[str, Any]
_ROWS = (
    ("vCPU", "", "vcpus", "vcpu_per_deployment", "total_vcpu"),
    ("memory", "MiB", "memory_mib", "memory_mib_per_deployment", "total_memory_mib"),
    ("disk", "MB", "disk_mb", "disk_mb_per_deployment", "total_disk_mb"),
)


@click.command("account")
@common_options
def command(common: Common) -> int:
    """Show limits and locations of the account, and what this manifest would use of them."""
    with open_cloud(common, needs_manifest=False) as cloud:
        manifest, problem = _manifest(common, cloud)
        found = report(cloud.meant().api.get_account(), manifest, problem)
    if problem:
        note(f"what the manifest would use is not known: {problem}")
    show(common, lambda: found, lambda one: account_text(one, width()))
    return 0


def report(account: Document, manifest: Manifest | None, problem: str = "") -> AccountReport:
    """The account of the API, and beside its limits what the manifest may use at most."""
    consumers = tuple(_consumers(manifest.resources.values())) if manifest else ()
    limits = account.get("limits") or {}
    return AccountReport(
        account_id=str(account.get("external_account_id", "")),
        limits=tuple(_limits(limits, account.get("defaults") or {}, _sums(consumers, problem))),
        ipv4s=_number(limits.get("ipv4s")),
        locations=tuple(map(_location, account.get("locations") or ())),
        consumers=consumers,
        manifest_problem=problem,
    )


def _manifest(common: Common, cloud: Cloud) -> tuple[Manifest | None, str]:
    """The manifest of the environment, or why there is none to count."""
    try:
        return manifest_for(common, cloud.path, cloud.settings), ""
    except ManifestError as error:
        return None, str(error.diagnostics[0] if error.diagnostics else error)
    except ReconcilerError as error:
        return None, str(error)


def _consumers(resources: Iterable[Desired]) -> Iterator[Consumer]:
    """What runs containers, with their number and size; what is somebody else's is not counted."""
    for one in resources:
        if one.external or (use := use_of(one.attributes, one.settings)) is None:
            continue
        vcpu, memory, disk = use.size or (None, None, None)
        yield Consumer(str(one.address), use.instances, vcpu, memory, disk)


def _sums(consumers: Iterable[Consumer], problem: str) -> tuple[Amount, ...]:
    """What all that is known of comes to."""
    if problem:
        return (None, None, None)
    totals = [one.total for one in consumers if one.total]
    return tuple(round(sum(total[at] for total in totals), 4) for at in range(len(_ROWS)))


def _limits(limits: Document, defaults: Document, used: tuple[Amount, ...]) -> Iterator[Limit]:
    for (what, unit, default, each, total), manifest in zip(_ROWS, used, strict=True):
        yield Limit(
            what,
            unit,
            default=_number(defaults.get(default)),
            per_instance=_number(limits.get(each)),
            total=_number(limits.get(total)),
            manifest=manifest,
        )


def _location(one: Document) -> Location:
    limits = one.get("limits") or {}
    return Location(
        location=str(one.get("location", "")),
        name=str(one.get("name", "")),
        region=str(one.get("region", "")),
        vcpu_per_instance=_number(limits.get("vcpu_per_deployment")),
        total_vcpu=_number(limits.get("total_vcpu")),
        total_memory_mib=_number(limits.get("total_memory_mib")),
    )


def _number(value: object) -> Amount:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
