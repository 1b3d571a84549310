"""Finds the operation for a method and a path: a tree of path segments, literals before parameters.

Own code because it is on the way of every request, and a page long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.emulator.answers import Answer, Raw

Outcome = Answer | Raw
Handler = Callable[..., Outcome | Awaitable[Outcome]]
Registered = TypeVar("Registered", bound=Handler)


class Routes:
    """The operations of one family; a module fills it and `app.py` includes it.

    A path below one of the prefixes holds literals and `{parameters}`, which the handler takes by keyword after the
    call. A handler is a plain function, or a coroutine if it reads the body as a stream (`streams=True`: the body is
    then not read before, see `Call.stream`).

        routes = Routes("/accounts/{account}/containers")

        @routes.add("GET", "/secrets/{secret_name}")
        def get_secret(call: Call, secret_name: str) -> Answer: ...
    """

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes
        self.operations: list[tuple[str, str, Operation]] = []

    def add(self, method: str, path: str, streams: bool = False) -> Callable[[Registered], Registered]:
        """Registers the decorated function for a method and a path."""

        def register(handler: Registered) -> Registered:
            self.operations.append((method, path, Operation(handler, streams)))
            return handler

        return register


@dataclass(frozen=True, slots=True)
class Operation:
    """What answers a route, and whether it reads its body by itself."""

    handler: Handler
    streams: bool


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    operations: dict[str, Operation] = field(default_factory=dict)


@dataclass(slots=True)
class Match:
    """The operation, or None where the path is known but not this method; and the path's parameters."""

    operation: Operation | None
    params: dict[str, str]


class Router:
    """All families under one root."""

    def __init__(self) -> None:
        self._root = _Node()

    def include(self, routes: Routes) -> None:
        """Adds a family under each of its prefixes."""
        for prefix in routes.prefixes:
            for method, path, operation in routes.operations:
                self._node((prefix + path).strip("/").split("/")).operations[method] = operation

    def find(self, method: str, segments: list[str]) -> Match | None:
        """The match for a path in segments, or None if there is no such path."""
        params: dict[str, str] = {}
        node = _descend(self._root, segments, 0, params)
        if node is None:
            return None
        return Match(node.operations.get(method), params)

    def _node(self, segments: list[str]) -> _Node:
        node = self._root
        for segment in segments:
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            name = segment[1:-1]
            if node.parameter is None:
                node.parameter = (name, _Node())
            if node.parameter[0] != name:
                raise ValueError(
                    f"{'/'.join(segments)}: {{{name}}} is called {{{node.parameter[0]}}} elsewhere"
                )
            node = node.parameter[1]
        return node


def _descend(node: _Node, segments: list[str], at: int, params: dict[str, str]) -> _Node | None:
    if at == len(segments):
        return node if node.operations else None
    literal = node.literals.get(segments[at])
    if literal is not None:
        found = _descend(literal, segments, at + 1, params)
        if found is not None:
            return found
    if node.parameter is None or not segments[at]:
        return None
    found = _descend(node.parameter[1], segments, at + 1, params)
    if found is not None:
        params[node.parameter[0]] = segments[at]
    return found
