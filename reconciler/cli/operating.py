"""Opens what commands that operate work with, from state and cloud alone: a broken or missing manifest does not stop them.

Whose account it is stands in the state; the manifest says, as far as it can be read, where the state lies and what it is about.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import workplace
from reconciler.cli.nearest_manifest import MANIFEST_NAME
from reconciler.cli.options import Common, addresses
from reconciler.cli.outline import glance
from reconciler.cli.stores import LOCAL_FOLDER, state_folder, store_for
from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.scrubber import Scrubber, scrubbed_errors
from reconciler.errors import ManifestError, ReconcilerError, StateError
from reconciler.frozen import frozen
from reconciler.kinds import SECTIONS, Clients
from reconciler.manifest.glance import Glance
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Prior
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.storage.identity import Identity
from reconciler.storage.store import Store
from reconciler.workflow import House

if TYPE_CHECKING:
    from reconciler.clients.transport import Transport


@frozen
class Operations:
    """A memory and the world that it is about. `state` is as it was at the opening; whoever writes reads it under the lock."""

    common: Common
    state: State
    store: Store
    house: House
    clients: Clients
    api: Cloudflare
    transport: Transport

    def read(self) -> State:
        """The state as it is now. Raises StateError where there is none."""
        return _present(self.store)

    def application(self, text: str) -> Prior:
        """What is remembered of an application, by its key or address."""
        return self.only(text, "application")

    def only(self, text: str, kind: str) -> Prior:
        """What is remembered of one resource of a kind. Raises ReconcilerError where the text means several."""
        found = self.all(text, kind)
        if len(found) > 1:
            names = ", ".join(str(prior.address) for prior in found)
            raise ReconcilerError(f'"{text}" means {len(found)} {kind}s: {names}', fix="name one of them")
        return found[0]

    def all(self, text: str, kind: str) -> list[Prior]:
        """What is remembered under a key or address of a kind: every instance where it is a block's of `for_each`."""
        address = address_of(text, kind)
        known = [prior for prior in self.state.resources.values() if prior.address.kind == kind]
        found = [prior for prior in known if address in (prior.address, prior.address.block)]
        if not found:
            names = ", ".join(sorted(str(prior.address) for prior in known)) or "none is"
            raise ReconcilerError(f"{address} is not in the state", fix=f"of its kind, {names}")
        return sorted(found, key=lambda prior: prior.address)


def address_of(text: str, kind: str) -> ResourceAddress:
    """The address that a key or address means. Raises ReconcilerError for one of another kind."""
    is_address = "." in text.partition("[")[0]
    [address] = addresses((text if is_address else f"{kind}.{text}",), SECTIONS)
    if address.kind != kind:
        raise ReconcilerError(f"{address} is no {kind}", fix=f"name one as in `{kind}.{address.key}`")
    return address


@contextmanager
def open_operations(common: Common, *, stop: StopSignal | None = None) -> Iterator[Operations]:
    """Everything for one command that operates, closed again at its end. Raises StateError where nothing was ever applied."""
    path, stop, scrub = _place(common), stop or StopSignal(), Scrubber()
    with scrubbed_errors(scrub), ExitStack() as stack:
        settings, problem = workplace.settings_for(common, path, stack)
        if settings is None:
            assert problem is not None
            raise problem
        store = _open_memory(common, path, _glance(common, path), settings.base_url)
        state = _present(store)
        transport = stack.enter_context(workplace.transport_for(settings, stop, scrub, common.verbose, store))
        clients = Clients(
            transport=transport,
            account_id=state.account_id,
            registry_host=settings.registry_host,
            registry_url=settings.registry_url,
            base_dir=path.parent,
            environ=os.environ,
            stop=stop,
            scrub=scrub,
            closing=stack,
        )
        house = workplace.house_for(clients, transport, store)
        api = Cloudflare(transport, state.account_id)
        yield Operations(common, state, store, house, clients, api, transport)


def _place(common: Common) -> Path:
    """Where the manifest is, or would be: beside it lies the memory."""
    try:
        return common.manifest_path()
    except ReconcilerError:
        for folder in (Path(), *Path.cwd().parents):
            if (folder / (LOCAL_FOLDER if common.local else "state")).is_dir():
                return folder / MANIFEST_NAME
        raise


def _glance(common: Common, path: Path) -> Glance:
    try:
        return glance(common, path, common.environment_name())
    except ManifestError:
        return Glance(str(path))


def _open_memory(common: Common, path: Path, outline: Glance, base_url: str) -> Store:
    target = "local" if common.local else "cloudflare"
    folder = state_folder(common, outline.state, path)
    environment = _environment(common, folder, outline)
    identity = Identity(outline.project, environment, target, outline.account_id, base_url)
    return store_for(common, outline.state, path, identity)


def _environment(common: Common, folder: Path, outline: Glance) -> str | None:
    """The environment that was named; none is needed where there is only the memory without one."""
    named = common.environment_name()
    if named is not None or (not outline.environments and (folder / "default.json").exists()):
        return named
    known = outline.environments or tuple(sorted(one.stem for one in folder.glob("*.json")))
    if known and known != ("default",):
        raise ReconcilerError(
            "there are several environments, and none was named", fix=f"say -e {' | '.join(known)}"
        )
    return None


def _present(store: Store) -> State:
    state = store.read()
    if state is None:
        raise StateError(f"there is no state at {store.describe()}", fix="the first apply makes one")
    return state
