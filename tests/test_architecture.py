"""Holds the law of arrows: which room may import which, and who alone may use a third-party package."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "reconciler"
FLOOR = {"model", "errors", "frozen"}
MAY_IMPORT = {
    "frozen": set(),
    "errors": set(),
    "model": FLOOR,
    "manifest": FLOOR | {"manifest"},
    "engine": FLOOR | {"engine"},
    "storage": FLOOR | {"storage"},
    "render": FLOOR | {"render"},
    "clients": {"errors", "frozen", "clients"},
    "emulator": {"emulator"},
    "kinds": FLOOR | {"clients", "kinds"},
    "workflow": FLOOR | {"manifest", "engine", "storage"},
}
SHARED = "shared"
"""What several kinds understand alike: each of them may import it."""
ONLY_USERS = {
    "ruamel": {"manifest", "clients"},
    "_ruamel_yaml": {"manifest"},
    "jsonschema": {"manifest"},
    "jsonschema_rs": {"manifest"},
    "networkx": {"engine"},
    "httpx": {"clients"},
    "docker": {"clients"},
    "dockerfile_parse": {"clients"},
    "uvicorn": {"emulator"},
    "msgspec": {"storage", "clients", "emulator"},
    "click": {"cli"},
}
MODULES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.lineno, node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_arrow_points_down(path: Path) -> None:
    allowed = MAY_IMPORT.get(room(path))
    if allowed is None:
        return
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] == "reconciler" and len(parts) > 1:
            assert parts[1] in allowed, f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_third_party_packages_stay_in_their_rooms(path: Path) -> None:
    for line, name in imports(path):
        package = name.split(".")[0]
        if package in ONLY_USERS:
            assert room(path) in ONLY_USERS[package], f"{path}:{line} imports {name}"
        if room(path) in FLOOR:
            own = package in {"reconciler", "__future__"}
            assert own or package in sys.stdlib_module_names, f"{path}:{line} imports {name}"


def kind_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room(path) == "kinds" and kind_of(path) != "__init__"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_kind_knows_another(path: Path) -> None:
    for line, name in imports(path):
        parts = name.split(".")
        if parts[:2] == ["reconciler", "kinds"]:
            assert parts[2:3] in ([kind_of(path)], [SHARED]), f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} opens without a docstring"
