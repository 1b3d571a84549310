"""What this process has written just now: for half a minute, "not found" may be an answer from before (failure-modes, row 9)."""

from __future__ import annotations

from typing import Any

VISIBLE_AFTER = 30.0
"""Seconds of the service's time."""


class OwnWrites:
    """The paths of objects that we made or changed, each with the service's time of it."""

    def __init__(self) -> None:
        self._written: dict[str, float] = {}

    def note(self, method: str, path: str, result: Any, now: float) -> None:
        """Remembers what a successful request has written."""
        path = _of_object(path)
        match method:
            case "PUT" | "PATCH":
                self._written[path] = now
            case "POST" if isinstance(result, dict) and isinstance(result.get("id"), str):
                self._written[f"{path}/{result['id']}"] = now
            case "DELETE":
                self._written.pop(path, None)

    def may_be_hidden(self, path: str, now: float) -> bool:
        """Whether what is asked for is ours, or part of it, and too young for every answer to know of it."""
        path = _of_object(path)
        while path:
            if now - self._written.get(path, -VISIBLE_AFTER) < VISIBLE_AFTER:
                return True
            path = path.rpartition("/")[0]
        return False


def _of_object(path: str) -> str:
    """A Worker is written as a script, and read as a service too (reference 3.3)."""
    return path.replace("/workers/services/", "/workers/scripts/", 1)
