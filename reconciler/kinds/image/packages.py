"""Which packages come and go with another digest, as the lists say that are attached to both or remembered here.

At most one question per digest for what refers to it, and none for the old one where the new one has no list.
"""

from __future__ import annotations

from typing import Any

from reconciler.clients.image_lookup import RegistryOf
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.frozen import frozen


@frozen
class PackageLists:
    """The lists of packages that can be had without reading an image."""

    registry: RegistryOf
    memory: SbomMemory

    def difference(self, before: ImageReference, after: ImageReference) -> dict[str, Any]:
        """`{added, changed, removed}`; empty where nothing differs, or a list is missing."""
        from reconciler.clients.sbom_attached import known_sbom
        from reconciler.clients.sbom_difference import package_difference

        new = known_sbom(self.registry(after.host), after.repository, after.digest, self.memory)
        if new is None:
            return {}
        old = known_sbom(self.registry(before.host), before.repository, before.digest, self.memory)
        found = package_difference(old, new) if old else {}
        return found if any(found.values()) else {}
