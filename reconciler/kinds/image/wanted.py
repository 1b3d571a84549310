"""An image that is wanted, as its attributes and settings tell it: where it comes from, where it goes, what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import Place, PlacedImage, copy_tag
from reconciler.frozen import frozen
from reconciler.model.resource import Desired


@frozen
class WantedImage:
    """Reads a `Desired` that `read_wish` has made."""

    desired: Desired

    @property
    def source(self) -> str:
        """`build`, `image`, `archive`, or nothing where it is somebody else's."""
        return str(self.desired.settings.get("source", ""))

    @property
    def text(self) -> str:
        """An image's name in full, an archive's path as written."""
        return str(self.desired.attributes.get(self.source, ""))

    @property
    def written(self) -> str:
        """An image's name as the manifest has it."""
        return str(self.desired.settings.get("written", self.text))

    @property
    def account_id(self) -> str:
        """The account whose registry is meant."""
        return str(self.desired.settings["account_id"])

    @property
    def pinned(self) -> str:
        """The digest that the manifest names."""
        return str(self.desired.attributes["digest"]) if self.desired.settings.get("pinned") else ""

    @property
    def is_recalled(self) -> bool:
        """Whether it is to be what an earlier state remembers: nothing is built or copied then."""
        return self.desired.then is not None

    @property
    def all_platforms(self) -> bool:
        """Whether an index is kept."""
        return self.desired.attributes.get("platforms") == "all"

    @property
    def tags(self) -> tuple[str, ...]:
        """Further tags to keep on its digest."""
        return tuple(self.desired.attributes.get("tags", ()))

    @property
    def place(self) -> Place:
        """Where it is deployed from; what is built or unpacked goes into Cloudflare's registry as a copy does."""
        return Place(self.desired.settings.get("place", Place.COPIED))

    @property
    def is_managed(self) -> bool:
        """Whether Cloudflare's registry holds it."""
        return self.place in (Place.MANAGED, Place.COPIED)

    @property
    def placed(self) -> PlacedImage:
        """The image that is written, with its place."""
        return PlacedImage(self.place, self.text, ImageReference.parse(self.text.rpartition("://")[2]))

    @property
    def repository(self) -> str:
        """Where it is deployed from, in full."""
        if self.place is Place.COPIED:
            return f"{self.desired.settings['prefix']}/{self.desired.name}"
        return self.placed.repository

    @property
    def descent(self) -> Mapping[str, Any]:
        """Where its digest comes from: commit, inputs, environment, as far as that is known."""
        return dict(self.desired.settings.get("descent") or {})

    @property
    def looked_up(self) -> ImageReference | None:
        """What a registry is asked for; None where no registry has it yet."""
        if self.pinned and self.is_managed:
            return self.deployed(self.pinned)
        if self.source != "image":
            return None
        reference = self.placed.reference
        return replace(reference, digest=self.pinned) if self.pinned else reference

    @property
    def source_name(self) -> str:
        """What answers about its source are kept under."""
        if self.source == "build" and not self.pinned:
            return f"the build of {self.desired.address}"
        name = str(self.looked_up or f"the archive {self.text}")
        return f"{name} (all platforms)" if self.all_platforms else name

    def deployed(self, digest: str) -> ImageReference:
        """The image of that digest in the repository from which it is deployed."""
        host, _, path = self.repository.partition("/")
        return ImageReference(path, host, digest=digest)

    def tag(self, digest: str) -> str:
        """The tag under which that digest is kept; empty where nothing says one."""
        if self.pinned:
            return ""
        if self.place is not Place.COPIED:
            return self.placed.reference.tag
        return copy_tag(self.placed.reference.tag if self.source == "image" else "", digest)

    def origin(self, digest: Any) -> dict[str, Any]:
        """What state remembers of where it came from: the same origin comes to the same image."""
        return {"reference": self.source_name, "digest": digest}
