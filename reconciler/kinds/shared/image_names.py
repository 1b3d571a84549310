"""An image as a block names it: `${images.x}`, or a name by the rules of interface 1.3. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.clients.image_rules import ImageRules, MisplacedImageError, place_image
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext
from reconciler.model.value import Path, Pointer, Ref, Template, Unknown, Value

UNPINNED = "UNPINNED_IMAGE"


def is_pointing(value: Value) -> bool:
    """Whether a value is not there yet."""
    return isinstance(value, Pointer | Template | Unknown)


def placed_image(value: Value, path: Path, context: BindContext) -> Value:
    """An image's full name, or what points at it; reports a name that has no place."""
    if isinstance(value, Ref) and not value.path:
        return Ref(value.address, ("ref",), value.expression)
    text = _joined_image(value)
    if text is None:
        return value
    try:
        placed = place_image(text, rules_of(context))
    except MisplacedImageError as error:
        context.report(path, error.code, error.message, error.fix)
        return text
    reference = placed.reference
    if reference.tag == "latest" and not reference.digest:
        summary = f"{text}: what `latest` is changes without notice"
        context.warn(path, UNPINNED, summary, "name a version, or pin it by digest")
    return placed.text


def image_setting(value: Value, context: BindContext) -> Mapping[str, Value]:
    """How an image was written, for `ImageResolving` to ask what it comes to."""
    rules = rules_of(context)
    return {
        "text": _joined_image(value),
        "registry_host": rules.registry_host,
        "account_id": rules.account_id,
    }


def pulled_through(image: Value, context: BindContext) -> tuple[ResourceAddress, ...]:
    """The registry or protocol of this manifest that has to be there before Cloudflare takes a placed image's name.

    Without it the service answers IMAGE_REGISTRY_NOT_CONFIGURED (reference 4.2).
    """
    if not isinstance(image, str):
        return ()
    rules = rules_of(context)
    protocol, sign, _ = image.partition("://")
    if sign:
        return (ResourceAddress("registry_protocol", protocol),) if protocol in rules.protocols else ()
    key = rules.hosts.get(image.partition("/")[0].lower())
    return () if key is None else (ResourceAddress("registry", key),)


def rules_of(context: BindContext) -> ImageRules:
    """What the manifest says about registries."""
    found: ImageRules = context.once("image rules", lambda: _rules_of(context))
    return found


def _rules_of(context: BindContext) -> ImageRules:
    domains = {
        key: context.text_of(ResourceAddress("registry", key), "domain")
        for key in context.sections.get("registries", {})
    }
    protocols = context.sections.get("registry_protocols", {})
    return ImageRules.of(context.registry_host, context.account_id, domains, protocols)


def _joined_image(value: Value) -> str | None:
    """An image's name as one text, from either form; None where a part of it points elsewhere."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(key) for key in ("name", "tag", "digest")]
    if any(is_pointing(part) for part in parts) or not isinstance(parts[0], str):
        return None
    return parts[0] + (f":{parts[1]}" if parts[1] else "") + (f"@{parts[2]}" if parts[2] else "")
