"""Reads the addresses that a manifest writes as texts: in `depends_on`, `moved`, `imports`, `rollout_on`, `replace_on`."""

from __future__ import annotations

from reconciler.manifest.declared import Declared
from reconciler.manifest.site import Site
from reconciler.model.address import ResourceAddress
from reconciler.model.value import Path


def read_address(text: str, declared: Declared, site: Site, path: Path) -> ResourceAddress | None:
    """The address that a text is, the section's plural understood; None after a finding."""
    sections = {section: kind.name for section, kind in declared.kinds.items()}
    try:
        address = ResourceAddress.parse(text, sections)
    except ValueError as error:
        site.error(path, "E316", str(error))
        return None
    if address.kind in declared.kinds_by_name:
        return address
    hint = site.findings.did_you_mean(address.kind, declared.kinds_by_name)
    site.error(path, "E316", f'{text}: there is no kind "{address.kind}"', hint)
    return None


def declared_addresses(text: str, declared: Declared, site: Site, path: Path) -> list[ResourceAddress]:
    """The declared resources that an address means: all instances, if it names a `for_each` as a whole."""
    address = read_address(text, declared, site, path)
    if address is None:
        return []
    kind = declared.kinds_by_name[address.kind]
    if not address.each and declared.block_of(address) is not None:
        return declared.addresses_of(kind, address.key)
    if declared.is_declared(address):
        return [address]
    known = [
        str(one) for key in declared.blocks.get(kind.section, {}) for one in declared.addresses_of(kind, key)
    ]
    hint = site.findings.did_you_mean(str(address), known)
    site.error(path, "E308", f"there is no {address}", hint)
    return []
