"""Opens accounts for commands about images and whole accounts: for every environment at once, whether or not the manifest binds.

Credentials of the registry are minted when one asks for them, and kept nowhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import workplace
from reconciler.cli.nearest_manifest import MANIFEST_NAME
from reconciler.cli.options import Common
from reconciler.cli.outline import NO_ACCOUNT
from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.image_rules import ImageRules
from reconciler.clients.registries import Registries
from reconciler.clients.scrubber import Scrubber, scrubbed_errors
from reconciler.errors import ManifestError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest import Glance, Inputs, peek
from reconciler.model.stop import StopSignal

if TYPE_CHECKING:
    from reconciler.clients.registry import Registry
    from reconciler.clients.settings import ApiSettings
    from reconciler.clients.transport import Transport

_ACCOUNT = re.compile(r"[0-9a-f]{32}")


@frozen
class Account:
    """One account: its API, its registry, and every other registry as this machine may read it."""

    account_id: str
    host: str
    api: Cloudflare
    registries: Registries

    @property
    def registry(self) -> Registry:
        """Cloudflare's registry."""
        return self.registries(self.host)

    @property
    def rules(self) -> ImageRules:
        """What a reference means for this account."""
        return ImageRules(self.host, self.account_id)

    def repository(self, name: str) -> str:
        """A repository of this account as the registry has it."""
        return f"{self.account_id}/{name}"


@frozen
class Cloud:
    """What accounts are opened with. `scrub` knows every password that was minted."""

    common: Common
    path: Path
    settings: ApiSettings
    transport: Transport
    scrub: Scrubber
    stop: StopSignal
    stack: ExitStack
    permissions: tuple[str, ...]
    needs_manifest: bool = True
    opened: dict[str, Account] = field(default_factory=dict)

    def of_environment(self, environment: str | None) -> Account:
        """The account of an environment; raises ReconcilerError where none is named."""
        inputs = Inputs(environ=self._environ(), git=workplace.GitFacts(self.path.parent))
        said = self._glance(environment, inputs).account_id or self.settings.account_id
        if not _ACCOUNT.fullmatch(said):
            where = f" for the environment {environment}" if environment else ""
            raise ReconcilerError(
                f"{self.path} names no account{where}", fix="set CLOUDFLARE_ACCOUNT_ID, or say `account_id`"
            )
        if said not in self.opened:
            self.opened[said] = self._opened(said)
        return self.opened[said]

    def all(self) -> list[Account]:
        """The accounts of all environments, or of the one that was named."""
        named = self.common.environment_name()
        environments: list[str | None] = [named] if named else [*self._glance().environments] or [None]
        found = {one.account_id: one for one in map(self.of_environment, environments)}
        return list(found.values())

    def only(self) -> Account:
        """The account that is meant where one must be; environments need not be named while they agree."""
        accounts = self.all()
        if len(accounts) == 1:
            return accounts[0]
        names = " | ".join(self._glance().environments)
        raise ReconcilerError(
            f"the environments of {self.path} have different accounts", fix=f"say -e {names}"
        )

    def _glance(self, environment: str | None = None, inputs: Inputs | None = None) -> Glance:
        """What the manifest says; nothing where there is none to read, and none is needed."""
        try:
            return peek(self.path, environment, inputs)
        except ManifestError:
            if self.needs_manifest:
                raise
            return Glance(str(self.path))

    def meant(self) -> Account:
        """The account of the environment that was named, else the only one."""
        named = self.common.environment_name()
        return self.of_environment(named) if named else self.only()

    def _environ(self) -> Mapping[str, str]:
        if not self.common.local:
            return os.environ
        return {"CLOUDFLARE_ACCOUNT_ID": NO_ACCOUNT, **os.environ}

    def _opened(self, account_id: str) -> Account:
        api = Cloudflare(self.transport, account_id)
        registries = Registries(
            api,
            self.settings.registry_host,
            self.settings.registry_url,
            os.environ,
            permissions=self.permissions,
            scrub=self.scrub.add,
            sleep=self.stop.wait,
        )
        self.stack.callback(registries.close)
        return Account(account_id, self.settings.registry_host, api, registries)


@contextmanager
def open_cloud(
    common: Common,
    *,
    stop: StopSignal | None = None,
    may_push: bool = False,
    needs_manifest: bool = True,
) -> Iterator[Cloud]:
    """Everything that a command about images or a whole account speaks to, closed again at its end."""
    path, stop, scrub = _manifest_path(common, needed=needs_manifest), stop or StopSignal(), Scrubber()
    with scrubbed_errors(scrub), ExitStack() as stack:
        settings, problem = workplace.settings_for(common, path, stack)
        if settings is None:
            assert problem is not None
            raise problem
        transport = stack.enter_context(workplace.transport_for(settings, stop, scrub, common.verbose))
        permissions = ("pull", "push") if may_push else ("pull",)
        yield Cloud(common, path, settings, transport, scrub, stop, stack, permissions, needs_manifest)


def _manifest_path(common: Common, *, needed: bool) -> Path:
    """Where the manifest is, or would be if there were one."""
    if needed:
        path = common.manifest_path()
        peek(path)
        return path
    try:
        return common.manifest_path()
    except ReconcilerError:
        return Path(MANIFEST_NAME)
