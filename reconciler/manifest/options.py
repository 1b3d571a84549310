"""The options that every resource takes, whatever its kind (interface 1.1): what may be written, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.addresses import declared_addresses
from reconciler.manifest.declared import Declared
from reconciler.manifest.expression import written
from reconciler.manifest.site import Site
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import Kind
from reconciler.model.value import Path, Ref, Unknown, Value, parse_path, path_text

REVISION = "revision"
"""What every resource has besides its kind's outputs: a number that rises with each applied change."""

ADDRESSES = frozenset({"depends_on", "replace_on", "rollout_on"})
"""The options in which `${secrets.db}` means the resource, not a value of it."""
_PATHS = {"type": "array", "items": {"type": "string"}}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "name": {"type": "string", "description": "Remote name; by default made from `naming`."},
    "depends_on": {**_PATHS, "description": "Addresses of what has to be there first."},
    "adopt": {"type": "boolean", "description": "Take over what already exists under that name."},
    "external": {"type": "boolean", "description": "It exists and is somebody else's: only looked up."},
    "id": {"type": "string", "description": "Of an external resource, instead of its name."},
    "protect": {"type": "boolean", "description": "Never destroy or replace it."},
    "retain": {"type": "boolean", "description": "Leave it in the cloud when it leaves the manifest."},
    "for_each": {
        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "object"}],
        "description": "One instance for each text of a list or key of a map.",
    },
    "ignore_changes": {**_PATHS, "description": "Attributes whose differences are left alone."},
    "replace_on": {**_PATHS, "description": "Attributes or addresses whose change replaces it."},
    "rollout_on": {**_PATHS, "description": "Addresses whose change rolls its instances over."},
}


@frozen
class Options:
    """What the common options of one resource say."""

    name: str | None = None
    depends_on: tuple[ResourceAddress, ...] = ()
    adopt: bool = False
    external: bool = False
    identity: str = ""
    protect: bool | None = None
    retain: bool = False
    ignore_changes: tuple[Path, ...] = ()
    replace_on: tuple[Path, ...] = ()
    watched: Mapping[str, Mapping[str, Ref]] = field(default_factory=dict)


@frozen
class OptionReader:
    """Reads the options of one resource; what is wrong with them is collected."""

    taken: Mapping[str, Value]
    kind: Kind
    declared: Declared
    site: Site

    def read(self) -> Options:
        """All of them."""
        flags = {key: self._flag(key) for key in ("adopt", "external", "retain", "protect")}
        external = bool(flags["external"])
        identity = self._plain_text("id")
        if identity and not external:
            self.site.error(
                ("id",), "E508", "`id` is for external resources", "use `imports` to take one over"
            )
        replace_on, replacing = self._watched("replace_on")
        _, rolling = self._watched("rollout_on")
        watched = {"rollout_on": rolling, "replace_on": replacing}
        return Options(
            self._plain_text("name") or None,
            self._depends_on(),
            bool(flags["adopt"]),
            external,
            identity,
            flags["protect"],
            bool(flags["retain"]),
            self._ignored(),
            replace_on,
            {key: refs for key, refs in watched.items() if refs},
        )

    def _flag(self, key: str) -> bool | None:
        value = self.taken.get(key)
        if isinstance(value, bool):
            return value
        if value is not None and not isinstance(value, Unknown):
            _refuse_late(key, self.site)
        return None

    def _plain_text(self, key: str) -> str:
        value = self.taken.get(key)
        if isinstance(value, str):
            return value
        if value is not None and not isinstance(value, Unknown):
            _refuse_late(key, self.site)
        return ""

    def _members(self, key: str) -> list[Value]:
        value = self.taken.get(key)
        return value if isinstance(value, list) else []

    def _depends_on(self) -> tuple[ResourceAddress, ...]:
        found: dict[ResourceAddress, None] = {}
        for at, item in enumerate(self._members("depends_on")):
            if isinstance(item, str):
                addresses = declared_addresses(item, self.declared, self.site, ("depends_on", str(at)))
                found.update(dict.fromkeys(addresses))
        return tuple(found)

    def _ignored(self) -> tuple[Path, ...]:
        paths = []
        for at, item in enumerate(self._members("ignore_changes")):
            if isinstance(item, str) and (path := self._own_path(item)):
                paths.append(path)
            elif isinstance(item, str):
                hint = self.site.findings.did_you_mean(item, _attribute_names(self.kind))
                summary = f'ignore_changes: there is no attribute "{item}"'
                self.site.error(("ignore_changes", str(at)), "E319", summary, hint)
        return tuple(paths)

    def _own_path(self, text: str) -> Path:
        """The attribute that a text names; () where the kind has none of that name."""
        try:
            path = parse_path(text)
        except ValueError:
            return ()
        return path if self.kind.attribute(path) else ()

    def _watched(self, key: str) -> tuple[tuple[Path, ...], dict[str, Ref]]:
        """Own attributes, and what is watched of other resources, by how it is called."""
        own: list[Path] = []
        others: dict[str, Ref] = {}
        for at, item in enumerate(self._members(key)):
            place = (key, str(at))
            if not isinstance(item, str):
                continue
            if refs := self._others(item, place):
                others |= refs
            elif key == "replace_on" and (path := self._own_path(item)):
                own.append(path)
            else:
                self._refuse_watched(item, key, place)
        return tuple(own), others

    def _others(self, text: str, place: Path) -> dict[str, Ref]:
        """What an `address` or `address.attribute` watches; empty where the text is none that is declared."""
        declared = self.declared
        address, attribute = declared.split_address(text)
        if address is None:
            return {}
        kind = declared.kinds_by_name[address.kind]
        if attribute and attribute[0] != REVISION and kind.output(attribute[0]) is None:
            hint = self.site.findings.did_you_mean(attribute[0], [output.name for output in kind.outputs])
            self.site.error(place, "E309", f'{text}: there is no "{path_text(attribute)}"', hint)
        ones = [address] if address.each else declared.addresses_of(kind, address.key)
        path = attribute or (REVISION,)
        suffix = f".{path_text(attribute)}" if attribute else ""
        return {
            f"{one}{suffix}": Ref(one, path, written(kind.section, one.key, one.each, path)) for one in ones
        }

    def _refuse_watched(self, text: str, key: str, place: Path) -> None:
        declared = self.declared
        known = [
            f"{other.name}.{name}"
            for other in declared.kinds.values()
            for name in declared.blocks[other.section]
        ]
        if key == "replace_on":
            known += _attribute_names(self.kind)
            what = "neither an attribute of this nor a resource"
        else:
            what = "no resource"
        self.site.error(
            place, "E319", f'{key}: "{text}" is {what}', self.site.findings.did_you_mean(text, known)
        )


def _refuse_late(key: str, site: Site) -> None:
    site.error((key,), "E312", f"{key} must be known before planning", "write it out, or use var or env")


def _attribute_names(kind: Kind) -> list[str]:
    return [row.path for row in kind.attributes if not row.computed]
