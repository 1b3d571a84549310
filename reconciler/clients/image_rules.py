"""What an `image:` in a manifest means (interface 1.3): which registry serves it, its full name, what is wrong with it.

Pure rules about text and sizes, shared by everything that takes an image; what is really there is for others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum

from reconciler.clients.image_reference import DOCKER_HUB, ImageReference, is_tag
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

BAD_REFERENCE = "I102"
NO_VERSION = "I103"
FOREIGN_ACCOUNT = "I104"
UNREACHABLE_HOST = "I105"
UNKNOWN_PROTOCOL = "I106"

_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_SHORT_DIGEST = 12
_LONGEST_TAG = 128
_LAYER_OVERHEAD = 16 * 1024 * 1024
_SIZE_FACTOR = 1.1
_MEGABYTE = 1_000_000


class Place(StrEnum):
    """Where an image is deployed from."""

    MANAGED = "managed"  # Cloudflare's registry, this account
    COPIED = "copied"  # another host, from which it is copied into Cloudflare's registry
    PULLED = "pulled"  # another host, from which Cloudflare pulls it itself
    PROTOCOL = "protocol"  # as the account's protocols say


class MisplacedImageError(ReconcilerError):
    """An `image:` that cannot be deployed as it is written; `code` is the diagnostic's."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message, fix=fix)
        self.code = code


@frozen
class ImageRules:
    """What decides the meaning of an image's name. An empty `account_id` is one that is not known yet.

    `hosts` are those under `registries`, with the key that names each; `hosts_known` is false where one is not known yet.
    """

    registry_host: str
    account_id: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    protocols: frozenset[str] = frozenset()
    hosts_known: bool = True

    @classmethod
    def of(
        cls, registry_host: str, account_id: object, domains: Mapping[str, object], protocols: Iterable[str]
    ) -> ImageRules:
        """Takes the rules from a manifest (domains by key); a value that is no text is one that is not known yet."""
        return cls(
            registry_host,
            account_id if isinstance(account_id, str) else "",
            {domain.lower(): key for key, domain in domains.items() if isinstance(domain, str)},
            frozenset(protocols),
            all(isinstance(domain, str) for domain in domains.values()),
        )


@frozen
class PlacedImage:
    """An image whose place is known; `text` is its name in full. A protocol is not part of the reference."""

    place: Place
    text: str
    reference: ImageReference

    @property
    def repository(self) -> str:
        """Everything but tag and digest."""
        protocol, sign, _ = self.text.rpartition("://")
        return protocol + sign + repository_name(self.reference)


def place_image(text: str, rules: ImageRules, *, push: bool = False) -> PlacedImage:
    """Decides what an `image:` means; with `push`, other hosts are copied from. Raises MisplacedImageError."""
    if "://" in text:
        return _protocol(text, rules)
    reference = _parsed(text, text)
    if not reference.host or reference.host.lower() == rules.registry_host.lower():
        managed = _managed(text, reference, rules)
        return PlacedImage(Place.MANAGED, str(managed), managed)
    if push:
        return PlacedImage(Place.COPIED, str(reference), reference)
    if reference.host.lower() in rules.hosts or not rules.hosts_known:
        return PlacedImage(Place.PULLED, str(reference), reference)
    raise MisplacedImageError(
        UNREACHABLE_HOST,
        f"{text} is not in Cloudflare's registry",
        f"copy it there with `push: true` under `images`, or name {reference.host} under `registries`,"
        " so that Cloudflare pulls it itself",
    )


def _protocol(text: str, rules: ImageRules) -> PlacedImage:
    protocol, _, path = text.partition("://")
    if protocol not in rules.protocols:
        raise MisplacedImageError(
            UNKNOWN_PROTOCOL,
            f'"{text}": {protocol} is no protocol of this manifest',
            f"write {path} without it, or declare {protocol} under `registry_protocols`",
        )
    return PlacedImage(Place.PROTOCOL, text, _parsed(path, text))


def _parsed(name: str, text: str) -> ImageReference:
    try:
        reference = ImageReference.parse(name)
    except ReconcilerError as error:
        raise MisplacedImageError(BAD_REFERENCE, error.message, error.fix) from None
    if not reference.version:
        raise MisplacedImageError(
            NO_VERSION, f"{text} has neither tag nor digest", f"say which one is meant, as in {text}:1.2.3"
        )
    return reference


def _managed(text: str, reference: ImageReference, rules: ImageRules) -> ImageReference:
    """The reference with host and account, which need not be written (reference 4.2)."""
    account, slash, _ = reference.repository.partition("/")
    is_ours = account == rules.account_id
    named = bool(slash) and (is_ours or _ACCOUNT.fullmatch(account) is not None)
    if named and rules.account_id and not is_ours:
        raise MisplacedImageError(
            FOREIGN_ACCOUNT,
            f"{text} belongs to account {account}, not to {rules.account_id}",
            "leave the account out, and copy the image into this account first",
        )
    repository = reference.repository
    if not named and rules.account_id:
        repository = f"{rules.account_id}/{repository}"
    return replace(reference, host=rules.registry_host, repository=repository)


def repository_name(reference: ImageReference) -> str:
    """A reference without its version."""
    return str(replace(reference, tag="", digest=""))


def docker_hub_name(reference: ImageReference, account_id: str = "") -> str:
    """What somebody may have meant who left the host out: `docker.io/library/nginx:alpine`."""
    repository = reference.repository.removeprefix(f"{account_id}/")
    official = repository if "/" in repository else f"library/{repository}"
    return str(replace(reference, host=DOCKER_HUB, repository=official))


def copy_tag(source_tag: str, digest: str) -> str:
    """The tag that a copy gets: `<source tag>-<12 hex of digest>`, or the digits alone (interface 1.3)."""
    short = digest.partition(":")[2][:_SHORT_DIGEST]
    if not source_tag or not is_tag(source_tag):
        return short
    return f"{source_tag[: _LONGEST_TAG - _SHORT_DIGEST - 1]}-{short}"


def required_disk_mb(size: int, layers: int) -> int:
    """The disk, in MB, that an instance must have to run an image of so many bytes (reference 4.3)."""
    return math.ceil((size * _SIZE_FACTOR + layers * _LAYER_OVERHEAD) / _MEGABYTE)
