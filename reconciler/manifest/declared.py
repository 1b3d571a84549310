"""What the manifest declares, by section and key, and what a reference to one of its resources points to."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.manifest.expression import written
from reconciler.manifest.findings import listed
from reconciler.manifest.site import Each, Spot
from reconciler.manifest.tree import Block
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import Attribute, Kind
from reconciler.model.value import Path, Pointer, Ref, TextOf, Unknown, Value

_ADDRESS = re.compile(
    r'(?P<kind>[a-z_]+)\.(?P<key>[a-z0-9][a-z0-9_-]*)(?:\["(?P<each>[A-Za-z0-9._-]+)"\])?(?P<attribute>(?:\.[A-Za-z0-9_-]+)*)$'
)


@dataclass(slots=True)
class Declared:
    """The resource blocks of one environment. `instances` has keys and values of each `for_each`, None where not known yet."""

    kinds: Mapping[str, Kind]  # by section
    blocks: Mapping[str, Mapping[str, Block]]  # by section and key
    instances: dict[tuple[str, str], Mapping[str, Value] | None] = field(default_factory=dict)
    kinds_by_name: dict[str, Kind] = field(default_factory=dict)
    secret_paths: dict[str, list[Path]] = field(
        default_factory=dict
    )  # by kind: the attributes that take nothing else
    _pointers: dict[tuple[str, str], Pointer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds_by_name = {kind.name: kind for kind in self.kinds.values()}
        self.secret_paths = {
            kind.name: [
                tuple(row.path.split(".")) for row in kind.attributes if row.secret and not row.computed
            ]
            for kind in self.kinds.values()
        }

    def block_of(self, address: ResourceAddress) -> Block | None:
        """The block that declares a resource."""
        kind = self.kinds_by_name.get(address.kind)
        return self.blocks.get(kind.section, {}).get(address.key) if kind else None

    def addresses_of(self, kind: Kind, key: str) -> list[ResourceAddress]:
        """The resources that one block makes: one, or one for each instance."""
        place = (kind.section, key)
        if place not in self.instances:
            return [ResourceAddress(kind.name, key)]
        return [ResourceAddress(kind.name, key, each) for each in self.instances[place] or ()]

    def is_declared(self, address: ResourceAddress) -> bool:
        """Whether the manifest has this very resource."""
        if self.block_of(address) is None:
            return False
        place = (self.kinds_by_name[address.kind].section, address.key)
        if place not in self.instances:
            return not address.each
        each = self.instances[place]
        return each is None or address.each in each

    def each_of(self, address: ResourceAddress) -> Each | None:
        """What `each` is in the block of a resource."""
        place = (self.kinds_by_name[address.kind].section, address.key)
        if place not in self.instances:
            return None
        instances = self.instances[place]
        if instances is None or address.each not in instances:
            return Each(Unknown(None, "${each.key}"), Unknown(None, "${each.value}"))
        return Each(address.each, instances[address.each])

    def split_address(self, text: str) -> tuple[ResourceAddress | None, Path]:
        """The declared resource that a text names, and the attribute behind it; the section's plural is understood."""
        found = _ADDRESS.match(text)
        if found is None:
            return None, ()
        kind = self.kinds.get(found["kind"]) or self.kinds_by_name.get(found["kind"])
        if kind is None or found["key"] not in self.blocks.get(kind.section, {}):
            return None, ()
        address = ResourceAddress(kind.name, found["key"], found["each"] or "")
        if address.each and not self.is_declared(address):
            return None, ()
        return address, tuple(found["attribute"].split(".")[1:])

    def point(self, section: str, steps: Sequence[str], each: str | None, text: str, spot: Spot) -> Value:
        """What `${<section>.<key>["<each>"].<attribute>}` comes to at a spot; Unknown after a finding."""
        row = spot.row
        bare = row.bare if row else ""
        if each is None and (known := self._pointers.get((text, bare))):
            return known
        kind, key = self.kinds[section], steps[0]
        if refused := self._refused(kind, key, each, text, spot):
            return refused
        attribute = tuple(steps[1:]) or _meant(kind, bare)
        output = kind.output(attribute[0]) if attribute else None
        if attribute and output is None:
            names = [one.name for one in kind.outputs]
            hint = spot.site.findings.did_you_mean(attribute[0], names)
            return spot.refuse(text, "E309", f'{text}: {_a(kind.name)} has no "{attribute[0]}"', hint)
        textual = output is not None and output.textual and len(attribute) == 1
        expression = text if kind.singleton else written(section, key, each or "", attribute)
        address = ResourceAddress(kind.name, key, each or "")
        pointer = TextOf(address, attribute, expression) if textual else Ref(address, attribute, expression)
        if each is None:
            self._pointers[text, bare] = pointer
        return pointer

    def _refused(self, kind: Kind, key: str, each: str | None, text: str, spot: Spot) -> Unknown | None:
        """What comes of a reference to something that is not there; None where it is."""
        section, place = self.blocks.get(kind.section, {}), (kind.section, key)
        if key not in section:
            hint = spot.site.findings.did_you_mean(key, section, lambda near: written(kind.section, near))
            return spot.refuse(text, "E308", f'{text}: there is no {kind.name} "{key}"', hint)
        if place in self.instances:
            return self._refused_instance(kind, key, each, text, spot)
        if each is None:
            return None
        summary = f"{text}: {kind.name}.{key} has no for_each, so it has no instances"
        return spot.refuse(text, "E310", summary, f"write {written(kind.section, key)}")

    def _refused_instance(
        self, kind: Kind, key: str, each: str | None, text: str, spot: Spot
    ) -> Unknown | None:
        instances = self.instances[kind.section, key]
        if instances is None or each in instances:
            return None
        if each is None:
            example = written(kind.section, key, next(iter(instances), "KEY"))
            return spot.refuse(text, "E310", f"{text} does not say which instance", f"write {example}")
        hint = spot.site.findings.did_you_mean(each, instances)
        return spot.refuse(text, "E310", f'{text}: {kind.name}.{key} has no instance "{each}"', hint)

    def holds_secret(self, pointer: Pointer) -> bool:
        """Whether a pointer comes to a secret value."""
        kind = self.kinds_by_name.get(pointer.address.kind)
        output = kind.output(pointer.path[0]) if kind and pointer.path else None
        return output is not None and output.secret

    @property
    def secret_sections(self) -> list[str]:
        """The sections in which secrets are declared."""
        return [kind.section for kind in self.kinds.values() if any(one.secret for one in kind.outputs)]

    def how_to_keep_secret(self) -> str:
        """What to write instead of a secret in plain text."""
        names = self.secret_sections[:1]
        return "".join(f"declare it under `{name}:` and write ${{{name}.NAME}}" for name in names)

    def keys_for_secrets(self, kind: Kind | None, pointer: Pointer) -> str:
        """Where a secret may stand: the keys of this kind, or of all kinds if it has none."""
        section = self.kinds_by_name[pointer.address.kind].section
        own = [row.path for row in kind.attributes if takes_secret(row, (section,))] if kind else []
        if own:
            return f"put it under {listed([f'`{path}`' for path in own], 'or')}"
        everywhere = [
            f"`{row.path}` of {_a(other.name)}"
            for other in self.kinds.values()
            for row in other.attributes
            if takes_secret(row, (section,))
        ]
        return f"a secret may stand in {listed(everywhere, 'or')}" if everywhere else ""

    def attributes_of(self, pointer: Pointer) -> str:
        """The attributes that a pointer without one could have named."""
        kind = self.kinds_by_name[pointer.address.kind]
        return listed([output.name for output in kind.outputs if not output.secret], "or")


def takes_secret(row: Attribute, sections: Container[str]) -> bool:
    """Whether a row is for secrets: by what it declares, or because it is called like their section."""
    return not row.computed and (row.secret or row.secret_template or row.path in sections)


def _meant(kind: Kind, bare: str) -> Path:
    """What a reference without attribute means: what the place wants; of a secret its value; else the kind may say."""
    if bare and kind.output(bare.partition(".")[0]):
        return tuple(bare.split("."))
    return next(((output.name,) for output in kind.outputs if output.secret), ())


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
