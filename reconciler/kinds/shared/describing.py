"""One container as a manifest's block would tell it, from what the service shows: the way back from reading a block. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.clients.image_rules import ImageRules, place_image
from reconciler.errors import ReconcilerError
from reconciler.kinds.shared.container import KEYS
from reconciler.kinds.shared.sizes import DEFAULT_TYPE
from reconciler.model.describing import Known, literal
from reconciler.model.value import Attributes, Value

_MANNERS = {"image", "instance_type", "secrets", "ssh_public_key_ids"}


def container_block(attributes: Attributes, known: Known) -> tuple[dict[str, Value], dict[str, Value]]:
    """The keys that are about one container, and those that go without saying."""
    block: dict[str, Value] = {}
    spare: dict[str, Value] = {}
    if attributes.get("image"):
        block["image"] = literal(_short_image(str(attributes["image"]), known))
    size = attributes.get("instance_type")
    if size is not None:
        (spare if size == DEFAULT_TYPE else block)["instance_type"] = _tidy(size)
    block |= {key: literal(attributes[key]) for key in KEYS if key not in _MANNERS and attributes.get(key)}
    if checks := block.get("checks"):
        block["checks"] = {name: _told(check) for name, check in checks.items()}
    if secrets := attributes.get("secrets"):
        block["secrets"] = {
            variable: known.reference("secret", name) or literal(name) for variable, name in secrets.items()
        }
    if keys := attributes.get("ssh_public_key_ids"):
        block["ssh_public_key_ids"] = [known.reference("ssh_public_key", key) or literal(key) for key in keys]
    return block, spare


def logs_block(attributes: Attributes) -> tuple[dict[str, Value], dict[str, Value]]:
    """`observability` in its short form; none at all goes without saying."""
    logs: Mapping[str, Any] = attributes.get("observability") or {}
    told = {key: value for key, value in logs.items() if key != "logs"}
    enabled = bool((logs.get("logs") or {}).get("enabled"))
    said = {"observability": {"enabled": enabled, **told}}
    return (said, {}) if enabled or told else ({}, said)


def _told(check: Mapping[str, Any]) -> dict[str, Value]:
    """A check without what the service fills in empty."""
    pairs = ((key, _told(value) if isinstance(value, Mapping) else value) for key, value in check.items())
    return {key: value for key, value in pairs if value not in (False, "", {})}


def _tidy(size: Value) -> Value:
    """Whole numbers without a point."""
    if not isinstance(size, Mapping):
        return size
    return {
        key: int(one) if isinstance(one, float) and one.is_integer() else one for key, one in size.items()
    }


def _short_image(text: str, known: Known) -> str:
    """A name in the account's own registry without host and account, which need not be written (reference 4.2)."""
    short = text.removeprefix(f"{known.registry_host}/{known.account_id}/")
    rules = ImageRules(known.registry_host, known.account_id)
    try:
        return short if place_image(short, rules).text == text else text
    except ReconcilerError:
        return text
