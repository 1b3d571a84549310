"""Takes out of plans and events what is another at every run: ids, times, lineages; the same one gets the same word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.harness import ACCOUNT

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)| \d\d:\d\d UTC)|`\d{4}-\d\d-\d\d \d\d:\d\d` UTC"
)
_IDENTITY = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"
)
_ELEMENT = re.compile(r"<(?=[a-z])")
_VERSION = re.compile(r"reconciler \d+(?:\.\d+)+")
_CHANGING = {"live", "tool_version"}
_UNSTEADY = {"StepProgressed"}
_TELLING = {"forces_replacement", "before", "after"}
"""Keys of which an empty value says something."""

_CHOSEN = {
    "application": ("name", "instances", "max_instances", "configuration", "durable_objects"),
    "namespace": ("name", "class", "container"),
    "worker": ("id",),
    "secret": ("name", "version"),
}


@dataclass
class Words:
    """The words of one story."""

    ids: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """A text with words in place of times and ids."""
        return _IDENTITY.sub(lambda found: self._word(found.group()), _TIME.sub("TIME", text))

    def plan(self, document: dict[str, Any]) -> str:
        """A plan as JSON, without what is empty: a reader looks for what is there."""
        return self.text(json.dumps(_steady(document), indent=1, ensure_ascii=False)) + "\n"

    def page(self, page: str) -> str:
        """What a page says of this plan: its style and script, the same in every page, are left out. An element a line."""
        body = page[page.index("<body>") : page.index("<script>")]
        return self.text(_VERSION.sub("reconciler VERSION", _ELEMENT.sub(r"\n<", body))) + "\n"

    def events(self, lines: str) -> str:
        """What happened, by resource: independent ones may take turns differently."""
        events = [json.loads(line) for line in lines.splitlines()]
        told = [event for event in events if event["event"] not in _UNSTEADY]
        told.sort(key=lambda event: str(event.get("address", "")))
        return "".join(self.text(json.dumps(_steady(event), ensure_ascii=False)) + "\n" for event in told)

    def world(self, kinds: dict[str, list[dict[str, Any]]]) -> str:
        """What there is in the end: of each application, script and account secret, what somebody chose."""
        shown = {
            kind: [_only(one, keys) for one in sorted(kinds.get(kind, []), key=lambda one: str(one["name"]))]
            for kind, keys in _CHOSEN.items()
        }
        return self.text(json.dumps(_steady(shown), indent=1)) + "\n"

    def _word(self, identity: str) -> str:
        if identity == ACCOUNT:
            return "ACCOUNT"
        return self.ids.setdefault(identity, f"ID-{len(self.ids) + 1}")


def _steady(value: Any) -> Any:
    if isinstance(value, list):
        return [_steady(one) for one in value]
    if not isinstance(value, dict):
        return value
    told = {key: inner for key, inner in value.items() if key in _TELLING or not _is_empty(inner)}
    if told.get("forces_replacement") is False:
        del told["forces_replacement"]
    return {key: "..." if key in _CHANGING else _steady(inner) for key, inner in told.items()}


def _only(one: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: one.get(key) for key in keys}


def _is_empty(value: Any) -> bool:
    """Whether it says nothing: null, false, no text, no members, or a place at no line."""
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is None or value is False or value in ("", [], 0)
