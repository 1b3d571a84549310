"""An image's block to attributes: which source it names, where that is, and the rules of interface 1.3.

Looks at nothing but the manifest. `settings` tell the looking and the doing where the image comes from and goes to.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.clients.image_reference import ImageReference, is_digest, is_tag
from reconciler.clients.image_rules import (
    MisplacedImageError,
    Place,
    PlacedImage,
    docker_hub_name,
    place_image,
)
from reconciler.clients.secret_names import is_secret_name
from reconciler.errors import ReconcilerError
from reconciler.kinds.image.facts import PLATFORM, SOURCES
from reconciler.kinds.shared.image_names import pulled_through, rules_of
from reconciler.model.handler import BindContext, Bound
from reconciler.model.value import Path, Pointer, Template, Value

ONE_SOURCE = "I101"
BAD_REFERENCE = "I102"
NOTHING_TO_COPY = "I107"
PLATFORM_DIFFERS = "I108"
BAD_DIGEST = "I109"
BAD_TAG = "I110"
SECRET_ARGUMENT = "I111"  # noqa: S105 - a diagnostic's code
TOO_LATE = "I112"
UNPINNED = "UNPINNED_IMAGE"

DAEMON = "docker-daemon:"


def read_wish(block: Mapping[str, Value], context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    return _Reading(block, context).bound()


class _Reading:
    """One block on its way to attributes."""

    def __init__(self, block: Mapping[str, Value], context: BindContext) -> None:
        self._block = block
        self._context = context
        self._rules = rules_of(context)
        self._attributes: dict[str, Value] = {}
        self._settings: dict[str, Value] = {
            "prefix": f"{self._rules.registry_host}/{self._rules.account_id}",
            "account_id": self._rules.account_id,
        }

    def bound(self) -> Bound:
        """The block as attributes and settings."""
        self._digest()
        self._source()
        self._tags()
        self._platform()
        waits_for = pulled_through(self._attributes.get("image"), self._context)
        return Bound(self._attributes, settings=self._settings, depends_on=waits_for)

    def _report(self, path: Path, code: str, summary: str, detail: str) -> None:
        self._context.report(path, code, summary, detail)

    def _text(self, holder: Mapping[str, Value], *path: str) -> str | None:
        """The text under a key; None where it is not known, or not a text."""
        value = holder.get(path[-1])
        if isinstance(value, Pointer | Template):
            written = f"`{path[-1]}` is known only after other resources have been applied"
            self._report(path, TOO_LATE, written, "say it in full, or with ${var...} or ${env...}")
        return value if isinstance(value, str) else None

    def _source(self) -> None:
        named = [key for key in SOURCES if self._block.get(key) is not None]
        if len(named) > 1:
            listed = " and ".join(f"`{key}`" for key in named)
            self._report((named[1],), ONE_SOURCE, f"{listed} exclude each other", "keep one of them")
        elif not named and not self._context.external:
            fix = "say `build`, `image` or `archive`"
            self._report((), ONE_SOURCE, "nothing says where the image comes from", fix)
        elif named:
            self._settings["source"] = named[0]
            read = {"build": self._build, "image": self._image, "archive": self._archive}
            read[named[0]]()

    def _build(self) -> None:
        block = self._block["build"]
        if isinstance(block, str):
            block = {"context": block}
        if not isinstance(block, Mapping):
            return
        self._check_platform(block.get("platform"), ("build", "platform"))
        self._check_arguments(block)
        said = {key: value for key, value in block.items() if (key, value) != ("platform", PLATFORM)}
        self._attributes["build"] = {"context": ".", **said}

    def _check_arguments(self, block: Mapping[str, Value]) -> None:
        arguments, harmless = block.get("args"), block.get("not_secret")
        if not isinstance(arguments, Mapping):
            return
        for name in arguments:
            if is_secret_name(name) and name not in (harmless or ()):
                summary = f"the build argument {name} looks like a secret, and secrets never enter a build"
                fix = f"hand it to the application under `secrets`, or say `not_secret: [{name}]`"
                self._report(("build", "args", name), SECRET_ARGUMENT, summary, fix)

    def _archive(self) -> None:
        text = self._text(self._block, "archive")
        self._attributes["archive"] = self._block["archive"] if text is None else text

    def _image(self) -> None:
        text = self._written()
        if text is None:
            self._attributes["image"] = self._block["image"]
            return
        try:
            placed = place_image(text, self._rules, push=self._block.get("push") is True)
        except MisplacedImageError as error:
            self._report(("image",), error.code, error.message, error.fix)
            return
        self._check_push(placed, text)
        self._warn_of_latest(placed, text)
        self._settings |= {"place": placed.place.value, "written": text}
        self._attributes["image"] = placed.text
        if placed.place is Place.COPIED:
            self._attributes["push"] = True

    def _written(self) -> str | None:
        """The image's name as one text, from either form."""
        value = self._block["image"]
        if not isinstance(value, Mapping):
            return self._text(self._block, "image")
        name = self._text(value, "image", "name")
        tag, digest = self._text(value, "image", "tag"), self._text(value, "image", "digest")
        if name is None or any(
            key in value and found is None for key, found in (("tag", tag), ("digest", digest))
        ):
            return None
        if _has_version(name):
            summary = f"`name` is {name}, which holds a tag or digest already"
            self._report(("image", "name"), BAD_REFERENCE, summary, "write them as `tag` and `digest`")
            return None
        return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    def _check_push(self, placed: PlacedImage, text: str) -> None:
        # As a default, `push` does not alter how a name is read (interface 1.3).
        is_written = self._block.get("push") is True and "push" not in self._context.defaulted
        if placed.place in (Place.COPIED, Place.PULLED) or not is_written:
            return
        if placed.place is Place.PROTOCOL:
            summary, fix = f"{text} is pulled by Cloudflare itself", "leave `push` out"
        elif placed.reference.host and text.partition("/")[0] == placed.reference.host:
            summary, fix = f"{text} is in Cloudflare's registry already", "leave `push` out"
        else:
            elsewhere = docker_hub_name(placed.reference, self._rules.account_id)
            summary = f"{text} means Cloudflare's registry, so there is nothing to copy"
            fix = f"write {elsewhere} to copy it from Docker Hub, or leave `push` out"
        self._report(("push",), NOTHING_TO_COPY, summary, fix)

    def _warn_of_latest(self, placed: PlacedImage, text: str) -> None:
        reference = placed.reference
        if reference.tag != "latest" or reference.digest or self._settings.get("pinned"):
            return
        summary = f"{text}: what `latest` is changes without notice"
        self._context.warn(("image",), UNPINNED, summary, "name a version, or pin it with `digest`")

    def _digest(self) -> None:
        digest = self._text(self._block, "digest")
        if digest is None:
            if self._block.get("digest") is not None:
                self._attributes["digest"] = self._block["digest"]
            return
        if not is_digest(digest) or not digest.startswith("sha256:"):
            fix = "a digest is sha256: and 64 hexadecimal digits"
            self._report(("digest",), BAD_DIGEST, f'"{digest}" is no digest', fix)
            return
        self._attributes["digest"] = digest
        self._settings["pinned"] = True

    def _tags(self) -> None:
        tags = self._block.get("tags")
        if not isinstance(tags, list | tuple) or not tags:
            return
        if self._settings.get("place") in (Place.PULLED, Place.PROTOCOL):
            summary = "tags cannot be set on an image that is not in Cloudflare's registry"
            self._report(("tags",), BAD_TAG, summary, "leave `tags` out, or copy the image with `push: true`")
        for tag in tags:
            if isinstance(tag, str) and not is_tag(tag):
                fix = "a tag has up to 128 letters, digits, '_', '.' or '-'"
                self._report(("tags",), BAD_TAG, f'"{tag}" is no tag', fix)
        self._attributes["tags"] = sorted(set(tags), key=str)

    def _platform(self) -> None:
        self._check_platform(self._block.get("platform"), ("platform",))
        if self._block.get("platforms") is not None:
            self._attributes["platforms"] = self._block["platforms"]

    def _check_platform(self, platform: Value, path: Path) -> None:
        if isinstance(platform, str) and platform != PLATFORM:
            summary = f"Cloudflare runs {PLATFORM} only, not {platform}"
            self._report(path, PLATFORM_DIFFERS, summary, f"leave `{path[-1]}` out, or say {PLATFORM}")


def _has_version(name: str) -> bool:
    try:
        return bool(ImageReference.parse(name).version)
    except ReconcilerError:
        return False
