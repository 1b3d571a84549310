"""What is there, told as a manifest would tell it: a block, and how a block may call the things beside it.

The way back from `bind`: a handler's `describe` gives a `Described`, `Known` answers for what others are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.value import Attributes, Value


@frozen
class Known:
    """What references may name: by kind and id the address in the manifest, and the outputs of what stands there."""

    addresses: Mapping[tuple[str, str], ResourceAddress]
    outputs: Mapping[ResourceAddress, Attributes]
    sections: Mapping[str, str]  # by kind
    registry_host: str = ""
    account_id: str = ""

    def reference(self, kind: str, identity: Value, *path: str) -> str:
        """`${secrets.db}` for what has this id; "" where the manifest does not have it."""
        address = self.addresses.get((kind, str(identity)))
        return self.reference_to(address, *path) if address else ""

    def reference_to(self, address: ResourceAddress, *path: str) -> str:
        """A reference to a resource, or to one of its attributes."""
        each = f'["{address.each}"]' if address.each else ""
        return "${" + ".".join((f"{self.sections[address.kind]}.{address.key}{each}", *path)) + "}"

    def outputs_of(self, kind: str) -> Iterator[tuple[ResourceAddress, Attributes]]:
        """Every resource of a kind, with its outputs."""
        yield from ((address, outputs) for address, outputs in self.outputs.items() if address.kind == kind)


@frozen
class Described:
    """A block that says what is there, without `name`.

    `spare` is what goes without saying as long as nothing else of the manifest says otherwise: the kind's defaults.
    `why_external` says what keeps it from being managed, and `fix` what to do; it then is written as somebody else's.
    """

    block: Mapping[str, Value] = field(default_factory=dict)
    spare: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why_external: str = ""
    fix: str = ""


def external(why: str, fix: str = "", **block: Value) -> Described:
    """Something that cannot be managed as it is seen; `fix` names the keys with which it can."""
    told = f"to manage it here, put {fix} and `adopt: true` in the place of `external: true`" if fix else ""
    return Described(block, why_external=why, fix=told)


def literal(value: Value) -> Value:
    """A value as a manifest writes it: `${` in a text is no reference."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: literal(inner) for key, inner in value.items()}
    return [literal(inner) for inner in value] if isinstance(value, list | tuple) else value
