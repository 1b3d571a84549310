"""Opens accounts for commands about images: API and registries, for every environment at once, whether or not the manifest binds.

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
from reconciler.cli.options import Common
from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.image_rules import ImageRules
from reconciler.clients.registries import Registries
from reconciler.clients.scrubber import Scrubber
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest import Inputs, peek
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
    opened: dict[str, Account] = field(default_factory=dict)

    def of_environment(self, environment: str | None) -> Account:
        """The account of an environment; raises ReconcilerError where none is named."""
        inputs = Inputs(environ=self._environ(), git=workplace.GitFacts(self.path.parent))
        said = peek(self.path, environment, inputs).account_id or self.settings.account_id
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
        environments: list[str | None] = [named] if named else [*peek(self.path).environments] or [None]
        found = {one.account_id: one for one in map(self.of_environment, environments)}
        return list(found.values())

    def only(self) -> Account:
        """The account that is meant where one must be; environments need not be named while they agree."""
        accounts = self.all()
        if len(accounts) == 1:
            return accounts[0]
        names = " | ".join(peek(self.path).environments)
        raise ReconcilerError(
            f"the environments of {self.path} have different accounts", fix=f"say -e {names}"
        )

    def _environ(self) -> Mapping[str, str]:
        if not self.common.local:
            return os.environ
        return {"CLOUDFLARE_ACCOUNT_ID": workplace.NO_ACCOUNT, **os.environ}

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
def open_cloud(common: Common, *, stop: StopSignal | None = None, may_push: bool = False) -> Iterator[Cloud]:
    """Everything that a command about images speaks to, closed again at its end."""
    path, stop, scrub = common.manifest_path(), stop or StopSignal(), Scrubber()
    peek(path)
    with ExitStack() as stack:
        settings, problem = workplace.settings_for(common, path, stack)
        if settings is None:
            assert problem is not None
            raise problem
        transport = stack.enter_context(workplace.transport_for(settings, stop, scrub, common.verbose))
        permissions = ("pull", "push") if may_push else ("pull",)
        yield Cloud(common, path, settings, transport, scrub, stop, stack, permissions)
