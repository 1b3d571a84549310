"""Checks what a command would need: what works, what does not, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

import click

from reconciler.cli.account import Account, Cloud, open_cloud
from reconciler.cli.options import Common, common_options
from reconciler.cli.outline import glance
from reconciler.cli.saying import answer
from reconciler.cli.stores import state_folder
from reconciler.cli.workplace import binding_handlers, manifest_for, open_store
from reconciler.errors import AuthenticationError, ManifestError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.kind import CONTAINERS_WRITE, SCRIPTS_WRITE
from reconciler.model.manifest import Manifest
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json

_LARGEST_SKEW = 60.0


@frozen
class Check:
    """One thing looked at; `needed` says whether a failure is an error."""

    name: str
    works: bool
    what: str
    fix: str = ""
    needed: bool = True


@click.command("doctor")
@common_options
def command(common: Common) -> int:
    """Check credentials, token scope, reachability, the state's folder, Docker and the clock."""
    checks = list(_examine(common))
    if common.json:
        answer(render_json({"checks": checks}))
    else:
        for check in checks:
            answer(harmless(_line(check)) + "\n")
    return 1 if any(check.needed and not check.works for check in checks) else 0


def _line(check: Check) -> str:
    mark = "ok  " if check.works else "FAIL" if check.needed else "none"
    return f"{mark}  {check.name}: {check.what}" + (f"; {check.fix}" if check.fix and not check.works else "")


def _examine(common: Common) -> Iterator[Check]:
    known, problem = _manifests(common)
    yield problem or Check("manifest", True, f"{common.manifest_path()} is valid")
    kinds = {address.kind for manifest in known for address in manifest.resources}
    try:
        with open_cloud(common, needs_manifest=False) as cloud:
            accounts = cloud.all()
            for account in accounts:
                of_account = f" of {account.account_id}" if len(accounts) > 1 else ""
                yield from _cloud(cloud, account, of_account, kinds)
            yield _clock(cloud)
    except AuthenticationError as error:
        yield Check("credentials", False, error.message, error.fix)
    except ReconcilerError as error:
        yield Check("account", False, error.message, error.fix)
    for environment in _environments(common):
        of_it = f" of {environment}" if environment else ""
        memory = partial(_state, replace(common, environment=environment))
        yield _tried(f"state{of_it}", memory, "make the folder writable")
    yield _docker()


def _environments(common: Common) -> list[str | None]:
    """The environment that was named, else all there are; none is needed to look (interface 3)."""
    named = common.environment_name()
    try:
        path = common.manifest_path()
        return [named] if named else [*glance(common, path, None).environments] or [None]
    except ReconcilerError:
        return []


def _manifests(common: Common) -> tuple[list[Manifest], Check | None]:
    """The manifest of each environment as far as it can be read, and what stands in the way of the others."""
    found: list[Manifest] = []
    problem: ReconcilerError | None = None
    for environment in _environments(common) or [None]:
        try:
            chosen = replace(common, environment=environment)
            found.append(manifest_for(chosen, common.manifest_path(), None))
        except ReconcilerError as error:
            problem = problem or error
    if problem is None:
        return found, None
    findings = problem.diagnostics if isinstance(problem, ManifestError) else ()
    what = str(findings[0]) if findings else problem.message
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return found, Check("manifest", False, what + more, problem.fix or "`reconciler validate` says more")


def _tried(name: str, attempt: Callable[[], str], fix: str = "", *, needed: bool = True) -> Check:
    try:
        return Check(name, True, attempt(), needed=needed)
    except ReconcilerError as error:
        return Check(name, False, error.message, error.fix or fix, needed)


def _cloud(cloud: Cloud, account: Account, of_account: str, kinds: Collection[str]) -> Iterator[Check]:
    target = "the local stand-in" if cloud.common.local else cloud.settings.base_url

    def containers() -> str:
        limits = account.api.get_account().get("limits", {})
        return f"{target} answers for containers; {limits.get('total_vcpu', '?')} vCPU may run at once"

    def workers() -> str:
        return f"{len(account.api.list_scripts())} scripts can be listed"

    permission = f"give the token {CONTAINERS_WRITE} and {SCRIPTS_WRITE}"
    yield _tried(f"containers{of_account}", containers, permission)
    yield _tried(f"workers{of_account}", workers, permission)
    if not cloud.common.local:
        yield from _permissions(account, of_account, kinds)


def _permissions(account: Account, of_account: str, kinds: Collection[str]) -> Iterator[Check]:
    """What applying the manifest may need of the token, as far as the API can tell."""
    from reconciler.clients.token_permissions import may

    handlers = binding_handlers()
    needed = {one for kind in kinds for one in handlers[kind].kind.permissions}
    for permission in sorted(needed or (CONTAINERS_WRITE, SCRIPTS_WRITE)):
        has = may(account.api, permission)
        what = {True: "the token has it", False: "the token lacks it", None: "the API cannot tell"}[has]
        fix = f"give the token {permission}, or set another one in CLOUDFLARE_API_TOKEN"
        yield Check(f"{permission}{of_account}", has is not False, what, fix, permission in needed)


def _clock(cloud: Cloud) -> Check:
    skew = abs(cloud.transport.server_time() - time.time())
    fix = (
        ""
        if cloud.common.local or skew <= _LARGEST_SKEW
        else "set the clock; decisions use the service's time"
    )
    return Check("clock", not fix, f"{skew:.0f} s from the service's", fix, needed=False)


def _state(common: Common) -> str:
    store, path = open_store(common), common.manifest_path()
    state = store.read()
    if store.backend == "local":
        folder = state_folder(common, glance(common, path, common.environment_name()).state, path)
        if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
            raise ReconcilerError(f"{folder} is not writable")
    if state is None:
        return f"{store.describe()}, nothing yet: the first apply makes it"
    return f"{store.describe()}, serial {state.serial}, {len(state.resources)} resources"


def _docker() -> Check:
    binary = os.environ.get("WRANGLER_DOCKER_BIN") or shutil.which("docker")
    fix = "only needed to build; copying and archives need none"
    if not binary:
        return Check("docker", False, "not installed", fix, needed=False)
    try:
        ended = subprocess.run(
            [binary, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Check("docker", False, f"{binary} does not answer", fix, needed=False)
    if ended.returncode:
        return Check("docker", False, "no daemon is running", fix, needed=False)
    return Check("docker", True, f"daemon {ended.stdout.strip()}", needed=False)
