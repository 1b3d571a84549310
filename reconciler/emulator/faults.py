"""What goes wrong on purpose: the list of `PUT /emulator/faults`, and which fault is due (interface 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

FAULTS = ("drop", "status", "headers", "body", "html", "delay", "stale", "echo")
RULE_KEYS = ("method", "path", "after", "times", "fault")


@dataclass(slots=True)
class Rule:
    """One line of the list, with its counters."""

    fault: dict[str, Any]
    method: str | None = None
    path: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    after: int = 0
    times: int = 1
    matched: int = 0
    struck: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether the rule speaks of this request."""
        return (self.method is None or self.method == method) and self.path.search(path) is not None

    @property
    def is_due(self) -> bool:
        """Whether enough requests went by and it has not struck often enough."""
        return self.matched > self.after and (self.times == 0 or self.struck < self.times)


class Faults:
    """The rules in order. Every rule counts all requests that match it, also those that another one struck."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def replace(self, document: object) -> None:
        """Takes over a new list with fresh counters, or raises ValueError and keeps the old one."""
        if not isinstance(document, list):
            raise ValueError("faults are a JSON list")
        self._rules = [_rule(item) for item in document]

    def due(self, method: str, path: str) -> dict[str, Any] | None:
        """The fault that strikes this request: that of the first rule that is due."""
        matching = [rule for rule in self._rules if rule.matches(method, path)]
        for rule in matching:
            rule.matched += 1
        for rule in matching:
            if rule.is_due:
                rule.struck += 1
                return rule.fault
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """The rules with their counters, for `GET /emulator/faults`."""
        return [
            {
                "method": rule.method,
                "path": rule.path.pattern,
                "after": rule.after,
                "times": rule.times,
                "fault": rule.fault,
                "matched": rule.matched,
                "struck": rule.struck,
            }
            for rule in self._rules
        ]


def _rule(item: object) -> Rule:
    if not isinstance(item, dict) or not isinstance(item.get("fault"), dict):
        raise ValueError(f"a fault is an object with the key 'fault', not {item!r}")
    unknown = [key for key in item if key not in RULE_KEYS] + [
        key for key in item["fault"] if key not in FAULTS
    ]
    if unknown:
        raise ValueError(
            f"unknown key {unknown[0]!r}; a rule has {', '.join(RULE_KEYS)}, a fault {', '.join(FAULTS)}"
        )
    if not item["fault"] or item["fault"].get("drop", "before") not in ("before", "after"):
        raise ValueError('a fault does something; "drop" is "before" or "after"')
    try:
        path = re.compile(item.get("path") or "")
    except re.error as error:
        raise ValueError(f"path {item['path']!r} is no regular expression: {error}") from error
    return Rule(
        item["fault"], item.get("method"), path, int(item.get("after") or 0), int(item.get("times", 1))
    )


def echoed(body: Any, echo: dict[str, Any]) -> Any:
    """An answer in which the dotted paths have other values, in its result or in every element of a list."""
    result = body.get("result") if isinstance(body, dict) and "result" in body else body
    for item in result if isinstance(result, list) else [result]:
        for path, value in echo.items():
            _set(item, path.removeprefix("result.").split("."), value)
    return body


def _set(target: Any, path: list[str], value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(target, dict):
            return
        target = target.setdefault(key, {})
    if isinstance(target, dict):
        target[path[-1]] = value
