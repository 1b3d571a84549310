"""Opens everything a command works with: manifest, settings, clients, handlers, state. Nothing else constructs them."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reconciler import __version__
from reconciler.cli.options import Common
from reconciler.cli.outline import NO_ACCOUNT, glance
from reconciler.cli.saying import note
from reconciler.cli.stores import LOCAL_FOLDER, state_folder, store_for
from reconciler.clients.scrubber import Scrubber, scrubbed_errors
from reconciler.engine.carry import Clock
from reconciler.errors import AuthenticationError, ManifestError, ReconcilerError, RefusedError
from reconciler.frozen import frozen
from reconciler.kinds import Clients, build_handlers
from reconciler.manifest import read_manifest, validate_manifest
from reconciler.model.diagnostic import Severity
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.plan import RecordedInputs
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.storage.identity import Identity
from reconciler.storage.store import REQUEST_SECONDS, Store
from reconciler.workflow import House

if TYPE_CHECKING:
    from reconciler.clients.settings import ApiSettings
    from reconciler.clients.transport import Transport


@frozen
class Workplace:
    """A manifest bound to one environment, the world it is about, and the memory of it."""

    common: Common
    manifest: Manifest
    house: House
    store: Store
    identity: Identity
    clients: Clients
    transport: Transport

    def state(self, lineage: str = "") -> State:
        """The state as it is; a new one, not yet written, where there never was one."""
        found = self.store.read()
        if found is not None:
            return found
        about = self.identity
        return State(
            lineage or str(uuid4()),
            project=about.project,
            environment=about.environment,
            target=about.target,
            account_id=about.account_id,
            api_base_url=about.api_base_url,
        )


@contextmanager
def open_workplace(
    common: Common,
    *,
    variables: Mapping[str, str] | None = None,
    recorded: RecordedInputs | None = None,
    stop: StopSignal | None = None,
    parallelism: int = 10,
    may_push: bool = False,
    builder: str = "",
) -> Iterator[Workplace]:
    """Everything for one command, closed again at its end. Errors of the manifest come before those of settings."""
    path = common.manifest_path()
    stop = stop or StopSignal()
    scrub = Scrubber()
    with scrubbed_errors(scrub), ExitStack() as stack:
        settings, problem = settings_for(common, path, stack)
        try:
            manifest = manifest_for(common, path, settings, variables, recorded)
        except ManifestError as error:
            raise _worse(error, problem, path, common) from None
        if settings is None:
            assert problem is not None
            raise problem
        account_id = str(manifest.account_id)
        identity = Identity(
            manifest.project,
            manifest.environment,
            "local" if common.local else "cloudflare",
            account_id,
            settings.base_url,
        )
        store = store_for(common, manifest.state, path, identity, keep_secret=scrub.add)
        transport = stack.enter_context(transport_for(settings, stop, scrub, common.verbose, store))
        clients = Clients(
            transport=transport,
            account_id=account_id,
            registry_host=settings.registry_host,
            registry_url=settings.registry_url,
            base_dir=path.parent,
            environ=os.environ,
            keys=config_folder() / "keys",
            ask=asker(),
            stop=stop,
            scrub=scrub,
            may_push=may_push,
            builder=builder,
            fingerprint_key=manifest.state.get("fingerprint_key", {}),
            closing=stack,
            known_descent=_known_descent(common, manifest.environment),
            own_folders=(state_folder(common, manifest.state, path),),
        )
        house = house_for(clients, transport, store, parallelism)
        yield Workplace(common, manifest, house, store, identity, clients, transport)


def house_for(clients: Clients, transport: Transport, store: Store, parallelism: int = 10) -> House:
    """Handlers, time and memory together: what plans are made and carried out with."""
    stop = clients.stop
    return House(
        build_handlers(clients),
        _clock(transport, stop),
        stop,
        by=f"{_user()}@{socket.gethostname()}",
        tool_version=__version__,
        new_id=lambda: uuid4().hex,
        in_days=_in_days,
        parallelism=parallelism,
        recall=store.recall,
        scrub=clients.scrub,
    )


def _known_descent(common: Common, environment: str | None) -> Callable[[str], Mapping[str, Any]]:
    """Opens the memories of the other environments only if a digest needs them."""

    def known(digest: str) -> Mapping[str, Any]:
        from reconciler.cli.image_descent import elsewhere

        return elsewhere(common, environment, digest)

    return known


def open_store(common: Common, *, accepts_plain: bool = False) -> Store:
    """The memory alone, for commands that need no world; a broken manifest does not stop them."""
    path = common.manifest_path()
    environment = common.environment_name()
    outline = glance(common, path, environment)
    if outline.environments and environment is None:
        raise ReconcilerError(
            f"{path} has environments, and none was named", fix=f"say -e {' | '.join(outline.environments)}"
        )
    identity = Identity(outline.project, environment, "local" if common.local else "cloudflare")
    return store_for(common, outline.state, path, identity, accepts_plain=accepts_plain)


def binding_handlers(registry_host: str = "registry.cloudflare.com") -> dict[str, Any]:
    """Handlers that can bind and nothing more: enough to check a manifest."""
    return build_handlers(Clients(registry_host=registry_host))


def _worse(
    error: ManifestError, problem: ReconcilerError | None, path: Path, common: Common
) -> ReconcilerError:
    """What to tell first: what is wrong with the text, else that there are no credentials, else what is not set."""
    if problem is None:
        return error
    offline = Inputs(offline=True)
    findings = validate_manifest(path, binding_handlers(), common.environment_name(), offline)
    return error if any(one.severity is Severity.ERROR for one in findings) else problem


def settings_for(
    common: Common, path: Path, stack: ExitStack
) -> tuple[ApiSettings | None, ReconcilerError | None]:
    """Which API to speak to: the stand-in, started, or what the environment says; or why there is none."""
    if common.local:
        return _local_settings(path, stack), None
    from reconciler.clients.settings import settings_from

    try:
        return settings_from(os.environ), None
    except AuthenticationError as error:
        return None, error


def _local_settings(path: Path, stack: ExitStack) -> ApiSettings:
    """The stand-in, served by this process for as long as the command runs."""
    from reconciler.clients.settings import ApiCredentials, ApiSettings
    from reconciler.emulator.server import LocalServer

    folder = path.parent / LOCAL_FOLDER / "world"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = stack.enter_context(LocalServer(folder))
    except OSError as error:
        raise RefusedError(
            f"the local stand-in cannot be started in {folder}: {error.strerror or error}",
            fix="another command may be at work with --local; wait for it, or remove the folder",
        ) from None
    return ApiSettings(
        base_url=server.base_url,
        credentials=ApiCredentials(token="local"),  # noqa: S106 - the stand-in takes any
        account_id=os.environ.get("CLOUDFLARE_ACCOUNT_ID", NO_ACCOUNT),
        registry_host="registry.cloudflare.com",
        registry_url=server.base_url.removesuffix("/client/v4"),
    )


def manifest_for(
    common: Common,
    path: Path,
    settings: ApiSettings | None,
    variables: Mapping[str, str] | None = None,
    recorded: RecordedInputs | None = None,
) -> Manifest:
    """The manifest of the environment; raises ManifestError. What a saved plan recorded comes before what is set now."""
    host = settings.registry_host if settings else "registry.cloudflare.com"
    environ = dict(os.environ)
    git: Callable[[str], Any] = GitFacts(path.parent)
    if common.local:
        environ.setdefault("CLOUDFLARE_ACCOUNT_ID", NO_ACCOUNT)
    if recorded is not None:
        environ |= recorded.env
        variables = {**recorded.var, **(variables or {})}
        git = GitFacts(path.parent, recorded.git)
    inputs = Inputs(environ=environ, variables=variables or {}, git=git, registry_host=host)
    return read_manifest(path, binding_handlers(host), common.environment_name(), inputs)


def transport_for(
    settings: ApiSettings, stop: StopSignal, scrub: Scrubber, verbose: int, store: Store | None = None
) -> Transport:
    """The door to that API; its waits end when stopping is asked for, and `scrub` knows its credentials.

    While the store is held under a lease, no request begins that could outlast it.
    """
    from reconciler.clients.transport import Transport

    for credential in (settings.credentials.token, settings.credentials.key):
        if credential and settings.base_url and not settings.is_loopback:
            scrub.add(credential)
    return Transport(
        settings.base_url,
        settings.credentials,
        sleep=stop.wait,
        stop=stop,
        scrub=scrub,
        on_wait=lambda seconds, reason: note(f"waiting {seconds:.0f} s: {reason}"),
        trace=(lambda line: note(scrub(line))) if verbose else None,
        user_agent=f"reconciler/{__version__}",
        **_under_lease(store),
    )


def _under_lease(store: Store | None) -> dict[str, Any]:
    if store is None or store.backend == "local":
        return {}
    return {"timeout": REQUEST_SECONDS, "may_begin": store.check_lease}


def config_folder() -> Path:
    """Where what belongs to the user, and must not lie beside a state, is kept."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "reconciler"


