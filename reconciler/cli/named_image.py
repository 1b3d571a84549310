"""An image as people name it on the command line: by the key or address under which it is deployed, or by a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.image_digests import ImageDigests
from reconciler.cli.memories import all_memories, memory_of
from reconciler.cli.options import Common, addresses
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress

if TYPE_CHECKING:
    from reconciler.clients.image_source import ImageSource
    from reconciler.clients.registry import Registry


@frozen
class NamedImage:
    """An image in a registry, by digest."""

    registry: Registry
    repository: str
    digest: str

    def __str__(self) -> str:
        """Its full public name."""
        return self.registry.name(self.repository, self.digest)

    @property
    def name(self) -> str:
        """The public name of its repository."""
        return f"{self.registry.host}/{self.repository}"

    @property
    def source(self) -> ImageSource:
        """Where it can be read."""
        from reconciler.clients.image_source import RegistrySource

        return RegistrySource(self.registry, self.repository, self.digest)


def named_image(common: Common, digests: ImageDigests, text: str) -> NamedImage:
    """The image that is meant; raises ReconcilerError where there is none, or more than one."""
    address = _address(text)
    reference = digests.located(_deployed(common, address) if address else text)
    return NamedImage(digests.registry(reference.host), reference.repository, reference.digest)


def _address(text: str) -> ResourceAddress | None:
    """A reference has a tag, a digest or a path; anything else is a key, or an address."""
    bare = text.partition("[")[0]
    if any(sign in bare for sign in "/:@"):
        return None
    [address] = addresses((text if "." in bare else f"image.{text}",), SECTIONS)
    if address.kind != "image":
        raise ReconcilerError(f"{address} is no image", fix="say the key of an image, or a reference")
    return address


def _deployed(common: Common, address: ResourceAddress) -> str:
    """The reference that is deployed, as the states say that are meant."""
    named = common.environment_name()
    memories = [memory_of(common, named)] if named else all_memories(common)
    found = {
        memory.name: str(prior.outputs.get("ref") or "")
        for memory in memories
        if (prior := memory.state.resources.get(address)) is not None and prior.outputs.get("digest")
    }
    if not found:
        raise ReconcilerError(
            f"{address} was never applied", fix="name the image in full, as `images build` prints it"
        )
    if len(set(found.values())) > 1:
        raise ReconcilerError(
            f"{address} is another image in each environment", fix=f"say -e {' | '.join(found)}"
        )
    return next(iter(found.values()))
