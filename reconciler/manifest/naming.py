"""Remote names: the default made from `naming`, what a kind allows, and that no two resources of an account share one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from reconciler.frozen import frozen
from reconciler.manifest.findings import Findings, listed
from reconciler.manifest.site import Site
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import Kind
from reconciler.model.resource import Desired

PLACES = ("project", "environment", "key", "each")
_DEFAULT = "{project}-{environment}-{key}-{each}"
_SHARED = "{project}-{key}-{each}"
_PLACE = re.compile(r"\{([^{}]*)\}")
_LONGEST = 63
_READABLE = 1000  # whatever a kind allows; a pattern on a longer text could take for ever


@frozen
class Naming:
    """How default names are made in one environment of one project."""

    project: str
    environment: str | None
    template: str = ""

    def default_name(self, kind: Kind, address: ResourceAddress) -> str:
        """The name of a resource that says none; a shared kind has the same in every environment (interface 1.1 "Names")."""
        if not kind.named:
            return ""
        pattern = _filled_in(self._template(kind), self.project, self.environment or "", address.each)
        return pattern.replace("{key}", address.key)

    def _template(self, kind: Kind) -> str:
        shared = kind.shared_between_environments
        if not self.template or (shared and "{environment}" in self.template):
            return _SHARED if shared else _DEFAULT
        return self.template if "{each}" in self.template else f"{self.template}-{{each}}"


@lru_cache(maxsize=64)
def _filled_in(template: str, project: str, environment: str, each: str) -> str:
    """The template with what thousands of keys share; a place without value takes the separator before or behind it along."""
    name = template
    for place, value in (("project", project), ("environment", environment), ("each", each)):
        without = rf"^\{{{place}\}}[-_.]?|[-_.]?\{{{place}\}}"
        name = name.replace(f"{{{place}}}", value) if value else re.sub(without, "", name)
    return name


def check_template(template: str, site: Site) -> bool:
    """Collects what is wrong with `naming`."""
    unknown = [place for place in _PLACE.findall(template) if place not in PLACES]
    if unknown:
        fix = f"there is {listed([f'{{{place}}}' for place in PLACES])}"
        site.error(("naming",), "E401", f'naming has no place for "{{{unknown[0]}}}"', fix)
    elif "{key}" not in template:
        site.error(("naming",), "E401", "naming must hold {key}, or all resources get one name")
    return not unknown and "{key}" in template


def check_name(name: str, kind: Kind, site: Site, *, by_default: bool) -> None:
    """Collects a name that the kind cannot have; names are never cut."""
    if not name or (len(name) <= _READABLE and re.fullmatch(kind.name_pattern, name)):
        return
    fix = "set `name`" if by_default else "choose another"
    if len(name) > _LONGEST:
        summary = f'the name "{name[:80]}" is {len(name)} characters long, at most {_LONGEST} are allowed'
    else:
        summary = f'"{name}" cannot be the name of this: it must match {kind.name_pattern}'
    site.error(("name",), "E402", summary, fix)


@frozen
class _Owner:
    address: ResourceAddress
    environment: str | None


class Names:
    """Who has which name, over all environments that were read."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds  # by name
        self._owners: dict[tuple[str, str, str], _Owner] = {}

    def add(
        self, resources: Iterable[Desired], account: str, environment: str | None, findings: Findings
    ) -> None:
        """Collects the names of one environment, and two that are the same."""
        for desired in resources:
            if not desired.name or desired.external:
                continue
            kind = self._kinds[desired.address.kind]
            place = (account, kind.name, desired.name)
            mine = _Owner(desired.address, environment)
            owner = self._owners.setdefault(place, mine)
            shared = kind.shared_between_environments and owner.address == desired.address
            if owner != mine and not shared:
                _report(desired, kind, owner, environment, findings)


def _report(desired: Desired, kind: Kind, owner: _Owner, environment: str | None, findings: Findings) -> None:
    where = "" if owner.environment == environment else f" of {owner.environment}"
    findings.error(
        "E403",
        f'the name "{desired.name}" belongs to {owner.address}{where} already, in the same account',
        desired.source_of(("name",)),
        fix="give one of them another name" if kind.named else "say `external: true` in all but one of them",
        address=str(desired.address),
    )
