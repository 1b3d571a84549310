"""From what a manifest writes to what would run: the digest behind a tag, and how large the image is.

Asks registries and reads archives; sends nothing. What a name means is decided in `image_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from typing import TYPE_CHECKING, Any

from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import (
    ImageRules,
    Place,
    PlacedImage,
    docker_hub_name,
    place_image,
    required_disk_mb,
)
from reconciler.errors import AuthenticationError, NotFoundError, ProviderError, UnavailableError
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.image_manifest import Descriptor
    from reconciler.clients.image_source import ImageSource
    from reconciler.clients.registry import Registry

RegistryOf = Callable[[str], "Registry"]

# How much larger a layer usually is than its compressed form.
_USUAL_RATIO = 2.5
_GZIP_LEAST = 18
_GZIP_MOST = 1024**3
_GZIP_LENGTH = 4
_AT_ONCE = 4


@frozen
class MeasuredImage:
    """The image that would run; `estimated` says that compressed layers hide its true size.

    `disk_mb` is what it needs in any case: no image is refused for a guess. `labels`: what it says of how it was built.
    """

    digest: str
    size: int
    disk_mb: int
    estimated: bool
    labels: Mapping[str, str] = field(default_factory=dict)


class ImageLookup:
    """Looks images up; `registry` gives the registry of a host."""

    def __init__(self, registry: RegistryOf) -> None:
        self._registry = registry

    def digest_of(self, reference: ImageReference) -> str:
        """The digest that a reference stands for now; NotFoundError if nothing is there."""
        if reference.digest:
            return reference.digest
        found = self._registry(reference.host).head_manifest(reference.repository, reference.version)
        if found is None:
            raise NotFoundError(f"{reference} is not there", fix="check name and tag")
        return found.digest

    def has(self, reference: ImageReference) -> bool:
        """Whether the reference is there, asked anew even of a digest."""
        registry = self._registry(reference.host)
        return registry.head_manifest(reference.repository, reference.version) is not None

    def source(self, reference: ImageReference, digest: str) -> ImageSource:
        """The image of that digest, to be read from the reference's repository."""
        from reconciler.clients.image_source import RegistrySource

        return RegistrySource(self._registry(reference.host), reference.repository, digest)

    def measure(self, source: ImageSource, *, all_platforms: bool = False) -> MeasuredImage:
        """Finds the image for the platform that Cloudflare runs (reference 4.3); ProviderError if there is none."""
        from reconciler.clients.image_labels import labels_of
        from reconciler.clients.image_source import resolve

        image = resolve(source)
        digest = source.manifest().digest if all_platforms else image.digest
        size, least, estimated = _unpacked_size(source, image.layers)
        disk_mb = required_disk_mb(least, len(image.layers))
        return MeasuredImage(digest, size, disk_mb, estimated, labels_of(image.config))

    def resolve_image(self, text: str, rules: ImageRules, recorded: str = "") -> dict[str, Any]:
        """What `image: TEXT` comes to where nothing is copied (an application's own image, interface 1.4).

        Gives the image's outputs and `labels`; `origin` is the digest to hand back as `recorded`. `digest` is None where it stays
        unpinned: by a protocol, or since this machine cannot read it, of which `unreadable` then is the error. A digest
        needs nobody's answer where Cloudflare pulls the image itself.
        Raises MisplacedImageError, or ProviderError.
        """
        placed = place_image(text, rules)
        if placed.place is Place.PROTOCOL:
            return unread_outputs(placed)
        try:
            origin = recorded or self.digest_of(placed.reference)
            measured = self.measure(self.source(placed.reference, origin))
        except NotFoundError:
            raise missing_image(placed, text, rules.account_id) from None
        except (AuthenticationError, UnavailableError) as error:
            if placed.place is not Place.PULLED:
                raise
            return {**unread_outputs(placed), "unreadable": error}
        outputs = image_outputs(placed.repository, placed.reference.tag, measured, origin)
        return {**outputs, "labels": measured.labels}


def image_outputs(repository: str, tag: str, image: MeasuredImage, origin: str) -> dict[str, Any]:
    """What references to an image of known digest come to.

    `repository` has its host; `origin` is the digest of what its name stands for, perhaps an index with other platforms.
    """
    return {
        "ref": f"{repository}@{image.digest}",
        "digest": image.digest,
        "tag": tag or None,
        "repository": repository,
        "size": image.size,
        "disk_mb": image.disk_mb,
        "size_is_estimate": image.estimated,
        "origin": origin,
    }


def unread_outputs(placed: PlacedImage, digest: str = "") -> dict[str, Any]:
    """What references to an image come to that nobody here can look at: as written, or by the digest given."""
    known = digest or placed.reference.digest
    return {
        "ref": f"{placed.repository}@{known}" if known else placed.text,
        "digest": known or None,
        "tag": placed.reference.tag or None,
        "repository": placed.repository,
        "size": None,
        "disk_mb": None,
        "size_is_estimate": None,
        "origin": None,
    }


def missing_image(placed: PlacedImage, written: str, account_id: str) -> NotFoundError:
    """The error for an image that is not where its name says, with what its author may have meant."""
    if placed.place is not Place.MANAGED:
        return NotFoundError(f"{placed.text} is not there", fix="check name and tag")
    elsewhere = docker_hub_name(placed.reference, account_id)
    return NotFoundError(
        f"{written} means {placed.text}, and that is not in Cloudflare's registry",
        fix=f"to copy it from Docker Hub, write `image: {elsewhere}` with `push: true` under `images`",
    )


def _unpacked_size(source: ImageSource, layers: Sequence[Descriptor]) -> tuple[int, int, bool]:
    """Bytes when unpacked, the fewest that can be, and whether the first is an estimate."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="layer") as pool:
        known = list(pool.map(lambda layer: _unpacked_length(source, layer), layers))
    lengths = list(zip(known, layers, strict=True))
    least = sum(layer.size if length is None else length for length, layer in lengths)
    likely = sum(round(layer.size * _USUAL_RATIO) if length is None else length for length, layer in lengths)
    return likely, least, None in known


def _unpacked_length(source: ImageSource, layer: Descriptor) -> int | None:
    """The length of a layer when unpacked; None where only unpacking it would tell.

    The end of a gzip file says its length modulo 4 GiB. A length below the compressed one is that of the last of
    several gzip members.
    """
    if layer.media_type.endswith(".tar"):
        return layer.size
    if not layer.media_type.endswith("gzip") or not _GZIP_LEAST <= layer.size < _GZIP_MOST:
        return None
    from reconciler.clients.image_source import end_of_blob

    try:
        end = end_of_blob(source, layer, _GZIP_LENGTH)
    except ProviderError:
        return None
    length = int.from_bytes(end, "little")
    return length if len(end) == _GZIP_LENGTH and length >= layer.size else None
