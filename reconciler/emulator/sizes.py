"""How big one container is: instance types, account defaults, the deprecated twins, and the limits (reference 5.1, 5.2)."""

from __future__ import annotations

import re

from reconciler.emulator.answers import ServiceError
from reconciler.emulator.shapes import Details
from reconciler.emulator.world import Object, World

TYPES: dict[str, tuple[float, int, int]] = {
    "lite": (0.0625, 256, 2000),
    "basic": (0.25, 1024, 4000),
    "standard-1": (0.5, 4096, 8000),
    "standard-2": (1, 6144, 12000),
    "standard-3": (2, 8192, 16000),
    "standard-4": (4, 12288, 20000),
}
ALIASES = {"dev": "lite", "standard": "standard-1"}
PER_DEPLOYMENT = {"vcpu": 4, "memory_mib": 12288, "disk_mb": 20000}
SCARCE = {"vcpu": 2, "memory_mib": 8192}
"""The most in a location of a region with limited capacity (reference 2.1.4); the numbers are of our making."""
SCARCE_REGIONS = {"ME", "OC", "AFR"}
TOTAL = {"vcpu": 1500, "memory_mib": 6291456, "disk_mb": 30000000}
DEFAULTS = {"vcpus": 0.0625, "memory_mib": 256, "disk_mb": 2000}
MEMORY_PER_VCPU = 3072
SIZE_KEYS = ("instance_type", "vcpu", "vcpus", "memory", "memory_mib", "disk")

_MEBIBYTES = {"KB": 1 / 1024, "MB": 1, "GB": 1024, "TB": 1024 * 1024}
_MEGABYTES = {"KB": 0.001, "MB": 1, "GB": 1000, "TB": 1000000}

Size = tuple[float, int, int]


def defaults(world: World, account: str) -> Object:
    """What a container of this account gets where it says nothing (`/me`)."""
    changed = world.get("account", account, account) or {}
    return {**DEFAULTS, **changed.get("defaults", {})}


def size_of(wish: Object, fallback: Size) -> Size:
    """vCPU, MiB and MB of a body: its type, or its numbers with the rest from the fallback."""
    if "instance_type" in wish:
        named: str = wish["instance_type"]
        return TYPES[ALIASES.get(named, named)]
    vcpu, memory, disk = fallback
    vcpu = round(float(wish.get("vcpu") or wish.get("vcpus") or vcpu), 4)
    if "memory_mib" in wish or "memory" in wish:
        memory = int(wish.get("memory_mib") or _amount(wish["memory"], _MEBIBYTES))
    wanted = wish.get("disk", {})
    if "size_mb" in wanted or "size" in wanted:
        disk = int(wanted.get("size_mb") or _amount(wanted["size"], _MEGABYTES))
    return vcpu, memory, disk


def account_size(world: World, account: str) -> Size:
    """The size of a container that asks for none."""
    given = defaults(world, account)
    return given["vcpus"], given["memory_mib"], given["disk_mb"]


def fields(size: Size) -> Object:
    """A size as answers show it: numbers, and the texts they replaced."""
    vcpu, memory, disk = size
    return {
        "vcpu": vcpu,
        "memory": f"{memory}MB",
        "memory_mib": memory,
        "disk": {"size": f"{disk // 1000}GB" if disk % 1000 == 0 else f"{disk}MB", "size_mb": disk},
    }


def expanded(wish: Object, before: Object | None, fallback: Size) -> Object:
    """A configuration as it is stored: sizes as numbers, never `instance_type` (reference 2.1.2).

    It replaces the one before whole, but for the image and the size, which stay where it does not mention them.
    """
    before = before or {}
    if before and not any(key in wish for key in SIZE_KEYS):
        size = fields(size_of(before, fallback))
    else:
        size = fields(size_of(wish, fallback))
    rest = {key: value for key, value in wish.items() if key not in SIZE_KEYS}
    return {"image": wish.get("image", before.get("image")), **rest, **size}


def check_size(wish: Object, size: Size, limits: bool, path: str = "configuration") -> None:
    """Refuses a type next to other numbers, sizes that no type has and no custom one may have, and too big ones."""
    details: Details = {}
    named = wish.get("instance_type")
    if (
        named is not None
        and size_of({key: value for key, value in wish.items() if key != "instance_type"}, size) != size
    ):
        details[f"{path}.instance_type"] = "cannot be combined with other vcpu, memory_mib or disk"
    if limits and size not in TYPES.values():
        details |= _custom_complaints(size, path)
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)
    if limits:
        _check_base_limits(size, path)


def _custom_complaints(size: Size, path: str) -> Details:
    vcpu, memory, _ = size
    if vcpu < 1:
        return {f"{path}.vcpu": "must be at least 1 for a custom instance type"}
    if memory < MEMORY_PER_VCPU * vcpu:
        return {f"{path}.memory_mib": f"must be at least {MEMORY_PER_VCPU} MiB per vCPU"}
    return {}


def _check_base_limits(size: Size, path: str) -> None:
    names = {"vcpu": "vcpu", "memory_mib": "memory_mib", "disk_mb": "disk.size_mb"}
    over = {
        f"{path}.{names[key]}": f"must be at most {PER_DEPLOYMENT[key]}"
        for key, value in zip(PER_DEPLOYMENT, size, strict=True)
        if value > PER_DEPLOYMENT[key]
    }
    if over:
        raise ServiceError(400, "SURPASSED_BASE_LIMITS", over)


def per_location(region: str) -> Object:
    """The most that one container may have in a location of a region."""
    return SCARCE if region in SCARCE_REGIONS else PER_DEPLOYMENT


def check_location(world: World, size: Size, location: str, region: str) -> None:
    """Refuses a size that the account may have, but not there."""
    most = per_location(region)
    over = {
        key: f"must be at most {most[key]} in {location}"
        for key, value in zip(SCARCE, size, strict=False)
        if value > most[key]
    }
    if over and world.settings.limits:
        raise ServiceError(400, "LOCATION_SURPASSED_BASE_LIMITS", over)


def reserve(
    world: World, account: str, before: Object | None, after: Object | None, count: int, was: int = 0
) -> None:
    """Books what `count` containers of a configuration take, instead of `was` of the one before.

    Refuses what the account's totals do not hold (SURPASSED_TOTAL_LIMITS), unless limits are off.
    """
    used = world.get("_usage", account, "total") or dict.fromkeys(TOTAL, 0)
    now = dict(used)
    for configuration, sign, number in ((before, -1, was), (after, 1, count)):
        size = size_of(configuration, (0, 0, 0)) if configuration else (0, 0, 0)
        for key, value in zip(TOTAL, size, strict=True):
            now[key] = round(now[key] + sign * number * value, 4)
    over = [key for key in TOTAL if now[key] > TOTAL[key] and now[key] > used[key]]
    if over and world.settings.limits:
        raise ServiceError(
            400, "SURPASSED_TOTAL_LIMITS", {key: f"{now[key]:g} of {TOTAL[key]}" for key in over}
        )
    if now != used:
        world.put("_usage", account, "total", now)


def _amount(text: str, units: dict[str, float]) -> float:
    found = re.fullmatch(r"([\d.]+) ?([KMGT])i?B", text)
    assert found, "checked by bodies.py"
    return float(found[1]) * units[found[2] + "B"]
