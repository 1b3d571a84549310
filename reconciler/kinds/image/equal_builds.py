"""Which images come from the same build: it is made for the first, and the others take it out of that one's repository."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from reconciler.model.handler import Prepared


class EqualBuilds:
    """Knows the repositories of every build, by its inputs."""

    def __init__(self) -> None:
        self._repositories: dict[str, list[str]] = {}
        self._turns: dict[str, threading.Lock] = {}

    def note(self, prepared: Iterable[Prepared]) -> None:
        """Takes note of where builds go, as looking at their inputs has shown."""
        self._repositories.clear()
        for one in prepared:
            if "inputs" in one.attributes:
                repositories = self._repositories.setdefault(one.attributes["inputs"], [])
                repositories.append(one.attributes["repository"])

    def turn(self, inputs: str) -> threading.Lock:
        """Held while one image of these inputs is built and pushed, so that the next one finds it."""
        return self._turns.setdefault(inputs, threading.Lock())

    def other_repositories(self, inputs: str, repository: str) -> list[str]:
        """Where else the same build may be."""
        return [other for other in self._repositories.get(inputs, ()) if other != repository]
