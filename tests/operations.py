"""The operations that Cloudflare's containers API is described with, as a table of our own, and what of them our code calls."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from reconciler.clients.answers import Answer
from reconciler.clients.containers_api import ContainersApi

Operation = tuple[str, str]
_TABLE = Path(__file__).with_name("cloudflare_operations.txt")
_CODE = Path(__file__).parent.parent / "reconciler"
_CLIENT = "clients/containers_api"


def described_operations() -> list[Operation]:
    """Method and path of every operation."""
    rows = [line.split() for line in _TABLE.read_text().splitlines()]
    return [(method, path) for method, path in rows]


def shape(operation: Operation) -> Operation:
    """An operation without the names of its parameters."""
    return operation[0], re.sub(r"\{\w+\}", "{}", operation[1])


@cache
def operations_by_method() -> dict[str, Operation]:
    """The operation that each method of the client asks for, found by calling it."""
    names = [name for name in vars(ContainersApi) if not name.startswith("_")]
    return {name: _asked_by(name) for name in names}


class _AskedError(Exception):
    def __init__(self, method: str, path: str) -> None:
        self.operation = shape((method, path.replace("%7B", "{").replace("%7D", "}")))


class _Recorder(ContainersApi):
    """Tells what it would ask for, and asks nobody."""

    def __init__(self) -> None:
        self._account = ""
        self.transport: Any = SimpleNamespace(awaited=lambda ask, _is_there: ask())

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        raise _AskedError(method, path.removeprefix("/containers"))


def _asked_by(name: str) -> Operation:
    method = getattr(_Recorder(), name)
    needed = inspect.signature(method).parameters.values()
    given = [f"{{{one.name}}}" for one in needed if one.default is inspect.Parameter.empty]
    try:
        _exhausted(method(*given))
    except _AskedError as asked:
        return asked.operation
    return _silent(name)


def _exhausted(_answer: object) -> None:
    """Whatever came back: nothing does."""


def _silent(name: str) -> NoReturn:
    raise AssertionError(f"{name} asks for nothing")


@cache
def callers_by_method() -> dict[str, list[str]]:
    """The modules that use each method of the client."""
    found: dict[str, set[str]] = defaultdict(set)
    names = set(operations_by_method())
    for module, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in names:
                found[node.attr].add(module)
    return {name: sorted(modules) for name, modules in found.items()}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(_CODE.rglob("*.py")):
        module = path.relative_to(_CODE).with_suffix("").as_posix()
        if module != _CLIENT and not module.startswith("emulator/"):
            yield module, ast.parse(path.read_text())


def users_of(operation: Operation) -> list[str]:
    """Who uses an operation: kinds and commands, by where they stand in the code."""
    callers = callers_by_method()
    methods = [name for name, asked in operations_by_method().items() if asked == shape(operation)]
    return sorted({_place(module) for method in methods for module in callers.get(method, ())})


def _place(module: str) -> str:
    """A kind as a whole, since how it is divided among modules is its own affair; anything else by its module."""
    room, name = module.split("/")[:2]
    return f"{room}/{name}" if room == "kinds" else module
