"""Every memory of a project at once: the states of all its environments, and the versions kept of them."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.cli import workplace
from reconciler.cli.options import Common
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest import peek
from reconciler.model.state import State
from reconciler.storage.high_water import default_marks_folder
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from reconciler.storage.lock import Holder

_DEFAULT = "default"
_TRACES = {".json", ".journal", ".history"}


@frozen
class Memory:
    """What is remembered of one environment; `earlier` has the versions before, newest first."""

    environment: str | None
    state: State
    earlier: tuple[State, ...] = ()
    holder: Holder | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        return self.environment or _DEFAULT


def all_memories(common: Common, *, with_history: bool = False) -> list[Memory]:
    """The states of all environments, also of those that left the manifest. Raises StateError if one cannot be read."""
    path = common.manifest_path()
    environments: list[str | None] = [None, *peek(path).environments]
    folders = {environment: _folder(common, path, environment) for environment in environments}
    for folder in set(folders.values()):
        for name in _names(folder):
            folders.setdefault(None if name == _DEFAULT else name, folder)
    found = [_memory(common, path, name, folder, with_history) for name, folder in folders.items()]
    return [memory for memory in found if memory is not None]


def memory_of(common: Common, environment: str) -> Memory:
    """The state of one environment of the manifest; raises ReconcilerError where there is none."""
    path = common.manifest_path()
    known = peek(path).environments
    if environment not in known:
        there = f"there are {', '.join(known)}" if known else "the manifest has none"
        raise ReconcilerError(f'{path} has no environment "{environment}"', fix=there)
    folder = _folder(common, path, environment)
    found = _memory(common, path, environment, folder, with_history=False)
    if found is None:
        raise ReconcilerError(
            f"nothing was ever applied to {environment}", fix=f"`apply -e {environment}` comes first"
        )
    return found


def _folder(common: Common, path: Path, environment: str | None) -> Path:
    return workplace.state_folder(common, peek(path, environment).state, path)


def _names(folder: Path) -> list[str]:
    """The environments that have left something in a folder: a state, or what lies beside one."""
    try:
        return sorted({one.stem for one in folder.iterdir() if one.suffix in _TRACES and one.name[0] != "."})
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReconcilerError(f"{folder} cannot be read: {error.strerror}") from None


def _memory(
    common: Common, path: Path, environment: str | None, folder: Path, with_history: bool
) -> Memory | None:
    target = "local" if common.local else "cloudflare"
    identity = Identity(peek(path).project, environment, target)
    store = LocalStore(folder, identity, marks=default_marks_folder(os.environ))
    state = store.read()
    if state is None:
        return None
    notes = store.history() if with_history else ()
    earlier = tuple(store.read_version(note.serial) for note in notes if note.serial != state.serial)
    return Memory(environment, state, earlier, store.holder())
