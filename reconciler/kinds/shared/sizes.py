"""What an instance is given: the named types, custom sizes, and the limits of both (reference 5.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.model.value import Value

Numbers = tuple[float, int, int]  # vCPU, MiB of memory, MB of disk

TYPES: dict[str, Numbers] = {
    "lite": (0.0625, 256, 2000),
    "basic": (0.25, 1024, 4000),
    "standard-1": (0.5, 4096, 8000),
    "standard-2": (1, 6144, 12000),
    "standard-3": (2, 8192, 16000),
    "standard-4": (4, 12288, 20000),
}
ALIASES = {"dev": "lite", "standard": "standard-1"}
DEFAULT_TYPE = "lite"
KEYS = ("vcpu", "memory_mib", "disk_mb")

_NAMES: dict[tuple[Value, ...], str] = {numbers: name for name, numbers in TYPES.items()}
_NAMES_WITHOUT_DISK: dict[tuple[Value, ...], str] = {numbers[:2]: name for name, numbers in TYPES.items()}
_MIB_PER_VCPU = 3 * 1024
_MOST: Numbers = (4, 12 * 1024, 20_000)
_SIZE = re.compile(r"([0-9.]+) ?([KMGT])(i?)B")


def wanted_size(value: Value) -> Value:
    """An `instance_type` in canonical form: a type's name, else all three numbers (missing ones from `lite`)."""
    if isinstance(value, str):
        return ALIASES.get(value, value)
    if not isinstance(value, Mapping):
        return value
    given = {key: value.get(key) for key in KEYS}
    default = dict(zip(KEYS, TYPES[DEFAULT_TYPE], strict=True))
    size = {key: default[key] if number is None else number for key, number in given.items()}
    try:
        return _NAMES.get((size["vcpu"], size["memory_mib"], size["disk_mb"]), size)
    except TypeError:  # a number that is not known yet cannot be looked up
        return size


def observed_size(configuration: Mapping[str, Value]) -> Value:
    """The same of what the service shows: the name, else the numbers, without the old texts beside them."""
    name = configuration.get("instance_type")
    if name is not None:
        return ALIASES.get(name, name)
    disk = configuration.get("disk")
    vcpu, memory = configuration.get("vcpu"), configuration.get("memory_mib")
    size = disk.get("size_mb") if disk else None
    if memory is None:
        memory = _megabytes(configuration.get("memory"), 1024)
    if size is None and disk:
        size = _megabytes(disk.get("size"), 1000)
    known = _NAMES_WITHOUT_DISK.get((vcpu, memory)) if size is None else _NAMES.get((vcpu, memory, size))
    if known is not None:
        return known
    numbers = zip(KEYS, (vcpu, memory, size), strict=True)
    return {key: number for key, number in numbers if number is not None} or None


def size_fields(size: Value) -> dict[str, Value]:
    """The fields of a configuration that ask for a size: the type or the numbers, never both."""
    if not isinstance(size, Mapping):
        return {} if size is None else {"instance_type": size}
    fields: dict[str, Value] = {key: size[key] for key in ("vcpu", "memory_mib") if key in size}
    if "disk_mb" in size:
        fields["disk"] = {"size_mb": size["disk_mb"]}
    return fields


def numbers_of(size: Value) -> Numbers | None:
    """vCPU, memory and disk of a canonical size; None while a part is not known."""
    if isinstance(size, str):
        return TYPES.get(ALIASES.get(size, size))
    if not isinstance(size, Mapping) or not all(isinstance(size.get(key), int | float) for key in KEYS):
        return None
    return size["vcpu"], size["memory_mib"], size["disk_mb"]


def size_problems(value: Value) -> Iterator[tuple[str, str]]:
    """What is wrong with a custom size as it is written: key and complaint, naming a default that is to blame."""
    size = wanted_size(value)
    numbers = numbers_of(size)
    if not isinstance(size, Mapping) or not isinstance(value, Mapping) or numbers is None:
        return
    vcpu, memory, _ = numbers
    units = ("vCPU", "MiB", "MB")
    excess = [
        (key, f"{number:g} {unit} is more than the {most:g} that an instance can have")
        for key, number, most, unit in zip(KEYS, numbers, _MOST, units, strict=True)
        if number > most
    ]
    if excess:
        yield from excess
    elif vcpu < 1:
        yield "vcpu", f"{_blamed(value, 'vcpu', vcpu)} is less than the 1 that a custom type needs"
    elif memory < _MIB_PER_VCPU * vcpu:
        blamed = _blamed(value, "memory_mib", memory)
        yield "memory_mib", f"{blamed} is less than {_MIB_PER_VCPU} MiB for each of {vcpu:g} vCPU"


def _blamed(value: Mapping[str, Value], key: str, number: float) -> str:
    if value.get(key) is not None:
        return f"{key} {number:g}"
    return f"{key} {number:g}, the default of `{DEFAULT_TYPE}` since the manifest gives none,"


def _megabytes(text: Value, binary: int) -> float | None:
    """The old form of a size, `256MB`; for memory the service means MiB by it."""
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    factor = {"K": 1 / binary, "M": 1, "G": binary, "T": binary**2}[found[2]]
    amount = float(found[1]) * factor
    return int(amount) if amount == int(amount) else amount