def asker() -> Callable[[str], str] | None:
    """Asks whoever sits at the terminal for what nobody may read; None where nobody does."""
    return _ask if sys.stdin.isatty() else None


def _ask(question: str) -> str:
    return getpass.getpass(f"{question}: ", stream=sys.stderr)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def iso(seconds: float) -> str:
    """Unix seconds as UTC text with milliseconds: `2026-11-20T10:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(transport: Transport, stop: StopSignal) -> Clock:
    def seconds_since(text: str) -> float:
        return transport.server_time() - datetime.fromisoformat(text).timestamp()

    return Clock(lambda: iso(transport.server_time()), stop.wait, seconds_since, note)


def _in_days(text: str, days: float) -> str:
    return iso((datetime.fromisoformat(text) + timedelta(days=days)).timestamp())


class GitFacts:
    """What `${git.*}` means here; recorded facts of a saved plan come first."""

    _COMMANDS = {  # noqa: RUF012 - a constant table
        "sha": ["rev-parse", "HEAD"],
        "short_sha": ["rev-parse", "--short", "HEAD"],
        "branch": ["rev-parse", "--abbrev-ref", "HEAD"],
        "describe": ["describe", "--always", "--tags", "--dirty"],
        "dirty": ["status", "--porcelain"],
    }

    def __init__(self, folder: Path, recorded: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._recorded = recorded or {}

    def __call__(self, name: str) -> Any:
        """A fact; raises LookupError where there is no repository."""
        if name in self._recorded:
            return self._recorded[name]
        try:
            ended = subprocess.run(
                ["git", "-C", str(self._folder), *self._COMMANDS[name]],  # noqa: S607 - the user's own git
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LookupError(f"git cannot be asked: {error}") from None
        if ended.returncode:
            raise LookupError("this is no git repository with a commit")
        return bool(ended.stdout.strip()) if name == "dirty" else ended.stdout.strip()
