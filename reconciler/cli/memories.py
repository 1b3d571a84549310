"""Every memory of a project at once: the states of all its environments, and the versions kept of them."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.options import Common
from reconciler.cli.outline import glance
from reconciler.cli.stores import Settings, backend_of, state_folder, store_for
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest import peek
from reconciler.model.state import State
from reconciler.storage.identity import Identity
from reconciler.storage.lock import Holder
from reconciler.storage.moved import MovedStateError

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
    known = peek(path).environments
    settings: dict[str | None, Settings] = {one: glance(common, path, one).state for one in known}
    base = glance(common, path, None).state
    if not known or backend_of(common, base) == "local":  # elsewhere an address may hold one state only
        settings = {None: base, **settings}
    for one in [one for one in settings.values() if backend_of(common, one) == "local"]:
        for name in _names(state_folder(common, one, path)):
            settings.setdefault(None if name == _DEFAULT else name, one)
    found = [_memory(common, path, name, one, with_history) for name, one in settings.items()]
    return [memory for memory in found if memory is not None]


def memory_of(common: Common, environment: str) -> Memory:
    """The state of one environment of the manifest; raises ReconcilerError where there is none."""
    path = common.manifest_path()
    known = peek(path).environments
    if environment not in known:
        there = f"there are {', '.join(known)}" if known else "the manifest has none"
        raise ReconcilerError(f'{path} has no environment "{environment}"', fix=there)
    settings = glance(common, path, environment).state
    found = _memory(common, path, environment, settings, with_history=False)
    if found is None:
        raise ReconcilerError(
            f"nothing was ever applied to {environment}", fix=f"`apply -e {environment}` comes first"
        )
    return found


def _names(folder: Path) -> list[str]:
    """The environments that have left something in a folder: a state, or what lies beside one."""
    try:
        return sorted({one.stem for one in folder.iterdir() if one.suffix in _TRACES and one.name[0] != "."})
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReconcilerError(f"{folder} cannot be read: {error.strerror}") from None


def _memory(
    common: Common, path: Path, environment: str | None, settings: Settings, with_history: bool
) -> Memory | None:
    target = "local" if common.local else "cloudflare"
    identity = Identity(peek(path).project, environment, target)
    store = store_for(common, settings, path, identity)
    try:
        state = store.read()
    except MovedStateError:  # it is found where it is now
        return None
    if state is None:
        return None
    notes = store.history() if with_history else ()
    earlier = tuple(store.read_version(note.serial) for note in notes if note.serial != state.serial)
    return Memory(environment, state, earlier, store.holder())
