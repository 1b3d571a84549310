"""Holds the law of arrows: which room may import which, and who alone may use a third-party package; and how values are made."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
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
    "msgspec": {"storage", "clients", "emulator", "render"},
    "cryptography": {"storage"},
    "obstore": {"storage"},
    "psycopg": {"storage"},
    "click": {"cli"},
}
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
every_module = pytest.mark.parametrize("path", MODULES, ids=str)
Law = Callable[[Path, ast.Module], Iterator[str]]


def room(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(tree: ast.Module) -> Iterator[str]:
    """The full names of what is imported, wherever in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows_that_do_not_point_down(path: Path, tree: ast.Module) -> Iterator[str]:
    allowed = MAY_IMPORT.get(room(path))
    for name in imports(tree) if allowed is not None else ():
        package, _, ours = name.partition(".")
        if package == "reconciler" and ours.split(".")[0] not in (allowed or ()):
            yield name


def packages_in_wrong_rooms(path: Path, tree: ast.Module) -> Iterator[str]:
    for name in imports(tree):
        package = name.split(".")[0]
        own = package in {"reconciler", "__future__"} or package in sys.stdlib_module_names
        if room(path) not in ONLY_USERS.get(package, {room(path)}) or (room(path) in FLOOR and not own):
            yield name


def kinds_that_know_each_other(path: Path, tree: ast.Module) -> Iterator[str]:
    if room(path) != "kinds" or path.name == path.parts[1] == "__init__.py":
        return
    own = path.parts[1].removesuffix(".py")
    for name in imports(tree):
        parts = name.split(".")
        if parts[:2] == ["reconciler", "kinds"] and parts[2] not in (own, SHARED):
            yield name


def values_that_are_not_ours(path: Path, tree: ast.Module) -> Iterator[str]:
    """ADR 8: what nobody changes is `@frozen`; what is compared by order keeps `@dataclass`, and so does the emulator."""
    for node in ast.walk(tree) if room(path) != "emulator" else ():
        for call in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            said = {one.arg for one in call.keywords} if isinstance(call, ast.Call) else set()
            if "frozen" in said and "order" not in said:
                yield node.name if isinstance(node, ast.ClassDef) else ""


def breaches(law: Law, path: Path) -> list[str]:
    return list(law(path, ast.parse((ROOT / path).read_text())))


@every_module
def test_every_arrow_points_down(path: Path) -> None:
    assert breaches(arrows_that_do_not_point_down, path) == []


@every_module
def test_third_party_packages_stay_in_their_rooms(path: Path) -> None:
    assert breaches(packages_in_wrong_rooms, path) == []


@every_module
def test_no_kind_knows_another(path: Path) -> None:
    assert breaches(kinds_that_know_each_other, path) == []


@every_module
def test_values_are_frozen_by_the_type_checker(path: Path) -> None:
    assert breaches(values_that_are_not_ours, path) == []


@every_module
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse((ROOT / path).read_text())), f"{path} opens without a docstring"


@pytest.mark.parametrize(
    ("law", "path", "text"),
    [
        (arrows_that_do_not_point_down, "engine/diff.py", "from reconciler.kinds.image import facts"),
        (arrows_that_do_not_point_down, "model/plan.py", "from reconciler import engine"),
        (arrows_that_do_not_point_down, "emulator/world.py", "def late():\n    import reconciler.errors"),
        (packages_in_wrong_rooms, "kinds/job/bind.py", "from httpx import Client"),
        (packages_in_wrong_rooms, "model/value.py", "import msgspec"),
        (kinds_that_know_each_other, "kinds/job/bind.py", "from reconciler.kinds.secret.facts import KIND"),
        (kinds_that_know_each_other, "kinds/account.py", "def late():\n    import reconciler.kinds.image"),
        (kinds_that_know_each_other, "kinds/account.py", "from reconciler.kinds import image"),
        (kinds_that_know_each_other, "kinds/image/__init__.py", "from reconciler.kinds import SECTIONS"),
        (
            values_that_are_not_ours,
            "model/plan.py",
            "@dataclass(frozen=True, slots=True)\nclass Step:\n    name: str",
        ),
    ],
)
def test_a_law_that_is_broken_is_told(law: Law, path: str, text: str) -> None:
    assert len(list(law(Path(path), ast.parse(text)))) == 1
