"""Where a memory lies: a manifest's `state:` becomes a store. Nothing else constructs one.

A remote backend, and the library that it needs, is imported only where a manifest asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.options import Common
from reconciler.cli.saying import note
from reconciler.cli.state_keys import envelope_for
from reconciler.errors import RefusedError, StateError
from reconciler.manifest.state_settings import KEYS, missing_key
from reconciler.storage.disk import Disk
from reconciler.storage.envelope import Plain
from reconciler.storage.high_water import HighWaterMarks, default_marks_folder
from reconciler.storage.identity import Identity, is_loopback
from reconciler.storage.local_store import LocalStore
from reconciler.storage.store import Store

if TYPE_CHECKING:
    from reconciler.storage.remote.shelf import Shelf

LOCAL_FOLDER = Path(".reconciler") / "local"
Settings = Mapping[str, Any]


def backend_of(common: Common, settings: Settings) -> str:
    """The backend that is meant; with `--local` there is only the one."""
    return "local" if common.local else str(settings.get("backend") or "local")


def state_folder(common: Common, settings: Settings, path: Path) -> Path:
    """The folder of a local state, there or not."""
    if common.local:
        return path.parent / LOCAL_FOLDER / "state"
    return path.parent / str(settings.get("path") or "state")


def store_for(
    common: Common,
    settings: Settings,
    path: Path,
    identity: Identity,
    *,
    keep_secret: Callable[[str], None] = lambda _value: None,
    accepts_plain: bool = False,
) -> Store:
    """The memory that `state:` means for a project and an environment. Raises StateError where it says too little.

    `keep_secret` is told every key; `accepts_plain`: where there is a key, what is not encrypted is read too.
    """
    backend = backend_of(common, settings)
    marks = default_marks_folder(os.environ)
    envelope = Plain() if common.local else envelope_for(settings, path.parent, keep_secret)
    envelope = envelope.lenient() if accepts_plain else envelope
    if backend == "local":
        kind = PassingStore if _goes_away(common, settings, identity) else LocalStore
        return kind(state_folder(common, settings, path), identity, marks=marks, envelope=envelope)
    from reconciler.storage.remote.store import RemoteStore

    shelf, options = _shelf(backend, settings, identity, path)
    seen = HighWaterMarks(marks, Disk())
    return RemoteStore(backend, shelf, identity, marks=seen, envelope=envelope, tell=note, **options)


class PassingStore(LocalStore):
    """A state in a folder that goes away with a CI runner: it may be read, and nothing is written that would be lost."""

    def check_writable(self) -> None:
        """Raises RefusedError."""
        raise RefusedError(
            "this is CI, and the state lies in a folder that goes away with it",
            fix="keep the state elsewhere, or say `state: {backend: local}` in the manifest if this folder is kept",
        )

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Raises RefusedError, whichever command wants to write."""
        del command
        self.check_writable()
        yield


def _goes_away(common: Common, settings: Settings, identity: Identity) -> bool:
    """Whether a local state lies in CI by accident; one about a stand-in on this machine is nobody's loss (interface 2)."""
    if not os.environ.get("CI") or common.local or settings.get("backend"):
        return False
    return not is_loopback(identity.api_base_url or os.environ.get("CLOUDFLARE_API_BASE_URL", ""))


def _shelf(
    backend: str, settings: Settings, identity: Identity, path: Path
) -> tuple[Shelf, Mapping[str, Any]]:
    _check(backend, settings, identity, path)
    folder = f"{identity.project}/{identity.environment or 'default'}"
    if backend == "s3":
        from reconciler.storage.remote import s3

        return s3.open_shelf(settings, os.environ, folder), {}
    if backend == "postgres":
        from reconciler.storage.remote import postgres

        return postgres.open_shelf(settings, os.environ, folder), {}
    from reconciler.storage.remote import http_state

    shelf = http_state.open_shelf(settings, os.environ, folder)
    return shelf, {"kept_versions": http_state.KEPT_VERSIONS, "keeps_lists": False}


def _check(backend: str, settings: Settings, identity: Identity, path: Path) -> None:
    """What a manifest that was only glanced at may lack."""
    if backend not in KEYS:
        raise StateError(f"{path}: there is no state backend {backend!r}", fix=f"there are {', '.join(KEYS)}")
    if needed := missing_key(settings):
        raise StateError(f"{path}: state needs {needed} for the backend {backend}", fix=f"add `{needed}:`")
    if not identity.project:
        raise StateError(f"{path} does not say which project this is", fix="add `project: NAME`")
